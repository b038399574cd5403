import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core import events, switching
from ivrengine.core.events import Failure
from ivrengine.core.ids import BridgeId, PlaybackId
from ivrengine.core.switching import RequestRefusedError
from ivrengine.sim.faults import Faults
from ivrengine.sim.switch import Delays
from tests.sim.stage import DID, MENU, WELCOME, Stage, settle


async def failures(stage: Stage, requests: int) -> list[Failure]:
    """Return what so many requests that cannot fail by themselves failed with."""
    failed = []
    for ordinal in range(requests):
        try:
            await stage.switch.create_bridge(BridgeId(f"sim:ivr-b{ordinal}"))
        except RequestRefusedError as error:
            failed.append(error.failure)
    return failed


async def test_a_share_of_the_requests_fails() -> None:
    stage = Stage(seed=7)
    stage.switch.faults = Faults(refuse={Failure.UNAVAILABLE: 0.1, Failure.NOT_READY: 0.2})
    failed = await failures(stage, 2000)
    assert failed.count(Failure.UNAVAILABLE) == pytest.approx(200, rel=0.2)
    assert failed.count(Failure.NOT_READY) == pytest.approx(400, rel=0.2)
    assert stage.switch.counts["refused"] == len(failed)


@given(failure=st.sampled_from(Failure), ordinal=st.integers(1, 9))
async def test_the_nth_request_fails(failure: Failure, ordinal: int) -> None:
    stage = Stage()
    stage.switch.faults = Faults(refuse_at={ordinal: failure})
    assert await failures(stage, ordinal - 1) == []
    assert await failures(stage, 1) == [failure]
    assert await failures(stage, 5) == []


async def test_a_refused_request_is_not_done_and_one_without_answer_may_be() -> None:
    stage = Stage(seed=3)
    stage.switch.faults = Faults(refuse={Failure.REFUSED: 1.0})
    await failures(stage, 100)
    assert not stage.switch.exchange.bridges
    stage.switch.faults = Faults(refuse={Failure.UNAVAILABLE: 1.0})
    assert len(await failures(stage, 100)) == 100
    assert 30 < len(stage.switch.exchange.bridges) < 70


async def test_only_the_named_requests_fail() -> None:
    stage = Stage()
    _, channel_id = await stage.caller()
    stage.switch.faults = Faults(refuse={Failure.REFUSED: 1.0}, refuse_only=frozenset({"play"}))
    await stage.switch.start_music(channel_id, "default")
    with pytest.raises(RequestRefusedError):
        await stage.switch.play(channel_id, PlaybackId("sim:ivr-p1"), [WELCOME])


async def test_lost_events_are_counted() -> None:
    stage = Stage(seed=5)
    stage.switch.faults = Faults(lose=0.5, lose_only=(switching.DigitHeard,))
    caller, _ = await stage.caller()
    caller.press("1" * 200)
    caller.hang_up()
    await settle()
    heard = len(stage.all(switching.DigitHeard))
    assert heard == pytest.approx(100, abs=30)
    assert stage.switch.counts["lost"] == 200 - heard
    assert len(stage.all(events.ChannelEnded)) == 1


async def test_doubled_keys_come_side_by_side() -> None:
    stage = Stage()
    stage.switch.faults = Faults(double_digits=1.0)
    caller, _ = await stage.caller()
    caller.press("12")
    await settle()
    assert [heard.digit for heard in stage.all(switching.DigitHeard)] == ["1", "1", "2", "2"]
    assert stage.switch.counts["doubled"] == 2


async def test_late_events_let_others_pass_but_not_those_of_the_same_channel() -> None:
    stage = Stage(seed=1)
    stage.switch.faults = Faults(late=0.3, late_s=2.0)
    callers = [(await stage.caller())[0] for _ in range(20)]
    for key in "123456789":
        for caller in callers:
            caller.press(key)
        await asyncio.sleep(0.1)
    await asyncio.sleep(5)
    told: dict[str, str] = {}
    for heard in stage.all(switching.DigitHeard):
        told[heard.channel_id] = told.get(heard.channel_id, "") + heard.digit
    assert set(told.values()) == {"123456789"}
    keys = "".join(heard.digit for heard in stage.all(switching.DigitHeard))
    assert keys != "".join(sorted(keys))


async def test_slow_requests_take_longer() -> None:
    stage = Stage(seed=2)
    stage.switch.faults = Faults(slow=1.0, slow_s=2.0)
    await failures(stage, 20)
    assert asyncio.get_running_loop().time() == pytest.approx(20.0, abs=8.0)
    assert stage.switch.counts["slow"] == 20


async def test_while_the_link_is_down_calls_go_on_and_nobody_is_told() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    await stage.switch.play(channel_id, PlaybackId("sim:ivr-p1"), [WELCOME])
    stage.switch.drop_link("cable")
    caller.press("1")
    await asyncio.sleep(5)
    other = stage.switch.call(DID)
    assert other.fallback
    stage.switch.start()
    caller.press("2")
    await settle()
    assert stage.kinds() == ["Arrival", "LinkDown", "DigitHeard"]
    assert stage.switch.counts["unheard"] == 2
    assert [heard.to_end for heard in caller.ear.heard] == [True]


async def test_requests_still_reach_the_switch_unless_they_are_cut_too() -> None:
    stage = Stage()
    caller, channel_id = await stage.caller()
    stage.switch.drop_link()
    await stage.switch.play(channel_id, PlaybackId("sim:ivr-p1"), [MENU])
    assert caller.ear.hears("menu")
    stage.switch.drop_link(requests_too=True)
    with pytest.raises(RequestRefusedError) as refused:
        await stage.switch.hang_up(channel_id)
    assert refused.value.failure is Failure.UNAVAILABLE


async def test_an_event_can_come_before_the_answer_to_its_request() -> None:
    stage = Stage(seed=1, delays=Delays(event_s=0.001, request_s=0.05))
    early = 0
    for _ in range(30):
        caller = stage.switch.call(DID)
        await asyncio.sleep(0.01)
        assert caller.channel is not None
        before = len(stage.all(events.ChannelEnded))
        await stage.switch.hang_up(caller.channel.channel_id)
        early += len(stage.all(events.ChannelEnded)) > before
    assert 5 < early < 25
