"""Simulated phones: each rings, and somebody (or nobody) picks up."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, assert_never

from ivrengine.core.ids import ChannelId
from ivrengine.sim.channel import Channel, Place
from ivrengine.sim.party import Receiver

if TYPE_CHECKING:
    from ivrengine.sim.exchange import Exchange

BUSY: Final = 17
REFUSED: Final = 21
"""Q.850 causes of SIP 486 and 603."""
NETWORK_S: Final = 0.02
"""How long an INVITE takes to the phone, and its answer back."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Rings, is picked up after ``after_s``, and hangs up ``talks_s`` later (None: leaves that to the others)."""

    after_s: float = 2.0
    talks_s: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """Somebody is talking on it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Declines:
    """Rings, and is turned away."""

    after_s: float = 2.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rings:
    """Rings until the caller's side gives up, or until somebody picks up by hand."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Is registered, but answers no packet."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """Is not registered: there is nothing to ring."""


Behaviour = Answers | Busy | Declines | Rings | Silent | Unreachable


class Phone:
    """A phone; with all its lines in use it is busy, whatever its behaviour."""

    def __init__(
        self, endpoint: str, behaviour: Behaviour | Callable[[], Behaviour], *, lines: int = 1
    ) -> None:
        self.endpoint = endpoint
        self.behaviour = behaviour
        self.lines = lines
        self.calls: list[PhoneCall] = []
        """The calls that ring or are talked on now."""
        self.last: PhoneCall | None = None
        """The latest call, over or not."""
        self.on_ring: Callable[[PhoneCall], None] | None = None
        """Called when it begins to ring, for whoever plays the phone by hand."""
        self._dialled = asyncio.Event()

    @property
    def reachable(self) -> bool:
        """Tell whether there is anything to ring."""
        return not isinstance(self.behaviour, Unreachable)

    async def rung(self) -> "PhoneCall":
        """Wait until it rings, or has rung, and return that call."""
        await self._dialled.wait()
        assert self.last is not None
        await self.last.rung()
        return self.last

    def ring(self, exchange: "Exchange", channel_id: ChannelId, shown: str | None) -> Channel:
        """Return the channel of the attempt to reach this phone."""
        call = PhoneCall(exchange, self, channel_id, shown)
        behaviour = self.behaviour() if callable(self.behaviour) else self.behaviour
        if len(self.calls) >= self.lines:
            behaviour = Busy()
        self.calls.append(call)
        self.last = call
        self._dialled.set()
        asyncio.get_running_loop().call_later(NETWORK_S, call.follow, behaviour)
        return call.leg


def _number(caller_id: str | None) -> str | None:
    """Return the number of a caller id as ARI takes it: ``"name" <number>``, or the number alone."""
    if caller_id is None or not caller_id.endswith(">"):
        return caller_id
    return caller_id.rpartition("<")[2].removesuffix(">")


class PhoneCall(Receiver):
    """One call to a phone."""

    __slots__ = ("_timer", "leg", "phone", "ringing", "shown")

    def __init__(
        self, exchange: "Exchange", phone: Phone, channel_id: ChannelId, shown: str | None
    ) -> None:
        super().__init__(exchange)
        self.phone = phone
        self.shown = _number(shown)
        """The number on its display; None if it is withheld."""
        self.ringing = False
        self.leg = Channel(channel_id, self, Place.RINGING)
        self.channel = self.leg
        self._timer: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        """Say who it is to those they talk with."""
        return self.phone.endpoint

    def follow(self, behaviour: Behaviour) -> None:
        """Do what the phone does when it is rung."""
        match behaviour:
            case Answers():
                self._ring()
                self._after(behaviour.after_s, lambda: self.pick_up(behaviour.talks_s))
            case Declines():
                self._ring()
                self._after(behaviour.after_s, self.decline)
            case Rings():
                self._ring()
            case Busy():
                self.exchange.end(self.leg, BUSY)
            case Silent() | Unreachable():
                return
            case never:
                assert_never(never)

    async def rung(self) -> None:
        """Wait until the phone rings, or the call is over."""
        await self._until(lambda: self.ringing or self.cause is not None)

    def pick_up(self, talks_s: float | None = None) -> None:
        """Answer, and hang up ``talks_s`` later."""
        self.exchange.leg_answered(self.leg)
        if self.leg.place is Place.OURS:
            self.picked_up()
            if talks_s is not None:
                self._after(talks_s, self.hang_up)

    def decline(self) -> None:
        """Turn the call away."""
        self.exchange.end(self.leg, REFUSED)

    def turn_busy(self) -> None:
        """Send it away as busy."""
        self.exchange.end(self.leg, BUSY)

    def ended(self, cause: int) -> None:
        """Put the receiver back."""
        if self._timer is not None:
            self._timer.cancel()
        self.phone.calls.remove(self)
        super().ended(cause)

    def _ring(self) -> None:
        if self.leg.place is not Place.RINGING:
            return
        self.ringing = True
        self.exchange.rings(self.leg)
        self._wake()
        if self.phone.on_ring is not None:
            self.phone.on_ring(self)

    def _after(self, delay_s: float, act: Callable[[], None]) -> None:
        if self.cause is None:
            self._timer = asyncio.get_running_loop().call_later(delay_s, act)
