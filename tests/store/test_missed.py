"""Calls that only the dialplan saw, in a real PostgreSQL: once each, listed, and shown with the call they belong to."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ivrengine.cli.calls_output import in_words
from ivrengine.core import events
from ivrengine.core.call import Caller, FlowRef
from ivrengine.core.ids import BrandId, CallId, ChannelId, FlowHash, NumberId
from ivrengine.core.missed import CallMissed, MissedKind
from ivrengine.core.rows import EventRow
from ivrengine.engine.identity import uuid7_of
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_reading import Reader, Recovered
from ivrengine.engine.missed import _call
from ivrengine.store import queries
from ivrengine.store.queries import Wanted, events_of, find_call, later_events_of, list_calls
from ivrengine.store.timeline import timeline
from tests.store import samples
from tests.store.a_database import connected, ship
from tests.store.test_with_journal import CHANNEL, a_call

pytestmark = pytest.mark.postgres

BRAND = BrandId("guneskent")


def missed(channel: str, second: int = 0, member: str | None = None) -> CallMissed:
    number_id = NumberId(uuid7_of(samples.NOON, "number", channel))
    return CallMissed(
        at=samples.NOON + timedelta(seconds=second),
        kind=MissedKind.FALLBACK,
        channel_id=ChannelId(channel),
        did="+902124440101",
        caller=Caller(withheld=False, mask="+90 5** *** ** 67", key=None, number_id=number_id),
        arrived_at=samples.NOON - timedelta(seconds=40),
        waited_s=30,
        queue_status="JOINEMPTY",
        member=member,
        cause=16,
    )


def rows_of(folder: Path, told: list[tuple[CallMissed, bool]]) -> list[EventRow]:
    """Return the rows of missed calls as the journal gives them to the shipper, after a call that the engine had."""
    journal = Journal(folder, reserve_bytes=0)
    journal.begin(Recovered(), samples.NOON)
    call = a_call(1)
    arrived = events.CallArrived(
        at=samples.NOON,
        call_id=call.call_id,
        brand=call.brand,
        did=call.did,
        channel_id=CHANNEL,
        caller=call.caller,
        flow=FlowRef(name="main", hash=FlowHash("0" * 64)),
        language="tr",
    )
    journal.append_step(arrived, (), call)
    for event, had in told:
        stream_id = CallId(uuid7_of(event.at, event.channel_id))
        state = None if had else _call(stream_id, BRAND, event)
        journal.append_missed(stream_id, BRAND, event, state)
    journal.close()
    reader = Reader(folder, lambda: journal.segment, lambda: None)
    try:
        return [row for row in reader.read(1_000).rows if isinstance(row, EventRow)]
    finally:
        reader.close()


def test_told_twice_it_is_there_once_and_in_the_list(url: str, tmp_path: Path) -> None:
    told = [(missed("ast1:7.7"), False), (missed("ast1:7.7"), False), (missed("ast1:8.8"), False)]

    async def run() -> None:
        await ship(url, rows_of(tmp_path / "j", told))
        async with connected(url) as connection:
            found = await list_calls(connection, Wanted(outcome="missed"))
            assert len(found) == 2
            assert await connection.fetchval("SELECT count(*) FROM events") == 3
            assert await connection.fetchval("SELECT count(*) FROM parked_rows") == 0
            told_of = timeline(await events_of(connection, found[0].call_id))
            assert [in_words(moment) for moment in told_of.arrival] == [
                "call from +90 5** *** ** 67 to +902124440101"
            ]
            assert told_of.arrival[0].at == samples.NOON - timedelta(seconds=40)
            assert [in_words(moment) for moment in told_of.ending] == [
                "in the fallback, nobody picked up (joinempty); 30 s in the queue"
            ]

    asyncio.run(run())


def test_what_came_of_a_call_of_ours_is_shown_with_it_and_is_no_second_call(
    url: str, tmp_path: Path
) -> None:
    told = [(missed(CHANNEL, 60, "agent-101"), True), (missed("ast1:9.9"), False)]

    async def run() -> None:
        await ship(url, rows_of(tmp_path / "j", told))
        async with connected(url) as connection:
            assert len(await list_calls(connection, Wanted())) == 2
            call = await find_call(connection, a_call(1).call_id)
            recorded = await events_of(connection, call.call_id)
            later = await later_events_of(connection, call.call_id, recorded)
            assert [in_words(moment) for moment in timeline(recorded, later).ending] == [
                "in the fallback, agent-101 picked up after 30 s in the queue"
            ]
            await connection.execute("SET enable_seqscan = off")
            plan = await connection.fetch(f"EXPLAIN {queries._LATER}", CHANNEL, call.call_id)
            assert any("Index Cond: (((payload" in row[0] for row in plan), plan

    asyncio.run(run())
