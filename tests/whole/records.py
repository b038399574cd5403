"""What is written of calls, twice: the journal as it lies on disk, and the tables of PostgreSQL; and whether both agree."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ivrengine.core.rows import CallRow, EventRow
from ivrengine.engine import lines
from ivrengine.engine.journal_reading import segment_name, segments
from ivrengine.store import queries
from ivrengine.store.connecting import Connection
from ivrengine.store.database import Database
from tests.whole.engine import LOOK_AGAIN_S, until

SHIPPED_WITHIN_S: Final = 20.0
_EVENTS: Final = "SELECT stream_id::text, seq, kind, payload FROM events ORDER BY stream_id, seq"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One step of a call, as either side keeps it."""

    call_id: str
    seq: int
    kind: str
    fields: Mapping[str, Any]
    effects: Sequence[tuple[str, Mapping[str, Any]]]

    def did(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Yield the effects of one kind."""
        yield from (fields for name, fields in self.effects if name == kind)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The database at one moment."""

    events: Sequence[Event]
    calls: Mapping[str, CallRow]


def _event(call_id: str, seq: int, kind: str, payload: str) -> Event:
    read = json.loads(payload)
    effects = tuple((name, fields) for name, fields in read["effects"])
    return Event(call_id=call_id, seq=seq, kind=kind, fields=read["event"], effects=effects)


def journaled(data: Path) -> list[Event]:
    """Return every step of the journal, in the order of writing."""
    folder = data / "journal"
    found: list[Event] = []
    for number in segments(folder):
        for raw in (folder / segment_name(number)).read_bytes().splitlines():
            try:
                row = lines.row(lines.read(raw))
            except lines.TornLineError:
                continue
            if isinstance(row, EventRow):
                found.append(_event(row.stream_id, row.seq, row.kind, row.payload))
    return found


async def stored(data: Path, url: str | None = None) -> Stored:
    """Return what PostgreSQL holds (the embedded one, which is started if need be, or the one at ``url``)."""
    database = Database(url, data)
    connection = await database.read()
    try:
        return await _stored(connection)
    finally:
        await connection.close()
        await database.close()


async def _stored(connection: Connection) -> Stored:
    rows = await connection.fetch(_EVENTS)
    calls = map(queries._call, await connection.fetch("SELECT * FROM calls"))
    return Stored(
        events=[_event(row["stream_id"], row["seq"], row["kind"], row["payload"]) for row in rows],
        calls={call.call_id: call for call in calls},
    )


async def shipped(
    data: Path, calls: int, url: str | None = None, *, within_s: float = SHIPPED_WITHIN_S
) -> Stored:
    """Wait until so many calls have ended and all that the journal holds of them is in the database; return that."""
    found = Stored(events=(), calls={})

    async def is_so() -> bool:
        nonlocal found
        found = await stored(data, url)
        return len(_ended(found)) >= calls and len(found.events) == len(journaled(data))

    def what() -> str:
        told = {call.call_id[-6:]: (call.phase, call.node) for call in found.calls.values()}
        return f"{len(found.events)} of {len(journaled(data))} events are stored, calls: {told}"

    # A look at many calls takes its own time, also from the engine.
    await until(is_so, within_s, what, every_s=LOOK_AGAIN_S * (1 + calls // 50))
    return found


def _ended(found: Stored) -> list[CallRow]:
    return [call for call in found.calls.values() if call.phase == "ended"]


def disagreements(data: Path, found: Stored) -> list[str]:
    """Return in what the journal and the database differ, and what in either of them cannot be."""
    written = journaled(data)
    wrong = [*_miscounted(written), *_misended(written, found)]
    in_journal = {(event.call_id, event.seq): event for event in written}
    in_database = {(event.call_id, event.seq): event for event in found.events}
    if len(found.events) != len(in_database):
        wrong.append("the database holds an event twice")
    wrong += [
        f"not in the database: {_name(e)}" for k, e in in_journal.items() if k not in in_database
    ]
    wrong += [
        f"not in the journal: {_name(e)}" for k, e in in_database.items() if k not in in_journal
    ]
    both = in_journal.keys() & in_database.keys()
    wrong += [f"differs: {_name(in_journal[k])}" for k in both if in_journal[k] != in_database[k]]
    return wrong


def _name(event: Event) -> str:
    return f"{event.call_id} {event.seq} {event.kind}"


def _by_call(written: Sequence[Event]) -> Mapping[str, list[Event]]:
    by_call: dict[str, list[Event]] = {}
    for event in written:
        by_call.setdefault(event.call_id, []).append(event)
    return by_call


def _miscounted(written: Sequence[Event]) -> Iterator[str]:
    """Yield the calls whose numbers are not 1, 2, 3 … in the order of writing."""
    for call_id, steps in _by_call(written).items():
        numbers = [step.seq for step in steps]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"the steps of {call_id} are numbered {numbers}"


def _misended(written: Sequence[Event], found: Stored) -> Iterator[str]:
    """Yield the calls that did not end exactly once, with their last step and in the table of calls too."""
    by_call = _by_call(written)
    if by_call.keys() != found.calls.keys():
        yield f"calls in one place only: {by_call.keys() ^ found.calls.keys()}"
    for call_id, steps in by_call.items():
        ends = [(step.seq, end["outcome"]) for step in steps for end in step.did("EndCall")]
        call = found.calls.get(call_id)
        told = None if call is None else [(call.last_seq, call.outcome)]
        if len(ends) != 1 or ends[0][0] != len(steps) or told != ends:
            yield f"{call_id} ended at {ends} of {len(steps)} steps, the table of calls says {told}"


def last_call(data: Path) -> str:
    """Return the id of the call that arrived last."""
    return next(each.call_id for each in reversed(journaled(data)) if each.kind == "CallArrived")


def steps_of(data: Path, call_id: str) -> list[Event]:
    """Return the steps of one call."""
    return [each for each in journaled(data) if each.call_id == call_id]


def arrivals(data: Path) -> list[Mapping[str, Any]]:
    """Return the fields of each call's arrival, in their order."""
    return [each.fields for each in journaled(data) if each.kind == "CallArrived"]


def path_of(data: Path, call_id: str) -> list[tuple[str, str]]:
    """Return the nodes that a call has left, each with the exit it took."""
    left = (leave for step in steps_of(data, call_id) for leave in step.did("LeaveNode"))
    return [(leave["node"], leave["exit"]) for leave in left]


def outcome_of(data: Path, call_id: str) -> str | None:
    """Return how a call ended; None if it has not."""
    ends = (end for step in steps_of(data, call_id) for end in step.did("EndCall"))
    return next((str(end["outcome"]) for end in ends), None)


async def ended(data: Path, call_id: str | None = None) -> str:
    """Wait for the end of a call (the last one) and return its outcome."""
    which = call_id or last_call(data)
    await until(lambda: outcome_of(data, which) is not None, 10, lambda: path_of(data, which))
    outcome = outcome_of(data, which)
    assert outcome is not None
    return outcome
