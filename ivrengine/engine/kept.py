"""What a step's effects leave in tables of their own: read from the journal on its way to the store, never decided here."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, TypedDict, assert_never, get_args

from ivrengine.core import effects, rows
from ivrengine.core.ids import BrandId, CallerKey, CallId
from ivrengine.engine import codec

_KINDS: Final = frozenset(kind.__name__ for kind in get_args(effects.Kept))
_BEGINNINGS: Final = (b'["Keep', b'["SendMessage"', b'["SetAttribute"')
"""How such an effect is written: three searches of a microsecond each spare nearly all steps their decoding."""


def may_hold(decided: bytes) -> bool:
    """Tell whether a step's effects (JSON) may leave a row; a text that only looks like it is found out by ``rows_of``."""
    return any(beginning in decided for beginning in _BEGINNINGS)


def rows_of(call: rows.CallRow, at: datetime, decided: bytes) -> Iterator[rows.KeptRow]:
    """Yield the rows that a step's effects (JSON) leave; raises ``msgspec.MsgspecError`` if one is not of its form."""
    for index, (kind, fields) in enumerate(codec.pairs(decided)):
        if kind in _KINDS:
            effect = codec.effect(kind, fields)
            assert isinstance(effect, effects.Kept)
            yield _row(call, at, index, effect)


def _row(call: rows.CallRow, at: datetime, index: int, effect: effects.Kept) -> rows.KeptRow:
    match effect:
        case effects.SendMessage():
            return rows.MessageRow(
                **_place(call, at, index),
                message_id=effect.message_id,
                kind=effect.kind,
                number_id=effect.number_id,
                text=effect.text,
                language=effect.language,
            )
        case effects.SetAttribute():
            return rows.AttributeRow(
                **_place(call, at, index),
                name=effect.name,
                value=codec.encode(effect.value).decode(),
            )
        case effects.KeepAnswer():
            return rows.AnswerRow(
                **_place(call, at, index),
                survey=effect.survey,
                question=effect.question,
                scale=effect.scale,
                low=effect.low,
                high=effect.high,
                score=effect.score,
            )
        case effects.KeepRecording():
            return rows.RecordingRow(
                **_place(call, at, index),
                recording_id=effect.recording_id,
                kind=effect.kind,
                retention=effect.retention,
                duration_s=effect.duration_s,
                media=effect.media,
            )
        case _:
            assert_never(effect)


class _Place(TypedDict):
    call_id: CallId
    seq: int
    index: int
    brand: BrandId
    caller_key: CallerKey | None
    at: datetime


def _place(call: rows.CallRow, at: datetime, index: int) -> _Place:
    return _Place(
        call_id=call.call_id,
        seq=call.last_seq,
        index=index,
        brand=call.brand,
        caller_key=call.caller_key,
        at=at,
    )
