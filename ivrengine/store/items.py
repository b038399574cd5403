"""What one batch of the journal means to the tables: single rows, each of which can be written, or parked, on its own."""

from collections.abc import Iterable
from typing import Final, assert_never

from ivrengine.core.rows import CallRow, EventRow, FlowRow, KeptRow, NumberRow, Row
from ivrengine.store.faults import RowError

Item = EventRow | CallRow | NumberRow | FlowRow | KeptRow
"""One row of one table; of an ``EventRow`` only the event (its call, and what it keeps, are items of their own)."""

_UUID_CHARS: Final = 36
_VERSION_AT: Final = 14


def items_of(rows: Iterable[Row]) -> tuple[Item, ...]:
    """Return the rows for the tables: of each call only its newest picture, of each flow version only its first loading."""
    events: list[EventRow] = []
    calls: dict[str, CallRow] = {}
    numbers: list[NumberRow] = []
    flows: dict[tuple[str, str, str], FlowRow] = {}
    kept: list[KeptRow] = []
    for row in rows:
        match row:
            case EventRow():
                events.append(row)
                kept += row.kept
                if row.call is not None:
                    _keep_newest(calls, row.call)
            case NumberRow():
                numbers.append(row)
            case FlowRow():
                flows.setdefault((row.brand, row.name, row.flow_hash), row)
            case _:
                assert_never(row)
    return (*events, *calls.values(), *numbers, *flows.values(), *kept)


def _keep_newest(calls: dict[str, CallRow], call: CallRow) -> None:
    known = calls.get(call.call_id)
    if known is None or known.last_seq <= call.last_seq:
        calls[call.call_id] = call


def milliseconds_of(stream_id: str) -> int:
    """Return the instant inside a UUIDv7, in ms since 1970 (RFC 9562, 5.7); raises ``RowError`` for any other id."""
    try:
        if len(stream_id) == _UUID_CHARS and stream_id[_VERSION_AT] == "7":
            return int(stream_id[:8] + stream_id[9:13], 16)
    except ValueError:
        pass
    raise RowError("stream_id is not a UUIDv7")
