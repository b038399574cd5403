"""A call that asks other systems: answered by one event, within its deadline, and nothing is left of it afterwards."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest

from ivrengine.core import effects, events
from ivrengine.core.asking import Inquiry, Reply
from ivrengine.core.events import Unanswered
from ivrengine.engine import inquiring
from ivrengine.engine.limits import Limits
from ivrengine.sim import script
from tests.engine.a_house import DID, House, a_house
from tests.engine.books import check_the_books, check_the_switch
from tests.engine.elsewhere import Elsewhere, away, broken, in_time, never, stubborn
from tests.engine.test_engine import nodes_of

STAYS: Final = script.script(patience_s=None)
DEADLINE_S: Final = 5.0
GRACE_S: Final = 2.0


def flow(**ask: Any) -> dict[str, Any]:
    return {
        "start": "ask",
        "variables": {"balance": {"type": "double"}},
        "nodes": {
            "ask": {
                "type": "http",
                "url": "https://erp.example.com/balance",
                "next": "known",
                "failed": "sorry",
                **ask,
            },
            "known": {"type": "hangup", "prompt": "known"},
            "sorry": {"type": "hangup", "prompt": "sorry"},
        },
    }


GET: Final = flow()
POST: Final = flow(method="POST")


def told(house: House, kind: type[events.Fetched | events.FetchFailed]) -> list[Any]:
    return [row.payload for row in house.rows() if row.kind == kind.__name__]


async def test_a_caller_hears_music_until_the_answer_is_there(tmp_path: Path) -> None:
    there = Elsewhere()
    async with a_house(tmp_path / "j", GET, fetching=there) as house:
        caller = house.switch.call(DID, script=STAYS)
        await asyncio.sleep(0.9)
        assert not caller.ear.hears_sound()
        await asyncio.sleep(0.2)
        assert caller.ear.hears_sound("music:default")
        await caller.hears("known")
        assert house.count("inquiries_total", method="GET", outcome="answered") == 1
        assert house.count("inquiries_open") == 0
    assert len(there.asked) == 1


@pytest.mark.parametrize(
    ("answers", "after_s", "reason"),
    [
        (never, DEADLINE_S, Unanswered.TIMEOUT),
        (away, 0.0, Unanswered.UNREACHABLE),
        (broken, 0.0, Unanswered.FAULT),
    ],
)
async def test_an_answer_that_does_not_come_takes_the_failure_exit_in_time(
    tmp_path: Path, answers: Any, after_s: float, reason: Unanswered
) -> None:
    async with a_house(tmp_path / "j", GET, fetching=Elsewhere(answers)) as house:
        caller = house.switch.call(DID, script=STAYS)
        await asyncio.sleep(max(0.0, after_s - 0.1))
        assert after_s == 0 or nodes_of(house) == ["ask"]
        await asyncio.sleep(0.2)
        assert nodes_of(house) == ["ask", "sorry"]
        [failed] = told(house, events.FetchFailed)
        assert f'"reason":"{reason}"' in failed
        assert house.count("inquiries_total", method="GET", outcome=reason) == 1
        assert house.count("inquiries_failed_total") == (reason is Unanswered.FAULT)
        await caller.gone()


async def test_a_door_that_does_not_let_go_keeps_no_caller_and_no_engine(tmp_path: Path) -> None:
    there = Elsewhere(stubborn)
    async with a_house(tmp_path / "j", GET, fetching=there) as house:
        house.switch.call(DID, script=STAYS)
        await asyncio.sleep(DEADLINE_S + 0.5)
        assert there.waiting == 1
        await asyncio.sleep(GRACE_S)
        assert nodes_of(house) == ["ask", "sorry"]
        assert there.waiting == 0


async def test_without_a_door_nobody_is_asked(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", GET) as house:
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("sorry")
        assert house.count("inquiries_total", outcome="refused") == 1


async def test_who_hangs_up_is_asked_for_no_more(tmp_path: Path) -> None:
    there = Elsewhere(never)
    async with a_house(tmp_path / "j", GET, fetching=there) as house:
        caller = house.switch.call(DID, script=STAYS)
        await asyncio.sleep(1.5)
        assert there.waiting == 1
        caller.hang_up()
        await asyncio.sleep(0.1)
        assert there.waiting == 0
        assert not house.engine.calls()
        assert house.count("inquiries_total", outcome="given up") == 1
        check_the_books(house)
        check_the_switch(house)


async def test_a_stopping_engine_leaves_nothing_that_waits(tmp_path: Path) -> None:
    there = Elsewhere(never)
    limits = Limits(drain_s=0.1)
    async with a_house(tmp_path / "j", GET, fetching=there, limits=limits) as house:
        for _ in range(3):
            house.switch.call(DID, script=script.script(patience_s=None, fallback_s=5))
        await asyncio.sleep(0.5)
        assert there.waiting == 3
        await house.engine.stop()
        assert there.waiting == 0
        assert not house.engine._tasks


@pytest.mark.parametrize("asks", [GET, POST], ids=["GET", "POST"])
async def test_an_answer_that_comes_while_the_switch_is_not_heard_is_not_lost(
    tmp_path: Path, asks: dict[str, Any]
) -> None:
    there = Elsewhere(in_time)
    async with a_house(tmp_path / "j", asks, fetching=there) as house:
        caller = house.switch.call(DID, script=STAYS)
        await asyncio.sleep(0.2)
        house.switch.drop_link()
        await asyncio.sleep(4)
        assert there.waiting == 0
        assert "Fetched" not in house.kinds(), "nothing is decided for a switch that is not heard"
        house.switch.start()
        await caller.hears("known")
        kinds = Counter(house.kinds())
        assert (kinds["Resumed"], kinds["Fetched"], kinds["FetchFailed"]) == (1, 1, 0)
    assert len(there.asked) == 1


@pytest.mark.parametrize("asks", [GET, POST], ids=["GET", "POST"])
async def test_a_gap_that_is_over_before_the_answer_asks_nothing_twice(
    tmp_path: Path, asks: dict[str, Any]
) -> None:
    async def slowly(inquiry: Inquiry) -> Reply:
        await asyncio.sleep(2)
        return await in_time(inquiry)

    there = Elsewhere(slowly)
    async with a_house(tmp_path / "j", asks, fetching=there) as house:
        caller = house.switch.call(DID, script=STAYS)
        await asyncio.sleep(0.2)
        house.switch.drop_link()
        await asyncio.sleep(0.5)
        house.switch.start()
        await caller.hears("known")
    assert len(there.asked) == 1


async def test_what_a_dead_engine_asked_is_asked_again_and_what_it_told_is_not(
    tmp_path: Path,
) -> None:
    for name, asks, times in (("get", GET, 2), ("post", POST, 1)):
        there = Elsewhere(in_time)
        async with a_house(tmp_path / name, asks, fetching=there) as house:
            caller = house.switch.call(DID, script=STAYS)
            await asyncio.sleep(0.2)
            house.kill()
            await asyncio.sleep(0.3)
            await house.restart()
            await caller.hears("known" if times > 1 else "sorry")
        assert len(there.asked) == times
        assert len({inquiry.request_id for inquiry in there.asked}) == times


async def test_after_the_caller_has_left_something_can_still_be_told(tmp_path: Path) -> None:
    there = Elsewhere(in_time)
    asks = {**POST, "start": "known"}
    async with a_house(tmp_path / "j", asks, fetching=there) as house:
        [(_, found)] = house.book.flows.items()
        object.__setattr__(found, "on_hangup", "ask")
        caller = house.switch.call(DID, script=STAYS)
        await caller.hears("known")
        caller.hang_up()
        await asyncio.sleep(0.2)
        assert there.waiting == 1
        await asyncio.sleep(1)
        assert not house.engine.calls()
        assert house.outcome() == "hung_up"
        assert isinstance(there.asked[0], effects.Submit)


async def test_other_systems_are_not_asked_by_all_calls_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiring, "AT_ONCE_MAX", 2)

    async def in_two_seconds(_inquiry: Inquiry) -> Reply:
        await asyncio.sleep(2)
        return Reply(status=200, content=None)

    there = Elsewhere(in_two_seconds)
    async with a_house(tmp_path / "j", GET, fetching=there) as house:
        for _ in range(5):
            house.switch.call(DID, script=STAYS)
        await asyncio.sleep(1)
        assert there.waiting == 2
        await asyncio.sleep(DEADLINE_S - 0.9)
        assert len(there.asked) == 5
        assert len(told(house, events.Fetched)) == 4
        assert len(told(house, events.FetchFailed)) == 1, "who waits for a turn waits no longer"
