"""Events, effects and calls as JSON and back: the form they have in the journal.

An event or effect is written as a pair of its kind (the class name) and its fields; names in the journal are therefore part
of its format and stay when a class is renamed.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

import msgspec

from ivrengine.core import effects, events
from ivrengine.core.call import Call
from ivrengine.core.missed import CallMissed

Pair = tuple[str, object]

_encoder: Final = msgspec.json.Encoder()
_pairs_decoder: Final = msgspec.json.Decoder(list[tuple[str, msgspec.Raw]])
_call_decoder: Final = msgspec.json.Decoder(Call)


def _decoders(union: object) -> Mapping[str, msgspec.json.Decoder[Any]]:
    return {kind.__name__: msgspec.json.Decoder(kind) for kind in get_args(union)}


_event_decoders: Final = _decoders(events.CallEvent)
_effect_decoders: Final = _decoders(effects.Effect)


class UnknownKindError(Exception):
    """A journal names an event or effect that this version of the engine does not know."""


def pair(thing: events.CallEvent | CallMissed | effects.Effect) -> Pair:
    """Return an event or effect with its kind before it, ready to be encoded."""
    return type(thing).__name__, thing


def encode(value: object) -> bytes:
    """Return JSON of plain values and core dataclasses."""
    return _encoder.encode(value)


def event(kind: str, fields: bytes | memoryview | msgspec.Raw) -> events.CallEvent:
    """Return the event that was written; raises ``UnknownKindError`` or ``msgspec.ValidationError``."""
    found: events.CallEvent = _known(_event_decoders, kind).decode(fields)
    return found


def effect(kind: str, fields: bytes | memoryview | msgspec.Raw) -> effects.Effect:
    """Return the effect that was written; raises ``UnknownKindError`` or ``msgspec.ValidationError``."""
    found: effects.Effect = _known(_effect_decoders, kind).decode(fields)
    return found


def pairs(effects: bytes | memoryview | msgspec.Raw) -> list[tuple[str, msgspec.Raw]]:
    """Return the kinds and fields of a list of effects as written."""
    return _pairs_decoder.decode(effects)


def call(state: bytes | memoryview | msgspec.Raw) -> Call:
    """Return the call that was written."""
    return _call_decoder.decode(state)


def _known(
    decoders: Mapping[str, msgspec.json.Decoder[Any]], kind: str
) -> msgspec.json.Decoder[Any]:
    try:
        return decoders[kind]
    except KeyError:
        raise UnknownKindError(kind) from None
