"""How many events a second the shipper brings into the embedded PostgreSQL, next to what plain COPY reaches in the same run.

Calls of 18 events with payloads of some 400 bytes, 200 calls at a time, from memory and (``journal_…``) from a real journal on
disk. Shipper and server share this machine; of three rounds the best counts, as the one least disturbed by others.
``python -m bench.shipping [--json]`` prints this bench alone.
"""

import asyncio
import dataclasses
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
import uvloop
from rich.console import Console
from rich.table import Table

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Caller, FlowRef, Phase
from ivrengine.core.ids import BrandId, CallerKey, CallId, ChannelId, FlowHash, PlaybackId, TimerId
from ivrengine.core.rows import Batch, EventRow, Position
from ivrengine.engine import lines
from ivrengine.engine.identity import uuid7
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_reading import Reader, Recovered
from ivrengine.store.database import Database
from ivrengine.store.shipper import PAUSE_S, Shipper, Source
from ivrengine.telemetry import metrics

EVENTS = 54_000
ROUNDS = 3
EVENTS_PER_CALL = 18
CALLS_AT_A_TIME = 200
LONE_ROWS = 100
NOON = datetime(2025, 11, 21, 12, tzinfo=UTC)


class Memory:
    """Rows in memory, read as from a journal."""

    def __init__(self, rows: Sequence[EventRow]) -> None:
        self.rows = list(rows)
        self._next = 0

    def read(self, limit: int) -> Batch:
        found = tuple(self.rows[self._next : self._next + limit])
        self._next += len(found)
        return Batch(rows=found, end=(1, self._next))

    def acknowledge(self, end: Position) -> None:
        pass

    def rewind(self, to: Position) -> None:
        self._next = to[1]

    def position(self) -> Position:
        return (1, self._next)


Step = tuple[int, events.CallEvent, tuple[effects.Effect, ...], Call]


def steps(count: int) -> Iterator[Step]:
    """Yield so many steps of calls that go on at the same time."""
    made = 0
    while made < count:
        calls = [_call(made + number) for number in range(CALLS_AT_A_TIME)]
        for seq in range(1, EVENTS_PER_CALL + 1):
            for call in calls:
                yield _step(seq, call)
                made += 1


def _call(number: int) -> Call:
    call_id = CallId(uuid7(NOON))
    return Call(
        call_id=call_id,
        brand=BrandId("guneskent"),
        did="+902124440101",
        channel_id=ChannelId(f"ast1:1732213.{number}"),
        caller=Caller(
            withheld=False,
            mask="+90 532 *** ** 67",
            key=CallerKey("k1:" + 64 * "a"),
            number_id=None,
        ),
        flow=FlowRef(name="guneskent-main", hash=FlowHash(64 * "b")),
        language="tr",
        arrived_at=NOON,
        answered_at=NOON,
        node="main-menu",
        variables={"flat": 42, "resident": True, "amount": "1250.50"},
    )


def _step(seq: int, call: Call) -> Step:
    playback_id = PlaybackId(f"ast1:ivr-{call.call_id}-p{seq}")
    at = NOON + timedelta(seconds=seq)
    decided = (
        effects.LeaveNode(node="ask-flat", exit="next"),
        effects.EnterNode(node="main-menu", node_type="menu"),
        effects.Play(
            channel_id=call.channel_id,
            playback_id=playback_id,
            prompts=("welcome", "menu"),
            language="tr",
        ),
        effects.StartTimer(timer_id=TimerId(f"t{seq}"), delay_s=300.0),
    )
    phase = Phase.ENDED if seq == EVENTS_PER_CALL else Phase.IN_FLOW
    event = events.PlaybackFinished(at=at, playback_id=playback_id, completed=True)
    return seq, event, decided, dataclasses.replace(call, serial=seq, phase=phase)


def rows(count: int) -> list[EventRow]:
    """Return the steps as the journal would hand them to the shipper."""
    found: list[EventRow] = []
    for seq, event, decided, call in steps(count):
        row = lines.row(
            lines.read(lines.framed(lines.step(seq, event, decided, call)).rstrip(b"\n"))
        )
        assert isinstance(row, EventRow)
        found.append(row)
    return found


def measure() -> dict[str, float]:
    """Return the figures; the server runs in a folder of its own and is gone afterwards."""
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    folder = Path(tempfile.mkdtemp(prefix="ivrengine-bench-"))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_measured(folder))
    finally:
        structlog.reset_defaults()
        shutil.rmtree(folder, ignore_errors=True)


async def _measured(folder: Path) -> dict[str, float]:
    figures = {"first_start_s": await _started(folder), "start_s": await _started(folder)}
    database = Database(None, folder)
    writer = await database.connect()  # keeps the server up between the rounds
    try:
        shipped: list[float] = []
        copied: list[float] = []
        late: list[float] = []
        for _ in range(ROUNDS):
            sample = rows(EVENTS)
            took_s, late_ms = await _watched(_shipped(database, Memory(sample)))
            shipped.append(EVENTS / took_s)
            late.append(late_ms)
            copied.append(EVENTS / await _copied(database, sample))
        await _must_hold(database, ROUNDS * EVENTS)
        again_s = await _timed(_shipped(database, Memory(sample)))
        figures |= {
            "payload_bytes": sum(len(row.payload) for row in sample) / EVENTS,
            "events_per_s": max(shipped),
            "copy_events_per_s": max(copied),
            "share_of_copy": max(shipped) / max(copied),
            "loop_late_ms_p99": min(late),
            "again_events_per_s": EVENTS / again_s,
            "journal_events_per_s": await _from_journal(database, folder),
            "lone_row_ms_median": await _lone_rows(database),
        }
    finally:
        await writer.close()
        await database.close()
    return figures


async def _started(folder: Path) -> float:
    """Return how long it takes until the tables can be written to; the server is stopped again."""
    database = Database(None, folder)
    began = time.perf_counter()
    tables = await database.connect()
    took_s = time.perf_counter() - began
    await tables.close()
    await database.close()
    return took_s


async def _timed(work: Awaitable[None]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def _watched(work: Awaitable[None]) -> tuple[float, float]:
    """Return how long the work took, and by how many ms a timer of 2 ms was late beside it at the 99th percentile."""
    loop = asyncio.get_running_loop()
    late: list[float] = []

    def look(due: float) -> None:
        late.append(loop.time() - due)
        loop.call_at(loop.time() + 0.002, look, loop.time() + 0.002)

    look(loop.time())
    took_s = await _timed(work)
    return took_s, sorted(late)[int(len(late) * 0.99)] * 1000


async def _shipped(database: Database, source: Source) -> None:
    shipper = Shipper(
        source,
        database.connect,
        metrics=metrics.new(),
        parked_file=Path("/dev/null"),
    )
    shipper.finish()
    await shipper.run()


COLUMNS = ("stream_id", "at", "seq", "stream_kind", "brand", "kind", "payload")


async def _copied(database: Database, sample: Sequence[EventRow]) -> float:
    """Return how long the same rows take into a like table by plain COPY, a thousand at a time, and nothing else."""
    connection = await database.read()
    await connection.execute("DROP TABLE IF EXISTS copied")
    await connection.execute("CREATE TABLE copied (LIKE events INCLUDING INDEXES)")
    began = time.perf_counter()
    for begin in range(0, len(sample), 1000):
        records = [
            tuple(getattr(row, column) for column in COLUMNS)
            for row in sample[begin : begin + 1000]
        ]
        await connection.copy_records_to_table("copied", records=records, columns=COLUMNS)
    took_s = time.perf_counter() - began
    await connection.close()
    return took_s


async def _must_hold(database: Database, count: int) -> None:
    connection = await database.read()
    held = await connection.fetchval("SELECT count(*) FROM events")
    await connection.close()
    if held != count:
        raise RuntimeError(f"expected {count} events in the database, found {held}")


async def _from_journal(database: Database, folder: Path) -> float:
    """Return the rate from a real journal on disk, reading and decoding included."""
    journal = Journal(folder / "journal")
    journal.begin(Recovered(), NOON)
    for _, event, decided, call in steps(EVENTS):
        journal.append_step(event, decided, call)
    reader = Reader(folder / "journal", lambda: journal.segment, lambda: None)
    took_s = await _timed(_shipped(database, reader))
    reader.close()
    journal.close()
    await _must_hold(database, (ROUNDS + 1) * EVENTS)
    return EVENTS / took_s


async def _lone_rows(database: Database) -> float:
    """Return the median of ms from a row's writing to its acknowledgement, one row at a time."""
    source = Acknowledging([])
    shipper = Shipper(
        source, database.connect, metrics=metrics.new(), parked_file=Path("/dev/null")
    )
    task = asyncio.create_task(shipper.run())
    took: list[float] = []
    for row in rows(CALLS_AT_A_TIME * EVENTS_PER_CALL)[: LONE_ROWS + 1]:
        await asyncio.sleep(PAUSE_S)  # the rows of a quiet hour are not on each other's heels
        source.rows.append(row)
        began = time.perf_counter()
        shipper.wake()
        await source.shipped()
        took.append(time.perf_counter() - began)
    shipper.finish()
    await task
    return sorted(took[1:])[LONE_ROWS // 2] * 1000


class Acknowledging(Memory):
    """Rows in memory that tell when they are shipped."""

    def __init__(self, rows: Sequence[EventRow]) -> None:
        super().__init__(rows)
        self._acknowledged = asyncio.Event()

    def acknowledge(self, end: Position) -> None:
        if end[1] == len(self.rows):
            self._acknowledged.set()

    async def shipped(self) -> None:
        await self._acknowledged.wait()
        self._acknowledged.clear()


def main(arguments: Sequence[str]) -> None:
    figures = measure()
    if "--json" in arguments:
        sys.stdout.write(json.dumps(figures, indent=2) + "\n")
        return
    table = Table("figure", "measured")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.3g}" if value < 100 else f"{value:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
