"""Made-up calls as the journal would hand them to the store."""

import dataclasses
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypedDict

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
    Row,
)

NOON = datetime(2025, 11, 21, 12, 0, tzinfo=UTC)
BRAND = BrandId("guneskent")


def stream_id(number: int, at: datetime = NOON) -> str:
    """Return a UUIDv7 of that instant, the same for the same number."""
    milliseconds = int(at.timestamp() * 1000)
    return str(uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | 0b10 << 62 | number))


def call_row(number: int, seq: int, of: int, at: datetime = NOON) -> CallRow:
    ended = seq == of
    return CallRow(
        call_id=CallId(stream_id(number, at)),
        brand=BRAND,
        did="+902124440101",
        caller_key=CallerKey(f"k1:{number:064x}"),
        caller_mask="+90 532 *** ** 67",
        number_id=None,
        flow="guneskent-main",
        flow_hash=FlowHash("ab" * 32),
        language="tr",
        phase="ended" if ended else "in_flow",
        node=f"node{seq}",
        outcome="completed" if ended else None,
        arrived_at=at,
        answered_at=at,
        ended_at=at + timedelta(seconds=seq) if ended else None,
        last_seq=seq,
    )


def event(
    number: int,
    seq: int,
    of: int = 100,
    *,
    at: datetime = NOON,
    payload: str | None = None,
    kind: str = "TimerFired",
) -> EventRow:
    """Return event ``seq`` of a call that has ``of`` of them."""
    body = payload or json.dumps({"event": {"timer_id": f"t{seq}"}, "effects": []})
    return EventRow(
        stream_kind="call",
        stream_id=stream_id(number, at),
        seq=seq,
        brand=BRAND,
        at=at + timedelta(seconds=seq),
        kind=kind,
        payload=body,
        call=call_row(number, seq, of, at),
    )


def call(number: int, events: int, *, at: datetime = NOON) -> list[EventRow]:
    """Return all events of one call."""
    return [event(number, seq, events, at=at) for seq in range(1, events + 1)]


def keeping(number: int, seq: int, *, of: int = 100, at: datetime = NOON) -> EventRow:
    """Return an event whose effects leave a row of each kind, and two notes."""
    row = event(number, seq, of, at=at)
    return dataclasses.replace(row, kept=kept(row))


class _Place(TypedDict):
    call_id: CallId
    seq: int
    brand: BrandId
    caller_key: CallerKey | None
    at: datetime


def kept(row: EventRow) -> tuple[KeptRow, ...]:
    assert row.call is not None
    place = _Place(
        call_id=row.call.call_id,
        seq=row.seq,
        brand=row.brand,
        caller_key=row.call.caller_key,
        at=row.at,
    )
    return (
        MessageRow(
            **place,
            index=0,
            message_id=MessageId(f"{row.stream_id}-m{row.seq}"),
            kind="sms",
            number_id=NumberId(stream_id(0xA001)),
            text="Borcunuz 1.250,50 TL, teşekkürler",
            language="tr",
        ),
        AttributeRow(**place, index=2, name="reason", value='"dues"'),
        AttributeRow(**place, index=3, name="flat", value="42"),
        AnswerRow(
            **place,
            index=4,
            survey="after-call",
            question="recommend",
            scale="nps",
            low=0,
            high=10,
            score=9,
        ),
        RecordingRow(
            **place,
            index=5,
            recording_id=RecordingId(f"ast1:ivr-{row.stream_id}-r{row.seq}"),
            kind=RecordingKind.VOICEMAIL,
            retention="voicemail",
            duration_s=12.5,
            media=f"ivr-{row.stream_id}-r{row.seq}",
        ),
    )


def interleaved(calls: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the rows of calls that go on at the same time."""
    longest = max((len(rows) for rows in calls), default=0)
    return [rows[i] for i in range(longest) for rows in calls if i < len(rows)]


def number(count: int, *, expires_at: datetime | None = None) -> NumberRow:
    return NumberRow(
        number_id=NumberId(stream_id(0xA000 + count)),
        brand=BRAND,
        purpose="caller",
        key_id="k1",
        sealed=b"\x00sealed" + bytes([count % 256]),
        sealed_at=NOON,
        expires_at=expires_at or datetime(2199, 1, 1, tzinfo=UTC),
    )


def flow(count: int, *, loaded_at: datetime = NOON) -> FlowRow:
    return FlowRow(
        flow_hash=FlowHash(f"{count:064x}"),
        brand=BRAND,
        name="guneskent-main",
        text=f"flow: guneskent-main\n# şu an {count}\n",
        loaded_at=loaded_at,
    )


def poisoned(row: EventRow, payload: str) -> EventRow:
    return dataclasses.replace(row, payload=payload)
