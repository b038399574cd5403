"""Writes rows into PostgreSQL: each batch in one transaction, and such that doing it twice changes nothing."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Final

import asyncpg
import structlog

from ivrengine.core.rows import (
    AnswerRow,
    AttributeRow,
    CallRow,
    EventRow,
    FlowRow,
    KeptRow,
    MessageRow,
    NumberRow,
    RecordingRow,
)
from ivrengine.store import retention, statements
from ivrengine.store.connecting import CONNECT_TIMEOUT_S, Connection
from ivrengine.store.faults import RowError
from ivrengine.store.gaps import Sent
from ivrengine.store.items import Item, milliseconds_of
from ivrengine.store.parking import Parked

_log: Final = structlog.get_logger("store")

_FIRST_MS: Final = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000)
_LAST_MS: Final = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""Ids of other years are no ids of ours: they rest in the default partition instead of making a partition each."""

_EVENTS_AT_ONCE: Final = 250
"""Encoding them for one statement holds the loop for a millisecond or two; larger statements are hardly faster."""

Month = tuple[int, int]

_EVENT: Final = ("stream_id", "at", "seq", "stream_kind", "brand", "kind", "payload")
_CALL: Final = (
    *("brand", "call_id", "number_id", "arrived_at", "answered_at", "ended_at", "last_seq", "did"),
    *("caller_key", "caller_mask", "flow", "flow_hash", "language", "phase", "node", "outcome"),
)
_NUMBER: Final = (
    *("brand", "number_id", "sealed_at", "expires_at", "purpose", "key_id", "sealed"),
)
_STEP: Final = (*_EVENT, *_CALL, *_NUMBER)
_FLOW: Final = ("brand", "name", "flow_hash", "text", "loaded_at")
_KEPT: Final = ("call_id", "seq", "index", "brand", "caller_key", "at")
_MESSAGE: Final = (*_KEPT, "message_id", "kind", "number_id", "text", "language")
_ATTRIBUTE: Final = (*_KEPT, "name", "value")
_ANSWER: Final = (*_KEPT, "survey", "question", "scale", "low", "high", "score")
_RECORDING: Final = (*_KEPT, "recording_id", "kind", "retention", "duration_s", "media")
"""The columns in the order of the parameters in ``statements.py``."""
_KEPT_TABLES: Final[tuple[tuple[type[KeptRow], str, tuple[str, ...]], ...]] = (
    (MessageRow, statements.MESSAGES, _MESSAGE),
    (AttributeRow, statements.ATTRIBUTES, _ATTRIBUTE),
    (AnswerRow, statements.ANSWERS, _ANSWER),
    (RecordingRow, statements.RECORDINGS, _RECORDING),
)
_ARGUMENT: Final = re.compile(r"query argument \$(\d+)")


class PostgresTables:
    """The tables behind one connection."""

    def __init__(self, connection: Connection, *, keep_events: timedelta | None = None) -> None:
        """Write through the connection; months of events that ended ``keep_events`` ago are dropped (None: never)."""
        self._connection = connection
        self._keep_events = keep_events
        self._months: set[Month] = set()

    async def write(self, items: Sequence[Item]) -> Sequence[EventRow]:
        """Write in one transaction; return the events whose place in the store is taken by a different one.

        Raises ``RowError`` or an error of asyncpg; then nothing was written.
        """
        events = [item for item in items if isinstance(item, EventRow)]
        calls = [item for item in items if isinstance(item, CallRow)]
        numbers = [item for item in items if isinstance(item, NumberRow)]
        flows = [item for item in items if isinstance(item, FlowRow)]
        kept = [item for item in items if isinstance(item, KeptRow)]
        await self._make_months(events)
        if len(events) <= _EVENTS_AT_ONCE and not flows and not kept:  # one statement
            return await self._write_steps(events, calls, numbers)
        async with self._connection.transaction():
            if flows:
                await self._execute(statements.FLOWS, _FLOW, _columns(_FLOW, flows))
            clashing: list[EventRow] = []
            for begin in range(0, len(events), _EVENTS_AT_ONCE):
                part = events[begin : begin + _EVENTS_AT_ONCE]
                clashing += await self._write_steps(part, calls, numbers)
                calls, numbers = [], []
            if calls or numbers:
                await self._write_steps([], calls, numbers)
            await self._write_kept(kept)
        return clashing

    async def _write_kept(self, kept: Sequence[KeptRow]) -> None:
        """Write what effects leave: so few rows that a statement for each table costs less than one for all."""
        for kind, statement, names in _KEPT_TABLES:
            rows = [row for row in kept if isinstance(row, kind)]
            if rows:
                await self._execute(statement, names, _columns(names, rows))

    async def _write_steps(
        self,
        events: Sequence[EventRow],
        calls: Sequence[CallRow],
        numbers: Sequence[NumberRow],
    ) -> list[EventRow]:
        sent = _columns(_EVENT, events)
        columns = [*sent, *_columns(_CALL, calls), *_columns(_NUMBER, numbers)]
        if await self._execute(statements.STEPS, _STEP, columns) == len(events):
            return []
        # Some were there already: sent again, or a number that was given twice.
        found = await self._connection.fetch(statements.CLASHES, *sent)
        return [events[row["place"] - 1] for row in found]

    async def _execute(
        self, statement: str, names: Sequence[str], columns: Sequence[Sequence[Any]]
    ) -> int:
        """Return how many rows the statement changed."""
        try:
            status = await self._connection.execute(statement, *columns)
        except asyncpg.DataError as error:
            raise _of_column(error, names) from error
        return int(status.rpartition(" ")[2])

    async def _make_months(self, events: Iterable[EventRow]) -> None:
        for stream_id in {row.stream_id for row in events}:
            milliseconds = milliseconds_of(stream_id)
            if not _FIRST_MS <= milliseconds < _LAST_MS:
                continue
            at = datetime.fromtimestamp(milliseconds / 1000, UTC)
            if (at.year, at.month) not in self._months:
                await self._make_month(at)
                self._months.add((at.year, at.month))

    async def _make_month(self, at: datetime) -> None:
        try:
            await self._connection.execute(statements.MAKE_MONTH, at)
        except (
            asyncpg.CheckViolationError
        ):  # somebody put rows of that month into the default partition: so be it
            _log.warning(
                "month not made", month=f"{at:%Y-%m}", reason="its rows are in events_default"
            )

    async def park(self, row: Parked) -> bool:
        """Put a row aside; return False if it is there already."""
        values = (row.digest, row.row_kind, row.sqlstate, row.sentence, row.body)
        status = await self._connection.execute(statements.PARK, *values)
        return status != "INSERT 0 0"

    async def first_lost(self, sent: Sent) -> int | None:
        """Return the lowest slice of which a row is missing; None if all are there."""
        found = [
            await self._connection.fetchval(
                statement, *(list(column) for column in zip(*rows, strict=True))
            )
            for statement, rows in (
                (statements.FIRST_LOST_EVENTS, sent.runs),
                (statements.FIRST_LOST_NUMBERS, sent.numbers),
                (statements.FIRST_LOST_FLOWS, sent.flows),
                (statements.FIRST_LOST_KEPT, sent.kept),
            )
            if rows
        ]
        return min((number for number in found if number is not None), default=None)

    async def tidy(self) -> bool:
        """Make the months ahead, and forget what is to be forgotten; return whether there is more to forget."""
        await retention.make_months_ahead(self._connection)
        if self._keep_events is not None:
            await retention.drop_partitions_older(self._connection, self._keep_events)
            self._months.clear()
        return await retention.purge_expired_numbers(self._connection) == retention.PURGE_ROWS

    async def close(self) -> None:
        """Let go of the connection, whatever state it is in."""
        try:
            await self._connection.close(timeout=CONNECT_TIMEOUT_S)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self._connection.terminate()


def _columns(names: Sequence[str], rows: Sequence[Item]) -> list[list[Any]]:
    return [list(map(attrgetter(name), rows)) for name in names]


def _of_column(error: asyncpg.DataError, names: Sequence[str]) -> Exception:
    """Return the error, or a better one if asyncpg could not encode a value: it says which column, and does not quote it."""
    found = _ARGUMENT.search(str(error))
    if found is None:
        return error
    return RowError(f"{names[int(found[1]) - 1]} holds a value that its column cannot take")
