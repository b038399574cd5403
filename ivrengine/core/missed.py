"""Calls, or ends of calls, that nobody of us heard of when they happened: the dialplan wrote them down, and a door reads it."""

import dataclasses
from datetime import datetime
from enum import StrEnum

from ivrengine.core.call import Caller, Outcome
from ivrengine.core.ids import BrandId, ChannelId

NO_BRAND = BrandId("-")
"""The brand of a call to a number that no route has; no brand of a routing file can be called so."""


class MissedKind(StrEnum):
    """What the dialplan says that the call was."""

    FALLBACK = "fallback"
    """In the fallback, answered by a person or not."""
    LOST = "lost"
    """It ended in the hands of an engine that was dead or hung, or on the way there."""
    SHED = "shed"
    """Refused, because there were too many."""
    UNANSWERED = "unanswered"
    """To an extension that is watched, where nobody picked up."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MissedCall:
    """What a door read of one such call; the only form that carries the number, as ``Arrival`` does, and like it shows none."""

    at: datetime
    """When the call ended, by the clock of its switch, in whole seconds."""
    kind: MissedKind
    channel_id: ChannelId
    did: str
    number: str | None = dataclasses.field(repr=False)
    arrived_at: datetime
    waited_s: int
    """In the fallback queue, until somebody picked up or the end."""
    queue_status: str | None
    """Asterisk's word for how the queue was left (``TIMEOUT``, ``JOINEMPTY``, …); None also for one who hung up in it."""
    member: str | None
    """Who of the fallback queue took the call."""
    cause: int
    """The Q.850 cause of the end; 0 if Asterisk knew none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallMissed:
    """The same as it is recorded: an event of a stream of its own, whose id is made from the fact itself.

    Told twice it is therefore stored once. ``channel_id`` leads to the call that the engine had, if it had it.
    """

    at: datetime
    kind: MissedKind
    channel_id: ChannelId
    did: str
    caller: Caller
    arrived_at: datetime
    waited_s: int
    queue_status: str | None
    member: str | None
    cause: int


def outcome(kind: MissedKind, member: str | None) -> Outcome:
    """Return how such a call ended, for one that the engine never had."""
    match kind:
        case MissedKind.FALLBACK if member is not None:
            return Outcome.FALLBACK
        case MissedKind.FALLBACK | MissedKind.UNANSWERED:
            return Outcome.MISSED
        case MissedKind.SHED:
            return Outcome.SHED
        case MissedKind.LOST:
            return Outcome.LOST
