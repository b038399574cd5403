"""What passes between the engine and any switch, beside events and effects: arrivals, links, and refusals.

Shared by the doors (``asterisk``, ``sim``) and the engine, which are siblings and do not import each other.
"""

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from ivrengine.core.events import CallEvent, Failure
from ivrengine.core.ids import BridgeId, ChannelId, NodeName
from ivrengine.core.missed import MissedCall


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An inbound channel entered our application.

    The only thing on the way of a call that carries the caller's number in full (E.164, or None when withheld): the engine
    seals it and keeps a key and a mask; it is never journaled or logged, and its ``repr`` does not show the number.
    """

    at: datetime
    channel_id: ChannelId
    did: str
    number: str | None = dataclasses.field(repr=False)
    waiting_since_at: datetime | None = None
    """Since when the caller waited in the dialplan's fallback, if they were taken back from there."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LinkUp:
    """A node answers, and its events flow (again)."""

    at: datetime
    node: NodeName


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LinkDown:
    """A node's events no longer reach us; its calls go on without us."""

    at: datetime
    node: NodeName
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DigitHeard:
    """A caller pressed a key. Not yet an event of the call: it becomes ``DigitPressed`` when a node consumes it."""

    at: datetime
    channel_id: ChannelId
    digit: str = dataclasses.field(repr=False)


class PhoneState(StrEnum):
    """What a phone does, whoever calls it: the engine, the fallback queue, or its own agent."""

    FREE = "free"
    RINGING = "ringing"
    IN_USE = "in_use"
    UNREACHABLE = "unreachable"
    """Not registered, or it no longer answers: their phone is gone."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PhoneSeen:
    """A phone was found in this state, or has changed to it; ``endpoint`` is what a switch rings (``PJSIP/agent-101``)."""

    at: datetime
    node: NodeName
    endpoint: str
    state: PhoneState


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrunkSeen:
    """A trunk of the settings is up or down; ``reason`` is its switch's own word for it (``Unreachable``, ``Rejected``)."""

    at: datetime
    node: NodeName
    trunk: str
    up: bool
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SightLost:
    """Nobody tells us of a node's phones, trunks and fallback queue any more: what is known of them is getting old."""

    at: datetime
    node: NodeName


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FallbackSeen:
    """So many callers wait in a node's fallback queue."""

    at: datetime
    node: NodeName
    waiting: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SwitchEnding:
    """A switch's process is about to end, and with it every call on the node; ``again`` says that it comes back by itself."""

    at: datetime
    node: NodeName
    again: bool


OfACall = Arrival | DigitHeard | CallEvent
"""What is about one call, or begins one."""
SwitchEvent = (
    OfACall
    | LinkUp
    | LinkDown
    | PhoneSeen
    | TrunkSeen
    | SightLost
    | FallbackSeen
    | SwitchEnding
    | MissedCall
)
"""What a switch tells the engine, in the order in which it learned it."""


class Presence(StrEnum):
    """How far a channel is, as a switch tells it when asked."""

    RINGING = "ringing"
    """A phone that we dialled and that nobody has picked up yet."""
    WAITING = "waiting"
    """In our application, not answered: an inbound caller who still hears the ringing tone."""
    UP = "up"
    """In our application and answered."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSeen:
    """A channel that a snapshot found with us."""

    presence: Presence
    arrival: Arrival | None = None
    """What an inbound channel's arrival says, for one whose arrival was told to nobody."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is alive on a node at one instant; what an absent engine missed shows only here."""

    at: datetime
    node: NodeName
    started_at: datetime
    """When the switch's process began: a call that arrived before it ended with the one before."""
    channels: Mapping[ChannelId, ChannelSeen]
    """Those in our application, and those that we dialled and that ring."""
    elsewhere: frozenset[ChannelId]
    """All others: somewhere in the dialplan, or another application's."""
    bridges: Mapping[BridgeId, frozenset[ChannelId]]
    """Ours only, with the channels inside."""
    monitors: frozenset[ChannelId] = frozenset()
    """Ours only: channels through which others are recorded; they are in none of the above."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What an engine tells a node's dialplan each second: that it lives, and what it may be given."""

    at: datetime
    engine: str
    """Which engine lives: a short word of letters and digits, new with each process."""
    calls_max: int
    """Calls in progress on this node, beyond which new ones are shed; 0 sends all to the fallback."""
    calls_per_s_max: int
    """New calls within one second, beyond which they are shed."""
    emergency: tuple[str, ...] = ()
    """Numbers, as they are routed, whose callers may use the whole of both limits."""
    emergency_share: float = 0.0
    """The part of both limits that all others leave to them."""


class NotTakenError(Exception):
    """What a door told could not be recorded now: it is to be told again. Of all that is told, only ``MissedCall`` is kept so."""


class RequestRefusedError(Exception):
    """A switch did not do what was asked; ``failure`` says what can be done about it, ``detail`` is for the log."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.detail = detail
