"""What is to be done: imperatives that the core decides and the shell performs, after they are journaled.

How the result of each kind is known after a crash is the table in ``after_crash.py``.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

from ivrengine.core.call import Outcome, Value
from ivrengine.core.ids import (
    BrandId,
    BridgeId,
    CallerKey,
    CallId,
    ChannelId,
    MessageId,
    NumberId,
    PlaybackId,
    RecordingId,
    RequestId,
    TimerId,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Pick up the caller's channel."""

    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Words that were composed for one call, in its language, to be spoken where a prompt's name could stand."""

    text: str
    prompt: str = ""
    """The prompt whose text they are with its values filled in, if they are one's."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Play prompts by their names, and composed words, one after the other, as one playback."""

    channel_id: ChannelId
    playback_id: PlaybackId
    prompts: tuple[str | Spoken, ...]
    language: str
    recordings: tuple[RecordingId, ...] = ()
    """Stored recordings that are played before the prompts."""
    beep: bool = False
    """Whether a tone comes last, after which one speaks."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StopPlayback:
    """Cut a playback short."""

    playback_id: PlaybackId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StartMusic:
    """Play music on hold of the named class to a channel, until stopped."""

    channel_id: ChannelId
    music: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StopMusic:
    """End the music on hold."""

    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """Ring a phone of the brand's directory; its channel will have the id given here."""

    channel_id: ChannelId
    phone: str
    ring_timeout_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CreateBridge:
    """Create a mixing bridge with the id given here."""

    bridge_id: BridgeId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AddToBridge:
    """Put channels into a bridge."""

    bridge_id: BridgeId
    channel_ids: tuple[ChannelId, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFromBridge:
    """Take channels out of a bridge; they stay ours."""

    bridge_id: BridgeId
    channel_ids: tuple[ChannelId, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DestroyBridge:
    """Remove a bridge; who is inside is let out and stays ours, and ``frees`` hears a prompt that follows at once."""

    bridge_id: BridgeId
    frees: ChannelId | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StartRecording:
    """Record what a channel says (or, with a bridge as target, what is said in it) for at most ``limit_s``."""

    recording_id: RecordingId
    target: ChannelId | BridgeId
    limit_s: float
    max_silence_s: float | None = None
    """So long a silence ends it, too."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StartMonitoring:
    """Record all that a channel says and hears, whatever is done with it meanwhile, through a channel with the id given here."""

    recording_id: RecordingId
    monitor_id: ChannelId
    channel_id: ChannelId
    limit_s: float
    retention: str
    """The name of a class of retention: how long the recording may stay."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StopMonitoring:
    """End the channel through which another is recorded, and with it the recording, which is kept."""

    monitor_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PauseRecording:
    """Let a recording miss what follows."""

    recording_id: RecordingId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ResumeRecording:
    """Let a paused recording go on."""

    recording_id: RecordingId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StopRecording:
    """End a recording and keep it."""

    recording_id: RecordingId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DiscardRecording:
    """Delete a recording that has ended."""

    recording_id: RecordingId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """End a channel."""

    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SendToFallback:
    """Hand a channel to the dialplan's fallback: an apology and a person, whatever is wrong with us."""

    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StartTimer:
    """Let ``TimerFired`` come after so many seconds of the engine clock."""

    timer_id: TimerId
    delay_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CancelTimer:
    """Forget a timer; one that has fired already is no mistake."""

    timer_id: TimerId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header of a request: ``text``, and behind it the secret that the settings have under the name ``secret``, if any."""

    name: str
    text: str = ""
    secret: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A value that a flow wants of an answer, for a variable of that type.

    ``path`` leads to it through the JSON: keys of objects, and positions (``0``) in lists.
    """

    variable: str
    path: tuple[str, ...]
    kind: Literal["str", "int", "float", "bool"]
    optional: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Ask another system for JSON (HTTP GET), ``retries`` times again if need be; ``deadline_s`` is for it all.

    An *inquiry*: ``Fetched`` or ``FetchFailed`` with its id comes in any case, unless it is cancelled or the engine dies.
    """

    request_id: RequestId
    url: str
    headers: tuple[Header, ...] = ()
    wants: tuple[Wanted, ...] = ()
    deadline_s: float
    retries: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """Tell another system something as JSON (HTTP POST), once; an inquiry that is answered as ``Fetch`` is."""

    request_id: RequestId
    url: str
    headers: tuple[Header, ...] = ()
    body: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    wants: tuple[Wanted, ...] = ()
    deadline_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FindAnswers:
    """Look up when a caller was last asked a question of a survey, since ``since_at`` and in another call than this.

    An inquiry of the store: ``AnswersFound`` or ``LookupFailed`` with its id comes as surely as to a ``Fetch``.
    """

    request_id: RequestId
    brand: BrandId
    survey: str
    caller_key: CallerKey
    call_id: CallId
    """The call that asks."""
    since_at: datetime
    deadline_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CancelInquiry:
    """Wait for an answer no more; one that is there already is no mistake."""

    request_id: RequestId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DropDigits:
    """Empty the type-ahead buffer: what was pressed so far was not meant for the node that begins now."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EnterNode:
    """Note that the call reached a node of its flow, or of the sub-flow that is named."""

    node: str
    node_type: str
    subflow: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeaveNode:
    """Note that the call left a node by the named exit."""

    node: str
    exit: str
    subflow: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SendMessage:
    """Put a text message into the outbox, addressed to a number of the vault; a gateway sends it."""

    message_id: MessageId
    kind: Literal["sms"]
    number_id: NumberId
    text: str
    language: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SetAttribute:
    """Note something about the call, for people and reports; a later note of the same name takes its place."""

    name: str
    value: Value


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeepAnswer:
    """Keep what a caller answered to a question of a survey or, without ``score``, that it was put to them.

    ``low`` and ``high`` are the ends of the scale.
    """

    survey: str
    question: str
    scale: str
    low: int
    high: int
    score: int | None


class RecordingKind(StrEnum):
    """What a recording is of."""

    VOICEMAIL = "voicemail"
    """The caller alone, who left a message."""
    CALL = "call"
    """The call, or a part of it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class KeepRecording:
    """Keep a recording that is stored: ``media`` is its name where recordings are, ``retention`` how long it may stay."""

    recording_id: RecordingId
    kind: RecordingKind
    retention: str
    """The name of a class of retention."""
    duration_s: float
    media: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EndCall:
    """Close the call's books; the last effect of every call."""

    outcome: Outcome


Kept = SendMessage | SetAttribute | KeepAnswer | KeepRecording
"""What is done by being written: the store has a row for each, of which the journal is the source."""

Written = DropDigits | LeaveNode | EndCall | Kept
"""What needs no performing: done where the step was decided, as the journal entry is the effect."""

Effect = (
    Answer
    | Play
    | StopPlayback
    | StartMusic
    | StopMusic
    | Dial
    | CreateBridge
    | AddToBridge
    | RemoveFromBridge
    | DestroyBridge
    | StartRecording
    | StopRecording
    | DiscardRecording
    | StartMonitoring
    | StopMonitoring
    | PauseRecording
    | ResumeRecording
    | HangUp
    | SendToFallback
    | StartTimer
    | CancelTimer
    | Fetch
    | Submit
    | FindAnswers
    | CancelInquiry
    | EnterNode
    | Written
)
"""Everything the core may ask for; a ``match`` over it is checked to be exhaustive."""
