"""The call: all that is known of one caller's visit, as the fold leaves it after each step.

Everything here is journaled after every step and loaded again after a restart; it holds no full phone number and no
digit that a node has not consumed.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from ivrengine.core.ids import (
    BrandId,
    BridgeId,
    CallerKey,
    CallId,
    ChannelId,
    FlowHash,
    NumberId,
    PlaybackId,
    RecordingId,
    RequestId,
    TimerId,
)

Value = str | int | float | bool
"""What a declared variable of a flow can hold."""


class Phase(StrEnum):
    """Where a call is, in the words of a supervisor."""

    IN_FLOW = "in_flow"
    DIALING = "dialing"
    TALKING = "talking"
    LEAVING = "leaving"
    """We have asked for the end (hang-up or fallback) and wait for the channel to go."""
    AFTERWARDS = "afterwards"
    """The caller has left, and the flow does what may still be done (``on_hangup``)."""
    ENDED = "ended"


class Outcome(StrEnum):
    """How a call ended: exactly one of these for every call."""

    COMPLETED = "completed"
    """The flow came to its end and hung up."""
    HUNG_UP = "hung_up"
    """The caller left before the flow's end, without having talked to anyone."""
    TRANSFERRED = "transferred"
    """The caller talked to the phone that the flow put them through to."""
    FALLBACK = "fallback"
    """The flow could not go on; the caller was handed to the dialplan's fallback."""
    TAKEN = "taken"
    """Somebody else took the channel out of our application."""
    LOST = "lost"
    """The end happened while nobody listened: found out after a disconnection or a restart."""
    MISSED = "missed"
    """The engine never had it, and nobody picked up: left in the fallback queue, or at a watched extension."""
    SHED = "shed"
    """The engine never had it: refused by the dialplan, because there were too many calls."""


class DigitMode(StrEnum):
    """What becomes of a key that the caller presses now."""

    TAKE = "take"
    """The node consumes it at once."""
    HIDE = "hide"
    """The same, but of a digit only that there was one is told; what waits is forgotten when the node is left."""
    INTERRUPT = "interrupt"
    """It cuts the prompt short and waits for the next node that takes digits."""
    BUFFER = "buffer"
    """It waits for the next node that takes digits (type-ahead)."""
    DROP = "drop"
    """It means nothing here (the caller is talking, or leaving)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, as far as the core may know: a keyed hash and a mask, never the number."""

    withheld: bool
    mask: str
    """For people's eyes (``+90 532 *** ** 67``); ``withheld`` if so."""
    key: CallerKey | None
    """None if withheld, not a number, or forbidden by the brand."""
    number_id: NumberId | None
    """Entry of the numbers vault that holds the number, sealed."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlowRef:
    """A flow at one version; a call ends on the version that it began with."""

    name: str
    hash: FlowHash


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a message that a caller leaves; there is another after each gap."""

    recording_id: RecordingId
    duration_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where inside its node a call stands; what a field means is the node type's own affair.

    When the call leaves the node, the timer and the inquiry named here are cancelled, and the playback and the music stopped:
    a node need not.
    """

    stage: str = ""
    attempt: int = 1
    """How often the node has asked."""
    no_inputs: int = 0
    no_matches: int = 0
    """How many of those askings met silence, and how many a wrong answer."""
    digits: str = ""
    playback_id: PlaybackId | None = None
    timer_id: TimerId | None = None
    leg_id: ChannelId | None = None
    bridge_id: BridgeId | None = None
    until_at: datetime | None = None
    """When what the node waits for is over."""
    music_on: ChannelId | None = None
    """The channel that hears music as long as the call is in the node."""
    request_id: RequestId | None = None
    recording_id: RecordingId | None = None
    """Of the caller's channel; it is stopped when the call leaves the node."""
    parts: tuple[Part, ...] = ()
    """What was recorded so far."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A flow that waits for a sub-flow which it called, as it stood when it did."""

    subflow: str
    """The name of the waiting flow; empty for the one that the call began with."""
    node: str
    """Its ``call`` node."""
    variables: Mapping[str, Value]
    until_at: datetime | None = None
    """When its ``max_duration`` is over."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """The recording of the call: what the switch makes of it now, a part of it (there is another after each gap)."""

    retention: str
    """The name of a class of retention."""
    recording_id: RecordingId | None = None
    """None while it is paused and the part before has ended."""
    monitor_id: ChannelId | None = None
    """The channel through which it is made."""
    since_at: datetime | None = None
    """None while it is paused."""
    recorded_s: float = 0.0
    """How much of this part there was before ``since_at``."""

    @property
    def paused(self) -> bool:
        """Whether it misses what is said now."""
        return self.since_at is None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """One visit of one caller.

    Without slots, unlike all else here: each step copies it but for a few fields, and a dict of so many is copied in a quarter
    of the time.
    """

    call_id: CallId
    brand: BrandId
    did: str
    channel_id: ChannelId
    caller: Caller
    flow: FlowRef
    language: str
    arrived_at: datetime
    waiting_since_at: datetime | None = None
    """Since when the caller waited in the dialplan's fallback, if they were taken back from there."""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    phase: Phase = Phase.IN_FLOW
    outcome: Outcome | None = None
    node: str = ""
    cursor: Cursor = Cursor()
    digit_mode: DigitMode = DigitMode.BUFFER
    variables: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    """Of the flow that runs now."""
    subflow: str = ""
    """The name of the flow that runs now, if it is not the one that the call began with."""
    frames: tuple[Frame, ...] = ()
    """The flows that wait for it, the outermost first."""
    until_at: datetime | None = None
    """When the ``max_duration`` of the flow that runs now is over."""
    limit_timer_id: TimerId | None = None
    """The timer of the earliest of those ends."""
    errors: int = 0
    """How often a flow's ``on_error`` took the call over."""
    talked: bool = False
    """Whether a phone that the flow rang joined the caller: it then counts as transferred, unless it is handed over or lost."""
    recording: Recording | None = None
    """None: the call is not recorded. What must not be recorded asks here whether to pause it."""
    discarding: tuple[RecordingId, ...] = ()
    """Recordings that the last step deletes."""
    serial: int = 0
    """Counts every time a node was asked to decide; ids that the call chooses are made from it."""
