"""The real journal and a real PostgreSQL: what the engine writes is what the tables hold, through restarts of either side."""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Caller, FlowRef, Outcome, Phase
from ivrengine.core.ids import ChannelId
from ivrengine.engine import journal_reading
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_reading import Reader, Recovered, segments
from ivrengine.store import gaps
from ivrengine.store.database import Database
from ivrengine.store.queries import events_of, find_call
from ivrengine.store.shipper import Shipper
from ivrengine.store.timeline import timeline
from ivrengine.telemetry import metrics
from tests.store import samples
from tests.store.a_database import connected, lose

pytestmark = pytest.mark.postgres

CHANNEL = ChannelId("ast1:1.1")
SEGMENT_BYTES = 30_000


def a_call(number: int) -> Call:
    row = samples.call_row(number, 1, 9)
    return Call(
        call_id=row.call_id,
        brand=row.brand,
        did=row.did,
        channel_id=CHANNEL,
        caller=Caller(withheld=False, mask=row.caller_mask, key=row.caller_key, number_id=None),
        flow=FlowRef(name=row.flow, hash=row.flow_hash),
        language=row.language,
        arrived_at=row.arrived_at,
    )


def write_call(journal: Journal, number: int) -> None:
    """Write a whole call: it arrives, enters a node, presses a key, and its line ends."""
    call = a_call(number)
    arrived = events.CallArrived(
        at=samples.NOON,
        call_id=call.call_id,
        brand=call.brand,
        did=call.did,
        channel_id=CHANNEL,
        caller=call.caller,
        flow=call.flow,
        language=call.language,
    )
    enter = effects.EnterNode(node="ask", node_type="menu")
    call = dataclasses.replace(call, answered_at=samples.NOON, node="ask")
    journal.append_step(arrived, (effects.Answer(channel_id=CHANNEL), enter), call)
    pressed_at = samples.NOON + timedelta(seconds=3)
    pressed = events.DigitPressed(at=pressed_at, channel_id=CHANNEL, digit="2")
    journal.append_step(pressed, (effects.LeaveNode(node="ask", exit="2"),), call)
    ended_at = samples.NOON + timedelta(seconds=4)
    gone = events.ChannelEnded(at=ended_at, channel_id=CHANNEL, cause=16)
    over = dataclasses.replace(call, phase=Phase.ENDED, outcome=Outcome.HUNG_UP, ended_at=ended_at)
    journal.append_step(gone, (effects.EndCall(outcome=Outcome.HUNG_UP),), over)


@contextlib.asynccontextmanager
async def writing(folder: Path) -> AsyncIterator[Journal]:
    journal = Journal(folder, segment_bytes=SEGMENT_BYTES)
    journal.begin(Recovered(), samples.NOON)
    try:
        yield journal
    finally:
        journal.close()


def a_shipper(database: Database, reader: Reader, folder: Path) -> Shipper:
    return Shipper(
        reader,
        database.connect,
        metrics=metrics.new(),
        parked_file=folder / "parked.jsonl",
        chance=lambda: 0.0,
    )


async def ship_out(url: str, folder: Path, journal: Journal) -> None:
    database = Database(url, folder)
    reader = Reader(journal.folder, lambda: journal.segment, lambda: None)
    shipper = a_shipper(database, reader, folder)
    shipper.finish()
    await shipper.run()
    reader.close()
    await database.close()


async def numbers_held(url: str) -> dict[str, list[int]]:
    async with connected(url) as connection:
        found = await connection.fetch(
            "SELECT stream_id::text, array_agg(seq ORDER BY seq) AS numbers FROM events GROUP BY 1"
        )
    return {row["stream_id"]: row["numbers"] for row in found}


def whole(numbers: Iterable[int]) -> dict[str, list[int]]:
    return {samples.stream_id(number): [1, 2, 3] for number in numbers}


async def test_what_the_engine_journals_is_what_the_store_tells(url: str, tmp_path: Path) -> None:
    async with writing(tmp_path / "journal") as journal:
        for number in range(200):
            write_call(journal, number)
        await ship_out(url, tmp_path, journal)
        assert len(segments(journal.folder)) > 1
    assert await numbers_held(url) == whole(range(200))
    async with connected(url) as connection:
        call = await find_call(connection, samples.stream_id(7))
        told = timeline(await events_of(connection, call.call_id))
    assert (call.phase, call.outcome, call.last_seq) == ("ended", "hung_up", 3)
    [visit] = told.visits
    assert (visit.node, visit.exit, visit.duration_s) == ("ask", "2", 3.0)
    assert [moment.what for moment in visit.moments] == ["pressed"]
    assert [moment.what for moment in told.ending] == ["caller_gone", "ended"]


async def test_a_journal_shipped_in_several_lives_is_stored_once(url: str, tmp_path: Path) -> None:
    for life in range(4):
        async with writing(tmp_path / "journal") as journal:
            for number in range(life * 50, life * 50 + 50):
                write_call(journal, number)
            await ship_out(url, tmp_path, journal)
    assert await numbers_held(url) == whole(range(200))


async def test_a_journal_whose_kept_position_is_lost_is_sent_again_without_harm(
    url: str, tmp_path: Path
) -> None:
    async with writing(tmp_path / "journal") as journal:
        for number in range(20):
            write_call(journal, number)
        await ship_out(url, tmp_path, journal)
        (journal.folder / journal_reading._SHIPPED).unlink()
        await ship_out(url, tmp_path, journal)
    assert await numbers_held(url) == whole(range(20))
    async with connected(url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM parked_rows") == 0


async def test_rows_that_a_fail_over_lost_come_back_from_the_kept_segments(
    url: str, tmp_path: Path
) -> None:
    async with writing(tmp_path / "journal") as journal:
        database = Database(url, tmp_path)
        reader = Reader(journal.folder, lambda: journal.segment, lambda: None)
        shipper = a_shipper(database, reader, tmp_path)
        for number in range(10):
            write_call(journal, number)
        assert 1 < len(segments(journal.folder)) <= journal_reading.KEPT_SEGMENTS + 1
        task = asyncio.create_task(shipper.run())
        async with connected(url) as connection:
            while len(await numbers_held(url)) < 10:
                shipper.wake()
            await lose(connection, "DELETE FROM events WHERE seq = 3")
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        write_call(journal, 10)
        shipper.wake()
        shipper.finish()
        await task
        reader.close()
    assert await numbers_held(url) == whole(range(11))


async def test_rows_that_no_segment_has_any_more_are_reported_as_lost(
    url: str, tmp_path: Path
) -> None:
    async with writing(tmp_path / "journal") as journal:
        database = Database(url, tmp_path)
        reader = Reader(journal.folder, lambda: journal.segment, lambda: None)
        shipper = a_shipper(database, reader, tmp_path)
        task = asyncio.create_task(shipper.run())
        with capture_logs() as logs:
            async with connected(url) as connection:
                for number in range(100):
                    write_call(journal, number)
                    shipper.wake()
                    while len(await numbers_held(url)) <= number:
                        pass
                assert segments(journal.folder)[0] > 1, "the first segment is gone"
                await lose(connection, "DELETE FROM events WHERE seq = 2")
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            write_call(journal, 100)
            shipper.finish()
            await task
        reader.close()
    told = [entry["event"] for entry in logs]
    assert told.count("rows lost by the database, sending again") == gaps.REWINDS_MAX
    assert told.count("rows stay lost") == 1


async def test_sealed_numbers_and_flow_texts_go_through_the_journal(
    url: str, tmp_path: Path
) -> None:
    number, flow = samples.number(1), samples.flow(1)
    async with writing(tmp_path / "journal") as journal:
        journal.append_number(number)
        journal.append_flow(flow)
        await ship_out(url, tmp_path, journal)
        lines = [json.loads(line[9:]) for line in _lines(journal.folder)]
    assert [line["line"] for line in lines] == ["opened", "number", "flow"]
    async with connected(url) as connection:
        sealed = await connection.fetchval("SELECT sealed FROM numbers")
        text = await connection.fetchval("SELECT text FROM flow_versions")
    assert (sealed, text) == (number.sealed, flow.text)


def _lines(folder: Path) -> list[bytes]:
    [only] = sorted(folder.glob("*.jsonl"))
    return only.read_bytes().splitlines()
