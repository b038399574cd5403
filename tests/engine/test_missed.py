"""Calls that only the dialplan saw: each is one event and one call of the list, however often it is told."""

import asyncio
import dataclasses
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core import events, missed
from ivrengine.core.call import Outcome
from ivrengine.core.ids import ChannelId
from ivrengine.core.missed import MissedCall, MissedKind
from ivrengine.core.switching import NotTakenError
from ivrengine.engine import missed as missed_calls
from ivrengine.engine.identity import uuid7, uuid7_of
from ivrengine.engine.recognition import Recogniser
from ivrengine.numbers.seal import MasterKey, Sealer
from ivrengine.sim import script
from ivrengine.store.items import milliseconds_of
from tests.engine.a_house import BRAND, DID, NOON, NOT_RECOGNISED, a_house
from tests.engine.test_engine import MENU
from tests.engine.test_recovery import last_event

TOLD = MissedCall(
    at=NOON,
    kind=MissedKind.FALLBACK,
    channel_id=ChannelId("sim:1795312470.0"),
    did=DID,
    number="+905321234567",
    arrived_at=NOON - timedelta(seconds=40),
    waited_s=30,
    queue_status=None,
    member=None,
    cause=16,
)


async def test_a_missed_call_is_an_event_and_a_call_of_the_list(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        house.engine.listen(TOLD)
        (row,) = house.rows()
        assert (row.stream_kind, row.seq, row.kind, row.at) == ("call", 1, "CallMissed", NOON)
        assert milliseconds_of(row.stream_id) == NOON.timestamp() * 1000
        event = json.loads(row.payload)["event"]
        assert (event["kind"], event["waited_s"], event["member"]) == ("fallback", 30, None)
        assert event["channel_id"] == TOLD.channel_id
        assert event["caller"]["mask"] == "+90***67"
        call = row.call
        assert call is not None
        assert (call.call_id, call.brand, call.did) == (row.stream_id, BRAND, DID)
        assert (call.phase, call.outcome, call.flow) == ("ended", "missed", "main")
        assert (call.arrived_at, call.ended_at) == (TOLD.arrived_at, NOON)
        assert call.last_seq == 1
        assert house.count("calls_missed_total", kind="fallback") == 1
        assert "5321234567" not in (tmp_path / "j" / "journal-00000001.jsonl").read_text()


async def test_told_twice_and_by_another_engine_it_is_the_same_rows(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        house.engine.listen(TOLD)
        house.engine.listen(TOLD)
        house.kill()
        await house.restart()
        house.engine.listen(TOLD)
        first, second, third = house.rows()
        assert first == second == third


@given(
    st.sampled_from(MissedKind),
    st.sampled_from(["sim:1.1", "sim:1.2", "ast2:1.1"]),
    st.integers(0, 3),
    st.sampled_from(MissedKind),
    st.sampled_from(["sim:1.1", "sim:1.2", "ast2:1.1"]),
    st.integers(0, 3),
)
def test_two_facts_have_one_stream_only_if_they_are_one(
    kind: str, channel: str, second: int, other_kind: str, other_channel: str, other_second: int
) -> None:
    one = uuid7_of(NOON + timedelta(seconds=second), "missed", channel, kind)
    other = uuid7_of(NOON + timedelta(seconds=other_second), "missed", other_channel, other_kind)
    same = (kind, channel, second) == (other_kind, other_channel, other_second)
    assert (one == other) is same
    assert len(one) == len(uuid7(NOON))
    assert one[14] == "7"
    assert one[19] in "89ab"


@pytest.mark.parametrize(
    ("kind", "member", "outcome"),
    [
        (MissedKind.FALLBACK, None, Outcome.MISSED),
        (MissedKind.FALLBACK, "agent-101", Outcome.FALLBACK),
        (MissedKind.UNANSWERED, None, Outcome.MISSED),
        (MissedKind.SHED, None, Outcome.SHED),
        (MissedKind.LOST, None, Outcome.LOST),
    ],
)
def test_how_it_ended_is_told_by_its_kind(
    kind: MissedKind, member: str | None, outcome: Outcome
) -> None:
    assert missed.outcome(kind, member) is outcome


async def test_a_number_that_no_route_has_is_recorded_too(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        house.engine.listen(dataclasses.replace(TOLD, did="+902120000000", number=None))
        (row,) = house.rows()
        assert row.call is not None
        assert (row.brand, row.call.flow, row.call.caller_mask) == ("-", "", "withheld")


async def test_of_a_call_that_the_engine_has_or_had_it_is_only_an_event(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID)
        await caller.hears("menu")
        channel = house.engine.calls()[0].channel_id
        told = dataclasses.replace(TOLD, channel_id=channel)
        house.engine.listen(told)
        assert house.rows()[-1].call is None
        caller.hang_up()
        await caller.gone()
        house.engine.listen(dataclasses.replace(told, at=NOON + timedelta(seconds=1)))
        assert house.rows()[-1].call is None
        house.kill()
        await house.restart()
        house.engine.listen(dataclasses.replace(told, at=NOON + timedelta(seconds=2)))
        assert house.rows()[-1].call is None
        house.engine.listen(TOLD)
        assert house.rows()[-1].call is not None


async def test_a_call_that_was_given_up_is_known_through_any_number_of_restarts(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID)
        await caller.hears("menu")
        channel = house.engine.calls()[0].channel_id
        house.engine.listen(events.ChannelLeft(at=house.now(), channel_id=channel))
        await asyncio.sleep(0.1)
        assert house.outcome() == "taken"
        for _ in range(3):
            house.kill()
            await house.restart()
        house.engine.listen(dataclasses.replace(TOLD, channel_id=channel))
        assert house.rows()[-1].call is None


async def test_what_is_remembered_of_ended_calls_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(missed_calls, "ENDED_MAX", 3)
    async with a_house(tmp_path / "j", MENU) as house:
        remembered = house.engine._missed
        given_up = ChannelId("sim:given-up")
        remembered.remember(given_up, Outcome.FALLBACK)
        for number in range(10):
            remembered.remember(ChannelId(f"sim:{number}"), Outcome.COMPLETED)
        had = [number for number in range(10) if remembered._had(ChannelId(f"sim:{number}"))]
        assert had == [7, 8, 9]
        assert remembered._had(given_up)


async def test_what_the_dialplan_knew_of_a_lost_call_is_in_its_end(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID, script=script.script(script.hang_up(after_s=4.0)))
        await caller.hears("menu")
        channel = house.engine.calls()[0].channel_id
        house.kill()
        await caller.gone()
        ended_at = house.now()
        await house.restart()
        lost = dataclasses.replace(
            TOLD, kind=MissedKind.LOST, channel_id=channel, at=ended_at, cause=19
        )
        house.engine.listen(lost)
        while house.engine.calls():
            await asyncio.sleep(0.1)
        ended = last_event(house, events.EndedUnheard.__name__)
        assert ended["cause"] == 19
        assert datetime.fromisoformat(ended["since_at"]) == ended_at
        assert [row.call for row in house.rows() if row.kind == "CallMissed"] == [None]


async def test_a_journal_that_cannot_be_written_says_so_to_who_told(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        fd, house.journal._fd = house.journal._fd, -1
        with pytest.raises(NotTakenError):
            house.engine.listen(TOLD)
        house.journal._fd = fd
        house.engine.listen(TOLD)
        assert house.kinds() == ["CallMissed"]


async def test_one_at_which_we_break_holds_up_nothing(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        house.engine.listen(dataclasses.replace(TOLD, number=NOT_RECOGNISED))
        house.engine.listen(TOLD)
        assert house.kinds() == ["CallMissed"]
        assert house.count("calls_failed_total") == 1


async def test_the_number_goes_into_the_same_entry_of_the_vault_each_time(tmp_path: Path) -> None:
    sealer = Sealer([MasterKey(key_id="k1", secret=b"x" * 32)])
    async with a_house(tmp_path / "j", MENU) as house:
        house.engine._missed._recognise = Recogniser(
            sealer, lambda: house.book, retention=timedelta(days=1)
        )
        house.engine.listen(TOLD)
        house.engine.listen(TOLD)
        first, second = house.rows()
        assert first == second
        assert first.call is not None
        assert first.call.number_id is not None
        assert first.call.caller_key == sealer.caller_key(BRAND, "+905321234567")
