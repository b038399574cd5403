"""The gap detector: whether the database still holds what it acknowledged, and whether the journal skips numbers.

A fail-over to a standby can lose the last commits although they were confirmed. What was sent of late is therefore
remembered in coarse slices and counted again; when something is missing, the journal is read again from before it.
"""

import dataclasses
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, Protocol, assert_never

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
    Position,
    RecordingRow,
)
from ivrengine.store.items import Item

_log: Final = structlog.get_logger("store")

CHECK_EVERY_S: Final = 30.0
"""Looks at the last minutes' rows, a few ms of the database; a new connection, as after a fail-over, is looked at at once."""
KEPT_S: Final = 120.0
"""A standby that takes over is behind by milliseconds to seconds; two minutes are ample, and each row is looked at twice."""
SLICE_S: Final = 2.0
"""So finely is it known from where to send again; sending two seconds too much costs nothing, as rows are idempotent."""
RUNS_MAX: Final = 50_000
"""Entries remembered, one for each stream in each slice, about 10 MB; 150 calls/s fill a third. Full means: look now."""
REWINDS_MAX: Final = 3
"""If rows are still missing after so many times, something deletes them, or the journal has them no more: a person must look."""
STREAMS_MAX: Final = 20_000
"""Streams whose last number is remembered: twice the calls that one engine can hold at a time."""


@dataclasses.dataclass(slots=True)
class _Run:
    lowest: int
    highest: int
    rows: int = 1


@dataclasses.dataclass(slots=True)
class _Slice:
    start: Position
    opened_at: float
    runs: dict[str, _Run] = dataclasses.field(default_factory=dict)
    numbers: list[NumberRow] = dataclasses.field(default_factory=list)
    flows: list[FlowRow] = dataclasses.field(default_factory=list)
    kept: list[KeptRow] = dataclasses.field(default_factory=list)

    def add(self, items: Iterable[Item]) -> None:
        for item in items:
            match item:
                case EventRow():
                    _extend(self.runs, item)
                case NumberRow():
                    self.numbers.append(item)
                case FlowRow():
                    self.flows.append(item)
                case MessageRow() | AttributeRow() | AnswerRow() | RecordingRow():
                    self.kept.append(item)
                case CallRow():
                    pass  # changes with each event; its events stand for it
                case _:
                    assert_never(item)

    def __len__(self) -> int:
        return len(self.runs) + len(self.numbers) + len(self.flows) + len(self.kept)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the database must hold, each entry with the number of its slice in front."""

    runs: Sequence[tuple[int, str, int, int, int]]
    """slice, stream, lowest seq, highest seq, number of rows"""
    numbers: Sequence[tuple[int, str, str, datetime]]
    """slice, brand, number_id, expires_at"""
    flows: Sequence[tuple[int, str, str, str]]
    """slice, brand, name, hash"""
    kept: Sequence[tuple[int, str, str, int, int]] = ()
    """slice, table, call_id, seq, index"""


class Checker(Protocol):
    """What can tell whether rows are there."""

    async def first_lost(self, sent: Sent) -> int | None:
        """Return the lowest slice of which a row is missing; None if all are there."""
        ...


class Recent:
    """What was sent to the database of late."""

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self._slices: list[_Slice] = []
        self._end: Position = (0, 0)
        self._again_until: Position | None = None
        self._checked_at = 0.0
        self._rewinds = 0

    def note(self, start: Position, end: Position, items: Iterable[Item], at: float) -> None:
        """Remember rows that were written, which stand from ``start`` to ``end`` in the journal; ``at`` is the loop's time."""
        new_slice = not self._slices or at - self._slices[-1].opened_at >= SLICE_S
        if self._again_until is not None:
            if end < self._again_until:
                return  # sent again: it is remembered from the first time
            # All of it is: whether that helped is looked at now.
            self._checked_at = at - CHECK_EVERY_S
            only_again, self._again_until = end == self._again_until, None
            if only_again:
                return
            new_slice = True  # what this batch sends again is not counted twice in one slice
        if new_slice:
            self._slices.append(_Slice(start, at))
        self._slices[-1].add(items)
        self._end = end

    def due(self, at: float) -> bool:
        """Tell whether it is time to look."""
        if not self._slices:
            return False
        return at - self._checked_at >= CHECK_EVERY_S or sum(map(len, self._slices)) >= RUNS_MAX

    async def check(self, checker: Checker, at: float) -> Position | None:
        """Look; return the position from which the journal must be sent again, or None if all is there."""
        if not self._slices or self._again_until is not None:
            return None
        lost = await checker.first_lost(self._sent())
        self._checked_at = at
        if lost is None:
            self._rewinds = 0
            self._forget(at)
            return None
        start = self._slices[lost].start
        if self._rewinds >= REWINDS_MAX:
            _log.error("rows stay lost", position=start, sent_again=self._rewinds)
            self._slices, self._rewinds = [], 0
            return None
        self._again_until, self._rewinds = self._end, self._rewinds + 1
        return start

    def _sent(self) -> Sent:
        return Sent(
            runs=[
                (number, stream_id, run.lowest, run.highest, run.rows)
                for number, cut in enumerate(self._slices)
                for stream_id, run in cut.runs.items()
            ],
            numbers=[
                (number, row.brand, row.number_id, row.expires_at)
                for number, cut in enumerate(self._slices)
                for row in cut.numbers
            ],
            flows=[
                (number, row.brand, row.name, row.flow_hash)
                for number, cut in enumerate(self._slices)
                for row in cut.flows
            ],
            kept=[
                (number, table_of(row), row.call_id, row.seq, row.index)
                for number, cut in enumerate(self._slices)
                for row in cut.kept
            ],
        )

    def _forget(self, at: float) -> None:
        self._slices = [cut for cut in self._slices if at - cut.opened_at < KEPT_S]
        while sum(map(len, self._slices)) >= RUNS_MAX // 2:
            self._slices.pop(0)


def table_of(row: KeptRow) -> str:
    """Return the name of the row's table."""
    match row:
        case MessageRow():
            return "messages"
        case AttributeRow():
            return "call_attributes"
        case AnswerRow():
            return "survey_answers"
        case RecordingRow():
            return "recordings"


def _extend(runs: dict[str, _Run], row: EventRow) -> None:
    run = runs.get(row.stream_id)
    if run is None:
        runs[row.stream_id] = _Run(row.seq, row.seq)
        return
    if run.lowest <= row.seq <= run.highest:
        return  # told a second time, as by an engine that died before it noted that it had told: it is one row
    run.lowest, run.highest = min(run.lowest, row.seq), max(run.highest, row.seq)
    run.rows += 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """Numbers missing in a stream of the journal itself: between the one before and the one found."""

    stream_id: str
    after: int
    found: int


class Numbering:
    """Follows the numbers of the streams as they are read."""

    def __init__(self) -> None:
        """Begin with no stream known."""
        self._last: OrderedDict[str, int] = OrderedDict()

    def holes(self, rows: Iterable[EventRow]) -> list[Hole]:
        """Return where a stream skips numbers; rows that are read again, or begin in mid-stream, are no hole."""
        found: list[Hole] = []
        for row in rows:
            last = self._last.get(row.stream_id)
            if last is not None and row.seq > last + 1:
                found.append(Hole(stream_id=row.stream_id, after=last, found=row.seq))
            if last is None or row.seq > last:
                self._last[row.stream_id] = row.seq
                self._last.move_to_end(row.stream_id)
        while len(self._last) > STREAMS_MAX:
            self._last.popitem(last=False)
        return found
