"""The lines of the journal: what is written after each step, and how it reads back.

A line is ``crc32 SPACE json NEWLINE``: readable with any text tool, and a line torn by a crash is told from a whole one.
"""

import base64
import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import msgspec

from ivrengine.core import events, rows
from ivrengine.core.call import Call
from ivrengine.core.effects import Effect
from ivrengine.core.ids import BrandId, CallerKey, CallId, ChannelId, FlowHash, NumberId
from ivrengine.core.missed import CallMissed
from ivrengine.engine import codec, kept

_CRC_CHARS: Final = 8


class Step(msgspec.Struct, tag="step", tag_field="line", frozen=True, kw_only=True):
    """One step of a call: the event, the effects it led to, and the call as it stood then."""

    id: str
    seq: int
    brand: str
    at: datetime
    event: tuple[str, msgspec.Raw]
    effects: msgspec.Raw
    call: msgspec.Raw
    stream: str = "call"


class Number(msgspec.Struct, tag="number", tag_field="line", frozen=True, kw_only=True):
    """A sealed number on its way to the vault; ``sealed`` is base64."""

    number_id: str
    brand: str
    purpose: str
    key_id: str
    sealed: str
    sealed_at: datetime
    expires_at: datetime


class Missed(msgspec.Struct, tag="missed", tag_field="line", frozen=True, kw_only=True):
    """A call that only the dialplan saw; ``call`` is what the list shows of it, null if the engine had it itself."""

    id: str
    brand: str
    at: datetime
    event: tuple[str, msgspec.Raw]
    call: msgspec.Raw


class FlowText(msgspec.Struct, tag="flow", tag_field="line", frozen=True, kw_only=True):
    """A flow version that the engine loaded."""

    flow_hash: str
    brand: str
    name: str
    text: str
    loaded_at: datetime
    uses: tuple[tuple[str, str], ...] = ()


class Opened(msgspec.Struct, tag="opened", tag_field="line", frozen=True, kw_only=True):
    """First line of a segment: behind the flows' texts so many ``open`` lines follow, one for each call in progress."""

    at: datetime
    open_calls: int


class OpenCall(msgspec.Struct, tag="open", tag_field="line", frozen=True, kw_only=True):
    """A call in progress when the segment began, with the step (``seq``) it had reached."""

    id: str
    seq: int
    call: msgspec.Raw


class GivenUp(msgspec.Struct, tag="given_up", tag_field="line", frozen=True, kw_only=True):
    """Callers' channels of calls that ended in the dialplan's hands, which may have to tell of them yet; oldest first."""

    channels: list[str]


Line = Step | Missed | Number | FlowText | Opened | OpenCall | GivenUp
"""Everything that may stand in a journal."""


class _Flow(msgspec.Struct):
    name: str
    hash: str


class _Caller(msgspec.Struct):
    mask: str
    key: str | None
    number_id: str | None


class _Standing(msgspec.Struct):
    """What the store keeps of a call: decoding no more makes catching up after an outage twice as fast."""

    call_id: str
    brand: str
    did: str
    caller: _Caller
    flow: _Flow
    language: str
    phase: str
    node: str
    outcome: str | None
    arrived_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None


_standing_decoder: Final = msgspec.json.Decoder(_Standing)
_decoder: Final[msgspec.json.Decoder[Line]] = msgspec.json.Decoder(Line)


class _StepOut(msgspec.Struct, tag="step", tag_field="line", kw_only=True):
    id: str
    seq: int
    brand: str
    at: datetime
    event: codec.Pair
    effects: list[codec.Pair]
    call: Any
    stream: str = "call"


class _MissedOut(msgspec.Struct, tag="missed", tag_field="line", kw_only=True):
    id: str
    brand: str
    at: datetime
    event: codec.Pair
    call: Any


class _OpenOut(msgspec.Struct, tag="open", tag_field="line", kw_only=True):
    id: str
    seq: int
    call: Any


class TornLineError(Exception):
    """A line of the journal is not what was written: cut short, or changed on disk."""


def framed(json: bytes) -> bytes:
    """Return the bytes of a line."""
    return b"%08x %s\n" % (zlib.crc32(json), json)


def step(seq: int, event: events.CallEvent, effects: tuple[Effect, ...], call: Call) -> bytes:
    """Return the JSON of a step's line."""
    return codec.encode(
        _StepOut(
            id=call.call_id,
            seq=seq,
            brand=call.brand,
            at=event.at,
            event=codec.pair(event),
            effects=[codec.pair(effect) for effect in effects],
            call=call,
        )
    )


def missed(stream_id: CallId, brand: BrandId, event: CallMissed, call: Call | None) -> bytes:
    """Return the JSON of a missed call's line."""
    return codec.encode(
        _MissedOut(id=stream_id, brand=brand, at=event.at, event=codec.pair(event), call=call)
    )


def number(row: rows.NumberRow) -> bytes:
    """Return the JSON of a sealed number's line."""
    return codec.encode(
        Number(
            number_id=row.number_id,
            brand=row.brand,
            purpose=row.purpose,
            key_id=row.key_id,
            sealed=base64.b64encode(row.sealed).decode(),
            sealed_at=row.sealed_at,
            expires_at=row.expires_at,
        )
    )


def flow(row: rows.FlowRow) -> bytes:
    """Return the JSON of a flow version's line."""
    return codec.encode(
        FlowText(
            flow_hash=row.flow_hash,
            brand=row.brand,
            name=row.name,
            text=row.text,
            loaded_at=row.loaded_at,
            uses=row.uses,
        )
    )


def opened(at: datetime, open_calls: int) -> bytes:
    """Return the JSON of a segment's first line."""
    return codec.encode(Opened(at=at, open_calls=open_calls))


def given_up(channels: Iterable[ChannelId]) -> bytes:
    """Return the JSON of the line of the calls that the dialplan has."""
    return codec.encode(GivenUp(channels=list(channels)))


def open_call(seq: int, call: Call) -> bytes:
    """Return the JSON of the line of a call in progress."""
    return codec.encode(_OpenOut(id=call.call_id, seq=seq, call=call))


def read(line: bytes) -> Line:
    """Return what a line (without its newline) says; raises ``TornLineError`` if it is not whole."""
    checksum, _, json = line.partition(b" ")
    try:
        whole = len(checksum) == _CRC_CHARS and int(checksum, 16) == zlib.crc32(json)
    except ValueError:
        whole = False
    if not whole:
        raise TornLineError
    try:
        return _decoder.decode(json)
    except msgspec.MsgspecError as error:
        raise TornLineError from error


def row(line: Line) -> rows.Row | None:
    """Return the row that a line means to the store; None for a line that serves recovery only."""
    match line:
        case Step():
            return _event_row(line)
        case Missed():
            return _missed_row(line)
        case Number():
            return rows.NumberRow(
                number_id=NumberId(line.number_id),
                brand=BrandId(line.brand),
                purpose=line.purpose,
                key_id=line.key_id,
                sealed=base64.b64decode(line.sealed),
                sealed_at=line.sealed_at,
                expires_at=line.expires_at,
            )
        case FlowText():
            return flow_row(line)
        case Opened() | OpenCall() | GivenUp():
            return None


def flow_row(line: FlowText) -> rows.FlowRow:
    """Return the row of a flow version."""
    return rows.FlowRow(
        flow_hash=FlowHash(line.flow_hash),
        brand=BrandId(line.brand),
        name=line.name,
        text=line.text,
        loaded_at=line.loaded_at,
        uses=tuple((name, FlowHash(flow_hash)) for name, flow_hash in line.uses),
    )


def _missed_row(line: Missed) -> rows.EventRow:
    kind, fields = line.event
    return rows.EventRow(
        stream_kind="call",
        stream_id=line.id,
        seq=1,
        brand=BrandId(line.brand),
        at=line.at,
        kind=kind,
        payload=(b'{"event":%s,"effects":[]}' % bytes(fields)).decode(),
        call=None if bytes(line.call) == b"null" else _call_row(line.call, 1),
    )


def _event_row(line: Step) -> rows.EventRow:
    kind, fields = line.event
    decided = bytes(line.effects)
    payload = b'{"event":%s,"effects":%s}' % (bytes(fields), decided)
    call = _call_row(line.call, line.seq)
    return rows.EventRow(
        stream_kind=line.stream,
        stream_id=line.id,
        seq=line.seq,
        brand=BrandId(line.brand),
        at=line.at,
        kind=kind,
        payload=payload.decode(),
        call=call,
        kept=_kept(call, line, decided) if kept.may_hold(decided) else (),
    )


def _kept(call: rows.CallRow, line: Step, decided: bytes) -> tuple[rows.KeptRow, ...]:
    """Return the rows that a step's effects leave; raises ``TornLineError`` if they cannot be read."""
    try:
        return tuple(kept.rows_of(call, line.at, decided))
    except msgspec.MsgspecError as error:
        raise TornLineError from error


def _call_row(state: msgspec.Raw, seq: int) -> rows.CallRow:
    """Return the row of a call as it stood; raises ``TornLineError`` if that is no call."""
    try:
        call = _standing_decoder.decode(state)
    except msgspec.MsgspecError as error:
        raise TornLineError from error
    return rows.CallRow(
        call_id=CallId(call.call_id),
        brand=BrandId(call.brand),
        did=call.did,
        caller_key=None if call.caller.key is None else CallerKey(call.caller.key),
        caller_mask=call.caller.mask,
        number_id=None if call.caller.number_id is None else NumberId(call.caller.number_id),
        flow=call.flow.name,
        flow_hash=FlowHash(call.flow.hash),
        language=call.language,
        phase=call.phase,
        node=call.node,
        outcome=call.outcome,
        arrived_at=call.arrived_at,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        last_seq=seq,
    )
