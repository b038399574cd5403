"""Quick commands go over the event socket once answers are known to come there; what can wait never does."""

import asyncio

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.asterisk import backoff, lane, wire
from ivrengine.core.events import Failure
from ivrengine.core.ids import BridgeId, ChannelId, PlaybackId
from ivrengine.core.switching import LinkDown, RequestRefusedError
from tests.asterisk.fake_ari import Door, FakeAri, linked, running

pytestmark = pytest.mark.real_time

CHANNEL = ChannelId("ast1:1.7")
PLAYBACK = PlaybackId("ast1:ivr-p1")
PING = ("GET", "asterisk/ping")
ANSWER = ("POST", "channels/1.7/answer")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.02)
    monkeypatch.setattr(backoff, "MOST_S", 0.05)
    monkeypatch.setattr(wire, "REQUEST_LIMIT_S", 0.2)
    monkeypatch.setattr(lane, "PROOF_LIMIT_S", 0.1)
    monkeypatch.setattr(lane, "MOVE_AFTER_S", 0.05)


async def a_fake(behaviour: str) -> FakeAri:
    fake = FakeAri()
    fake.lane = behaviour  # type: ignore[assignment]
    await fake.start()
    return fake


async def ready(door: Door) -> None:
    """Wait until both sockets are in use."""
    await door.until(lambda: door.switch.healthy and door.fake.second_asked == [PING])
    await asyncio.sleep(0.01)  # the answer to the ping is on its way


async def test_each_kind_of_command_has_its_way() -> None:
    door = Door(await a_fake("answers"))
    async with running(door):
        await ready(door)
        await door.switch.play(CHANNEL, PLAYBACK, ["sound:a", "sound:/"])
        await door.switch.stop_playback(PLAYBACK)
        await door.switch.start_music(CHANNEL, "default")
        await door.switch.stop_music(CHANNEL)
        await door.switch.answer(CHANNEL)
        await door.switch.add_to_bridge(BridgeId("ast1:ivr-b1"), [CHANNEL])
        await door.switch.send_to_fallback(CHANNEL)
        await door.switch.hang_up(CHANNEL)
    assert door.fake.lane_asked == [
        PING,
        ("POST", "channels/1.7/play/ivr-p1?media=sound%3Aa%2Csound%3A%2F"),
        ("DELETE", "playbacks/ivr-p1"),
        ("POST", "channels/1.7/moh?mohClass=default"),
        ("DELETE", "channels/1.7/moh"),
        ("DELETE", "channels/1.7"),
    ]
    assert door.fake.second_asked == [PING, ANSWER]
    by_http = [path for _, path in door.fake.commands()]
    assert "/channels/1.7/answer" not in by_http
    assert "/bridges/ivr-b1/addChannel" in by_http
    assert "/channels/1.7/continue" in by_http
    await door.fake.stop()


async def test_what_stands_behind_a_held_up_command_moves_to_http_and_no_other_lane_notices() -> (
    None
):
    door = Door(await a_fake("answers"))
    async with running(door):
        await ready(door)
        door.fake.second_lane = "is silent"
        held_up = asyncio.gather(*(door.switch.answer(CHANNEL) for _ in range(50)))
        await door.switch.hang_up(CHANNEL)
        assert not held_up.done()
        await held_up
        assert door.fake.commands().count(("POST", "/channels/1.7/answer")) == 50
        await door.switch.answer(CHANNEL)
        assert door.fake.second_asked.count(ANSWER) == 50  # the last one did not even try
    await door.fake.stop()


async def test_a_held_up_lane_is_used_again_when_its_overdue_answer_has_come() -> None:
    door = Door(await a_fake("answers"))
    async with running(door):
        await ready(door)
        door.fake.second_lane = "is silent"
        await door.switch.answer(CHANNEL)
        overdue = {"type": "RESTResponse", "request_id": "2", "status_code": 204}
        assert door.fake.second is not None
        await door.fake.second.send_json(overdue)
        door.fake.second_lane = "answers"

        async def again() -> bool:
            await door.switch.answer(CHANNEL)
            return door.fake.second_asked.count(ANSWER) > 1

        async with asyncio.timeout(3):
            while not await again():
                pass
    await door.fake.stop()


async def test_a_second_socket_that_closes_leaves_everything_to_http_and_the_link_alone() -> None:
    door = Door(await a_fake("answers"))
    async with running(door):
        await ready(door)
        assert door.fake.second is not None
        await door.fake.second.close()
        await door.switch.answer(CHANNEL)
        assert ("POST", "/channels/1.7/answer") in door.fake.commands()
        assert door.switch.up
    await door.fake.stop()


async def test_a_no_over_the_socket_is_the_same_no_as_over_http() -> None:
    door = Door(await a_fake("answers"))
    async with running(door):
        await door.until(lambda: door.switch.healthy)
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.play(ChannelId("ast1:gone"), PLAYBACK, ["sound:a"])
        assert refused.value.failure is Failure.GONE
        assert "Channel not found" in refused.value.detail
    await door.fake.stop()


@pytest.mark.parametrize("behaviour", ["refuses", "is silent"])
async def test_an_asterisk_that_does_not_answer_there_is_served_over_http(behaviour: str) -> None:
    with structlog.testing.capture_logs() as logs:
        door = Door(await a_fake(behaviour))
        async with running(door):
            await door.until(lambda: door.switch.healthy)
            await door.switch.hang_up(CHANNEL)
    assert door.fake.lane_asked == [PING]
    assert ("DELETE", "/channels/1.7") in door.fake.commands()
    assert "requests by http only" in [entry["event"] for entry in logs]
    await door.fake.stop()


async def test_an_answer_that_never_comes_is_looked_for_before_anything_is_repeated() -> None:
    door = Door(await a_fake("answers"))
    async with running(door):
        await door.until(lambda: door.switch.healthy)
        door.fake.lane = "is silent"
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.play(CHANNEL, PLAYBACK, ["sound:a"])
        assert refused.value.failure is Failure.UNAVAILABLE
        assert ("GET", "/playbacks/ivr-p1") in door.fake.commands()
        assert [uri for method, uri in door.fake.lane_asked if method == "POST"] == [
            "channels/1.7/play/ivr-p1?media=sound%3Aa"
        ]
    await door.fake.stop()


async def test_a_socket_that_closes_leaves_nobody_waiting() -> None:
    door = Door(await a_fake("answers"))
    async with running(door):
        await door.until(lambda: door.switch.healthy)
        door.fake.lane = "is silent"
        asked = asyncio.ensure_future(door.switch.hang_up(CHANNEL))
        await door.until(lambda: ("DELETE", "channels/1.7") in door.fake.lane_asked)
        await door.fake.sockets[-1].close()
        await asked  # DELETE is safe to repeat, and was: over HTTP, for the socket is gone
        assert ("DELETE", "/channels/1.7") in door.fake.commands()
        assert any(isinstance(event, LinkDown) for event in door.told)
    await door.fake.stop()


@given(
    st.dictionaries(
        st.sampled_from(["type", "request_id", "status_code", "message_body", "more"]),
        st.none() | st.integers() | st.text() | st.lists(st.text()),
    )
)
async def test_no_answer_however_strange_is_an_exception(frame: dict[str, object]) -> None:
    async def send(_text: str) -> None:
        raise AssertionError

    lane.Lane(send).hear(frame)


async def test_a_broken_answer_is_counted_and_dropped() -> None:
    async with linked() as door:
        await door.fake.send('{"type":"RESTResponse","status_code":"many"}')
        await door.until(lambda: "not an event" in door.meter.drops)
        assert door.switch.up
