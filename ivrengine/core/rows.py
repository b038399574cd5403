"""What the journal hands to the store: plain rows, each with all that its table needs.

Shared by the engine's journal and the store, which are siblings and do not import each other.
"""

import dataclasses
from datetime import datetime

from ivrengine.core.effects import RecordingKind
from ivrengine.core.ids import (
    BrandId,
    CallerKey,
    CallId,
    FlowHash,
    MessageId,
    NumberId,
    RecordingId,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """The current picture of a call, for the table ``calls``; the row with the highest ``last_seq`` wins."""

    call_id: CallId
    brand: BrandId
    did: str
    caller_key: CallerKey | None
    caller_mask: str
    number_id: NumberId | None
    flow: str
    flow_hash: FlowHash
    language: str
    phase: str
    node: str
    outcome: str | None
    arrived_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    last_seq: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What all rows have that come of an effect: (``call_id``, ``seq``, ``index``) is the effect's place."""

    call_id: CallId
    seq: int
    index: int
    """The effect's place among those of its step, from 0."""
    brand: BrandId
    caller_key: CallerKey | None
    at: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow(_Kept):
    """A text message for the outbox ``messages``."""

    message_id: MessageId
    kind: str
    number_id: NumberId
    text: str
    language: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRow(_Kept):
    """A note on a call, for ``call_attributes``; ``value`` is JSON text."""

    name: str
    value: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow(_Kept):
    """A question of a survey that was put (``score`` None) or answered, for ``survey_answers``."""

    survey: str
    question: str
    scale: str
    low: int
    high: int
    score: int | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordingRow(_Kept):
    """A recording that is stored, for ``recordings``."""

    recording_id: RecordingId
    kind: RecordingKind
    retention: str
    duration_s: float
    media: str


KeptRow = MessageRow | AttributeRow | AnswerRow | RecordingRow


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One step of a stream: the event, and in ``payload`` (JSON text) the event's fields and the effects it led to.

    ``payload`` is ``{"event": {…}, "effects": [["Kind", {…}], …]}``.
    """

    stream_kind: str
    """``call``, ``floor``, ``shift`` or ``callback``."""
    stream_id: str
    seq: int
    """Gap-free from 1 within a stream."""
    brand: BrandId
    at: datetime
    kind: str
    payload: str
    call: CallRow | None
    kept: tuple[KeptRow, ...] = ()
    """What its effects leave in tables of their own."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NumberRow:
    """A sealed phone number for the numbers vault; readable only with the key that ``key_id`` names."""

    number_id: NumberId
    brand: BrandId
    purpose: str
    key_id: str
    sealed: bytes
    sealed_at: datetime
    expires_at: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlowRow:
    """The text of a flow version, stored the first time that the engine loads it."""

    flow_hash: FlowHash
    brand: BrandId
    name: str
    text: str
    loaded_at: datetime
    uses: tuple[tuple[str, FlowHash], ...] = ()
    """The flows that it calls by name, each with its version."""


Row = EventRow | NumberRow | FlowRow
"""One row for the store, in the order of the journal."""

Position = tuple[int, int]
"""A place in the journal: number of the segment, byte offset in it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Rows in journal order, and the position behind the last of them."""

    rows: tuple[Row, ...]
    end: Position
