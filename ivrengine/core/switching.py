"""What passes between the engine and any switch, beside events and effects: arrivals, links, and refusals.

Shared by the doors (``asterisk``, ``sim``) and the engine, which are siblings and do not import each other.
"""

import dataclasses
from datetime import datetime

from ivrengine.core.events import CallEvent, Failure
from ivrengine.core.ids import ChannelId, NodeName


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


SwitchEvent = Arrival | LinkUp | LinkDown | DigitHeard | CallEvent
"""What a switch tells the engine, in the order in which it learned it."""


class RequestRefusedError(Exception):
    """A switch did not do what was asked; ``failure`` says what can be done about it, ``detail`` is for the log."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(f"{failure}: {detail}")
        self.failure = failure
        self.detail = detail
