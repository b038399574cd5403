"""What people ask of the store: lists of calls, one call, and its events."""

import dataclasses
import json
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import asyncpg

from ivrengine.core.ids import BrandId, CallerKey, CallId, FlowHash, NumberId
from ivrengine.core.rows import CallRow
from ivrengine.store.connecting import Connection
from ivrengine.store.timeline import Recorded

LIST_MAX: Final = 1000
"""More calls than this nobody reads; a report asks for what it needs in SQL."""
_CANDIDATES_MAX: Final = 3
_LAST: Final = "last"
_HEX_CHARS: Final = 32

_LIST: Final = """
SELECT * FROM calls
WHERE ($1::text IS NULL OR brand = $1)
  AND ($2::timestamptz IS NULL OR arrived_at >= $2)
  AND ($3::interval IS NULL OR arrived_at >= now() - $3)
  AND ($4::timestamptz IS NULL OR arrived_at < $4)
  AND ($5::interval IS NULL OR arrived_at < now() - $5)
  AND ($6::text IS NULL OR outcome = $6)
  AND ($7::text IS NULL OR phase = $7)
  AND ($8::text IS NULL OR flow = $8)
ORDER BY arrived_at DESC, call_id DESC
LIMIT $9
"""
_NEWEST: Final = "SELECT * FROM calls ORDER BY arrived_at DESC, call_id DESC LIMIT 1"
_BY_PREFIX: Final = """
SELECT * FROM calls WHERE call_id BETWEEN $1 AND $2 ORDER BY call_id LIMIT $3
"""
_EVENTS: Final = """
SELECT seq, at, kind, payload FROM events WHERE stream_id = $1 ORDER BY seq
"""
_LATER: Final = """
SELECT seq, at, kind, payload FROM events
WHERE kind = 'CallMissed' AND payload -> 'event' ->> 'channel_id' = $1 AND stream_id <> $2
ORDER BY at
"""


When = datetime | timedelta
"""An instant, or an age by the clock of the database."""


class NoSuchCallError(Exception):
    """No call, or more than one, is meant; one sentence for a person."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which calls to list; None is any."""

    brand: str | None = None
    since: When | None = None
    until: When | None = None
    outcome: str | None = None
    phase: str | None = None
    flow: str | None = None
    limit: int = 20


async def list_calls(connection: Connection, wanted: Wanted) -> Sequence[CallRow]:
    """Return the calls that are wanted, newest first."""
    found = await connection.fetch(
        _LIST,
        wanted.brand,
        *_instant_or_age(wanted.since),
        *_instant_or_age(wanted.until),
        wanted.outcome,
        wanted.phase,
        wanted.flow,
        min(wanted.limit, LIST_MAX),
    )
    return [_call(row) for row in found]


def _instant_or_age(when: When | None) -> tuple[datetime | None, timedelta | None]:
    return (
        when if isinstance(when, datetime) else None,
        when if isinstance(when, timedelta) else None,
    )


async def find_call(connection: Connection, which: str) -> CallRow:
    """Return the call with that id, or whose id alone begins so, or the newest one for ``last``.

    Raises ``NoSuchCallError``.
    """
    if which == _LAST:
        newest = await connection.fetchrow(_NEWEST)
        if newest is None:
            raise NoSuchCallError("there are no calls yet")
        return _call(newest)
    digits = which.replace("-", "").lower()
    if not re.fullmatch(r"[0-9a-f]+", digits) or len(digits) > _HEX_CHARS:
        raise NoSuchCallError(
            f"expected the id of a call, the beginning of one, or `last`, found {which!r}"
        )
    lowest, highest = digits.ljust(_HEX_CHARS, "0"), digits.ljust(_HEX_CHARS, "f")
    found = await connection.fetch(_BY_PREFIX, lowest, highest, _CANDIDATES_MAX)
    match found:
        case [only]:
            return _call(only)
        case []:
            raise NoSuchCallError(f"there is no call whose id begins with {which}")
        case _:
            begins = ", ".join(str(row["call_id"]) for row in found)
            raise NoSuchCallError(f"more than one call begins with {which}, for instance {begins}")


async def events_of(connection: Connection, call_id: CallId) -> Sequence[Recorded]:
    """Return the events of a call in their order."""
    return [_recorded(row) for row in await connection.fetch(_EVENTS, call_id)]


async def later_events_of(
    connection: Connection, call_id: CallId, told: Sequence[Recorded]
) -> Sequence[Recorded]:
    """Return what the dialplan told of a call (whose events are ``told``) when it was not ours any more."""
    arrived = next((row.payload for row in told if row.kind == "CallArrived"), {})
    event = arrived.get("event")
    channel_id = event.get("channel_id") if isinstance(event, dict) else None
    if not isinstance(channel_id, str):
        return []
    return [_recorded(row) for row in await connection.fetch(_LATER, channel_id, call_id)]


def _recorded(row: asyncpg.Record) -> Recorded:
    return Recorded(
        seq=row["seq"], at=row["at"], kind=row["kind"], payload=_mapping(row["payload"])
    )


def _mapping(payload: str) -> dict[str, Any]:
    found = json.loads(payload)
    return found if isinstance(found, dict) else {}


def _call(row: asyncpg.Record) -> CallRow:
    key, number = row["caller_key"], row["number_id"]
    return CallRow(
        call_id=CallId(str(row["call_id"])),
        brand=BrandId(row["brand"]),
        did=row["did"],
        caller_key=None if key is None else CallerKey(key),
        caller_mask=row["caller_mask"],
        number_id=None if number is None else NumberId(str(number)),
        flow=row["flow"],
        flow_hash=FlowHash(row["flow_hash"]),
        language=row["language"],
        phase=row["phase"],
        node=row["node"],
        outcome=row["outcome"],
        arrived_at=row["arrived_at"],
        answered_at=row["answered_at"],
        ended_at=row["ended_at"],
        last_seq=row["last_seq"],
    )
