"""What happened: the past-tense facts that a call is a fold over.

Hop 2 of a call's way: a door translates what its Asterisk says into these, the engine adds those that come from its own
timers and requests. Every event says when (``at``, aware UTC, from the engine clock) and is journaled as it stands here:
no event carries a full phone number, and digits appear only once a node has consumed them.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from ivrengine.core.call import Caller, FlowRef, Value
from ivrengine.core.ids import (
    BrandId,
    BridgeId,
    CallId,
    ChannelId,
    PlaybackId,
    RecordingId,
    RequestId,
    TimerId,
)


class Failure(StrEnum):
    """Why a request to a switch did not do what was asked; classed by what the core can do about it."""

    GONE = "gone"
    """The channel, bridge or playback does not exist (any more)."""
    NOT_READY = "not_ready"
    """It exists but is not in a state to obey (not in our application, already in a bridge, being recorded)."""
    UNAVAILABLE = "unavailable"
    """No answer: the node is disconnected, too slow, or broken; whether it was done is not known."""
    REFUSED = "refused"
    """Understood and refused: bad endpoint, missing sound, a limit."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallArrived:
    """A caller reached us and was routed to a flow; the first event of every call."""

    at: datetime
    call_id: CallId
    brand: BrandId
    did: str
    channel_id: ChannelId
    caller: Caller
    flow: FlowRef
    language: str
    waiting_since_at: datetime | None = None
    """Since when the caller waited in the dialplan's fallback, if they were taken back from there."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LegRinging:
    """A phone that we dialled rings."""

    at: datetime
    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LegAnswered:
    """A phone that we dialled was picked up, and its channel is ours to command."""

    at: datetime
    channel_id: ChannelId


HIDDEN: Final = "x"
"""Stands for each digit that is keyed where nobody may know which one it was."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DigitPressed:
    """A node consumed a digit that the caller pressed (0-9, ``*``, ``#``, A-D), or one that is ``HIDDEN``."""

    at: datetime
    channel_id: ChannelId
    digit: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BargedIn:
    """The caller pressed a key during a prompt that may be cut short; the digit itself waits for a node to take it."""

    at: datetime
    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlaybackFinished:
    """A playback ended: heard to its end (``completed``), or stopped, failed, or cut off by the end of its channel."""

    at: datetime
    playback_id: PlaybackId
    completed: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChannelEnded:
    """A channel is gone; ``cause`` is its Q.850 hang-up cause (16 normal, 17 busy, 19 no answer, 21 refused)."""

    at: datetime
    channel_id: ChannelId
    cause: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLeft:
    """A channel left our application alive: sent on in the dialplan, or taken by somebody else."""

    at: datetime
    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BridgeJoined:
    """A channel entered a bridge."""

    at: datetime
    bridge_id: BridgeId
    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BridgeLeft:
    """A channel left a bridge."""

    at: datetime
    bridge_id: BridgeId
    channel_id: ChannelId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordingStarted:
    """A recording has begun."""

    at: datetime
    recording_id: RecordingId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFinished:
    """A recording was stopped, or met its limit or the end of its channel, and is stored.

    Durations are as the switch tells them, in whole seconds; the silence that ended it is not among them.
    """

    at: datetime
    recording_id: RecordingId
    duration_s: float
    talked_s: float | None = None
    """How long anything was to be heard in it; None if the switch does not tell."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RecordingFailed:
    """A recording could not be made or was lost."""

    at: datetime
    recording_id: RecordingId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TimerFired:
    """A wait that a node asked for is over."""

    at: datetime
    timer_id: TimerId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RequestFailed:
    """A request of ours was not done; ``effect`` is the kind of effect, ``subject`` the id it was about."""

    at: datetime
    effect: str
    subject: str
    failure: Failure


class Unanswered(StrEnum):
    """Why an inquiry brought nothing that a flow can use."""

    TIMEOUT = "timeout"
    """No answer within its deadline; whether it was heard is not known."""
    UNREACHABLE = "unreachable"
    """No connection, none that can be trusted, or one that broke off."""
    STATUS = "status"
    """Answered with a status of failure."""
    NOT_JSON = "not_json"
    WRONG_SHAPE = "wrong_shape"
    """JSON without a value that is wanted, or with one of another type."""
    TOO_BIG = "too_big"
    REFUSED = "refused"
    """Not asked: the settings do not allow the host, or have no such secret."""
    FAULT = "fault"
    """A fault of ours."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An inquiry was answered; ``values`` are those that were wanted and found, by variable."""

    at: datetime
    request_id: RequestId
    status: int
    values: Mapping[str, Value]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """An inquiry brought nothing; ``status`` is that of the answer, if there was one."""

    at: datetime
    request_id: RequestId
    reason: Unanswered
    status: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AnswersFound:
    """The store said when the caller was last asked; ``asked_at`` is None if not in that time."""

    at: datetime
    request_id: RequestId
    asked_at: datetime | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LookupFailed:
    """The store said nothing."""

    at: datetime
    request_id: RequestId
    reason: Unanswered


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallFailed:
    """Deciding or performing a step raised an exception: the flow is over, the caller goes to a person.

    ``error`` is the exception's class and place, never its message: a message may quote what the caller keyed.
    """

    at: datetime
    error: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlowInterrupted:
    """The engine stops: the flow cannot go on here, the caller goes to a person."""

    at: datetime
    reason: str


class LegSeen(StrEnum):
    """What is there of the phone that a call rings or talks to, when the switch is asked."""

    NONE = "none"
    RINGING = "ringing"
    UP = "up"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A call goes on after a time in which nobody listened: the link was down, or the engine was not there."""

    at: datetime
    since_at: datetime
    """Since when nobody listened."""
    answered: bool
    """Whether the caller's channel is up."""
    leg: LegSeen
    """Of the leg that the call's cursor names."""
    joined: bool
    """Whether the caller and that leg are both in the bridge that the cursor names."""
    inquiring: bool = False
    """Whether the inquiry that the cursor names is still to be answered; one of a dead engine is not."""
    astray: BridgeId | None = None
    """A bridge of ours that the caller is still in, though the call is done with it."""


class UnheardEnd(StrEnum):
    """How a call ended of whose end nobody was told."""

    ENDED_WHILE_DISCONNECTED = "ended_while_disconnected"
    """Its channel was gone when the switch was asked again."""
    PBX_RESTART = "pbx_restart"
    """The switch was restarted, and all its calls ended with it."""
    NODE_LOST = "node_lost"
    """The switch stayed away for too long, or is not one of ours any more."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EndedUnheard:
    """A caller's channel ended some time after ``since_at``, when nobody listened."""

    at: datetime
    channel_id: ChannelId
    since_at: datetime
    reason: UnheardEnd
    cause: int | None = None
    """Its Q.850 cause, should anybody have noted it."""
    inquiring: bool = False
    """As of ``Resumed``: ``on_hangup`` may be waiting."""


Answered = Fetched | FetchFailed | AnswersFound | LookupFailed
"""What an inquiry comes to."""

CallEvent = (
    CallArrived
    | LegRinging
    | LegAnswered
    | DigitPressed
    | BargedIn
    | PlaybackFinished
    | ChannelEnded
    | ChannelLeft
    | BridgeJoined
    | BridgeLeft
    | RecordingStarted
    | RecordingFinished
    | RecordingFailed
    | TimerFired
    | RequestFailed
    | Fetched
    | FetchFailed
    | AnswersFound
    | LookupFailed
    | CallFailed
    | FlowInterrupted
    | Resumed
    | EndedUnheard
)
"""Everything a call's fold may meet; a ``match`` over it is checked to be exhaustive."""


def silent_by(event: CallEvent) -> frozenset[PlaybackId]:
    """Return the playback that is not heard (any more) by this event."""
    match event:
        case PlaybackFinished():
            return frozenset({event.playback_id})
        case RequestFailed(effect="Play", subject=refused) if (
            event.failure is not Failure.UNAVAILABLE
        ):
            return frozenset({PlaybackId(refused)})
        case _:
            return frozenset()
