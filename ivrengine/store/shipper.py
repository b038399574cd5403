"""The shipper: carries the journal into the database, beside the way of the calls and never in it.

It reads a batch, writes it in one transaction, and then acknowledges it, so that whatever dies in between, the batch is
sent again, and twice sent is stored once. While the database is away the journal waits on disk, and one batch in memory.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

import structlog

from ivrengine.core.rows import Batch, EventRow, FlowRow, NumberRow, Position, Row
from ivrengine.store import gaps, parking
from ivrengine.store.backoff import delay_s
from ivrengine.store.faults import RETRIED, Fault, JournalUnreadableError, fault
from ivrengine.store.items import Item, items_of
from ivrengine.telemetry.metrics import Metrics

_log: Final = structlog.get_logger("store")

BATCH_ROWS: Final = 1000
"""One transaction's rows, some 2 MB: a call's row is written once in it however many of its events are; more gains nothing."""
SLICE_ROWS: Final = 100
"""So many are read in one go, 2 ms of the loop; then the calls have their turn."""
PAUSE_S: Final = 0.04
"""At least so long from one look into the journal to the next: under load 25 transactions a second and not a thousand,
while a lone row is shipped at once."""
IDLE_S: Final = 5.0
"""A look into the journal without being called: a net under a lost call."""
TIDY_EVERY_S: Final = 3600.0
"""Retention is a matter of days; an hour is fine enough."""
TIDY_AGAIN_S: Final = 60.0
"""What could not be tidied up (a long report holds a lock) waits so long, and keeps no row from being shipped."""


class Source(Protocol):
    """The journal, as the shipper needs it."""

    def read(self, limit: int) -> Batch:
        """Return the next rows behind the position, possibly none, and move the position behind them."""
        ...

    def acknowledge(self, end: Position) -> None:
        """Keep that everything before ``end`` is in the store."""
        ...

    def rewind(self, to: Position) -> None:
        """Set the position back."""
        ...

    def position(self) -> Position:
        """Return the position behind the last row that was read."""
        ...


class Tables(parking.Writer, gaps.Checker, Protocol):
    """The database, as the shipper needs it; any method may raise one of ``faults.RETRIED``."""

    async def park(self, row: parking.Parked) -> bool:
        """Put a row aside; return False if it is there already."""
        ...

    async def tidy(self) -> bool:
        """Do what is due once an hour; return whether there is more to do at once."""
        ...

    async def close(self) -> None:
        """Let go of the connection; raises nothing."""
        ...


class State(StrEnum):
    """How shipping stands."""

    STARTING = "starting"
    SHIPPING = "shipping"
    WAITING = "waiting"
    """The database is away or cannot be used; the journal grows."""


class Shipper:
    """Ships one journal; ``run`` is its task."""

    def __init__(
        self,
        source: Source,
        connect: Callable[[], Awaitable[Tables]],
        *,
        metrics: Metrics,
        parked_file: Path,
        batch_rows: int = BATCH_ROWS,
        chance: Callable[[], float] = random.random,
        explain: Callable[[BaseException], str] = repr,
    ) -> None:
        """Ship from ``source`` to what ``connect`` returns (or raises one of ``faults.RETRIED``).

        ``chance`` spreads the waits between tries; ``explain`` makes the sentence for the log from an error.
        """
        self._source = source
        self._connect = connect
        self._metrics = metrics
        self._parked_file = parking.ParkedFile(parked_file)
        self._batch_rows = batch_rows
        self._chance = chance
        self._explain = explain
        self._held: tuple[Position, Batch] | None = None
        self._recent = gaps.Recent()
        self._numbering = gaps.Numbering()
        self._bell = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._hurry = asyncio.Event()
        self._finishing = False
        self._look_at = 0.0
        self._tidy_at = 0.0
        self._attempt = 0
        self._trouble: tuple[Fault, float] | None = None
        self.state = State.STARTING
        self.trouble: str | None = None
        """Why rows wait, in a sentence; None while they are shipped, or before the first attempt."""

    def wake(self) -> None:
        """Say that the journal has grown; costs next to nothing, to be called in the loop after every write."""
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_at(self._look_at, self._bell.set)

    def finish(self) -> None:
        """Let ``run`` return as soon as all that the journal holds is shipped; the caller limits how long that may take."""
        self._finishing = True
        self._hurry.set()
        self._bell.set()

    async def run(self) -> None:
        """Ship until ``finish``, through whatever happens to the database."""
        while True:
            try:
                tables = await self._connect()
                try:
                    await self._ship(tables)
                    return
                finally:
                    await tables.close()
            except RETRIED as error:
                self._in_trouble(error)
                await self._before_next_try()

    async def _ship(self, tables: Tables) -> None:
        await self._look_for_gaps(tables)  # a new connection may lead to a new primary
        while True:
            self._look_at = _now() + PAUSE_S
            await self._do_what_is_due(tables)
            shipped = await self._ship_batch(tables)
            self._out_of_trouble()
            if shipped == self._batch_rows or (shipped and self._finishing):
                continue
            if self._finishing:
                return
            await self._called()

    async def _ship_batch(self, tables: Tables) -> int:
        """Ship what is held from a failed try, or else the next rows; return how many."""
        if self._held is None:
            self._held = await self._read()
        if self._held is None:
            return 0
        start, batch = self._held
        items = items_of(batch.rows)
        parked: set[int] = set()

        async def park(item: Item, error: BaseException) -> None:
            await self._park(tables, item, error)
            parked.add(id(item))

        began = _now()
        await parking.write_what_can_be(tables, items, park)
        self._metrics.shipping_seconds.observe(_now() - began)
        self._acknowledge(batch.end)
        self._held = None
        stored = (item for item in items if id(item) not in parked)
        self._recent.note(start, batch.end, stored, _now())
        self._count(batch.rows)
        return len(batch.rows)

    async def _read(self) -> tuple[Position, Batch] | None:
        """Return the next batch with the position before it; None if there is nothing for the store yet."""
        start = self._source.position()
        rows: list[Row] = []
        end = start
        while len(rows) < self._batch_rows:
            wanted = min(SLICE_ROWS, self._batch_rows - len(rows))
            try:
                part = self._source.read(wanted)
            except OSError as error:
                reason = f"the journal cannot be read: {error.strerror}"
                raise JournalUnreadableError(reason) from error
            rows += part.rows
            end = part.end
            if len(part.rows) < wanted:
                break
            await asyncio.sleep(0)
        if rows:
            return start, Batch(rows=tuple(rows), end=end)
        if end != start:  # what lay there is not for the store: a torn line, the head of a segment
            self._acknowledge(end)
        return None

    def _acknowledge(self, end: Position) -> None:
        try:
            self._source.acknowledge(end)
        except OSError as error:
            raise JournalUnreadableError(
                f"the journal cannot keep how far it is shipped: {error.strerror}"
            ) from error

    def _count(self, rows: Sequence[Row]) -> None:
        events = [row for row in rows if isinstance(row, EventRow)]
        shipped = self._metrics.rows_shipped
        shipped.labels("event").inc(len(events))
        shipped.labels("number").inc(sum(isinstance(row, NumberRow) for row in rows))
        shipped.labels("flow").inc(sum(isinstance(row, FlowRow) for row in rows))
        for kept in (kept for row in events for kept in row.kept):
            shipped.labels(parking.kind_of(kept)).inc()
        for hole in self._numbering.holes(events):
            self._metrics.gaps.inc()
            _log.error(
                "hole in the journal", stream_id=hole.stream_id, after=hole.after, found=hole.found
            )

    async def _park(self, tables: Tables, item: Item, error: BaseException) -> None:
        row = parking.parked(item, error)
        try:
            fresh = await tables.park(row)
        except RETRIED as refusal:
            if fault(refusal) is not Fault.DATA:
                raise
            self._parked_file.append(row)
            fresh = True
        if fresh:
            self._metrics.rows_parked.labels(row.row_kind).inc()
            # the sentence stays in the table: it may quote the row
            _log.error("row parked", row_kind=row.row_kind, sqlstate=row.sqlstate)

    async def _do_what_is_due(self, tables: Tables) -> None:
        if _now() >= self._tidy_at:
            self._tidy_at = _now() + TIDY_AGAIN_S  # also if it fails now
            more = await tables.tidy()
            self._tidy_at = _now() + (0.0 if more else TIDY_EVERY_S)
        if self._recent.due(_now()):
            await self._look_for_gaps(tables)

    async def _look_for_gaps(self, tables: Tables) -> None:
        lost_from = await self._recent.check(tables, _now())
        if lost_from is not None:
            self._metrics.gaps.inc()
            _log.error("rows lost by the database, sending again", position=lost_from)
            self._source.rewind(lost_from)
            self._held = None  # it lies behind that position, and is read again

    async def _called(self) -> None:
        """Wait for the journal to grow."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S):
                await self._bell.wait()
        self._bell.clear()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    async def _before_next_try(self) -> None:
        """Wait a little longer after every failure in a row; ``finish`` cuts one wait short."""
        wait_s = delay_s(self._attempt, self._chance())
        self._attempt += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._hurry.wait()
        self._hurry.clear()

    def _in_trouble(self, error: BaseException) -> None:
        """Say it once for each kind of trouble, and not once for each try."""
        kind = fault(error)
        known, since = self._trouble or (None, _now())
        self._trouble = kind, since
        self.state = State.WAITING
        self._metrics.shipping_failed.labels(kind).inc()
        self.trouble = self._explain(error)
        if known is not kind:
            level = _log.warning if kind is Fault.AWAY else _log.error
            level("shipping interrupted", fault=kind, reason=self.trouble)

    def _out_of_trouble(self) -> None:
        if self._trouble is not None:
            _log.info("shipping again", after_s=round(_now() - self._trouble[1], 3))
        elif self.state is State.STARTING:
            _log.info("shipping")
        self._attempt, self._trouble, self.state = 0, None, State.SHIPPING
        self.trouble = None


def _now() -> float:
    return asyncio.get_running_loop().time()
