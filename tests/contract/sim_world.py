"""The simulator as a world of the contract suite."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

from ivrengine.core.ids import BridgeId, ChannelId, on_node
from ivrengine.core.switching import SwitchEvent
from ivrengine.engine.clock import EngineClock
from ivrengine.numbers import normal
from ivrengine.sim import caller, phones
from ivrengine.sim.hearing import TALK
from ivrengine.sim.party import Receiver
from ivrengine.sim.switch import SimSwitch
from tests.contract import world
from tests.contract.recorded import Recorded

E = TypeVar("E", bound=SwitchEvent)

COUNTRY: Final = "TR"
STARTED_AT: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DURATIONS_S: Final = {"sound:test/short": world.SHORT_S, "sound:test/long": world.LONG_S}
BEHAVIOURS: Final[dict[world.Behaviour, phones.Behaviour]] = {
    world.Behaviour.ANSWERS: phones.Answers(after_s=0.3),
    world.Behaviour.RINGS: phones.Rings(),
    world.Behaviour.BUSY: phones.Busy(),
    world.Behaviour.DECLINES: phones.Declines(after_s=0.3),
    world.Behaviour.SILENT: phones.Silent(),
}


class SimParty:
    """One end of a line; ``receiver`` finds who is there at present (a phone is rung anew by each call)."""

    def __init__(self, receiver: Callable[[], Receiver | None]) -> None:
        self.receiver = receiver

    @property
    def line(self) -> Receiver:
        receiver = self.receiver()
        assert receiver is not None, "nobody has rung this phone"
        return receiver

    async def press(self, digits: str, *, gap_s: float = 0.1) -> None:
        for index, digit in enumerate(digits):
            if index:
                await asyncio.sleep(gap_s)
            self.line.press(digit)

    async def say(self, for_s: float) -> None:
        self.line.say(for_s)
        await asyncio.sleep(for_s)

    async def hang_up(self) -> None:
        self.line.hang_up()

    async def hung_up(self, within_s: float = 15.0) -> None:
        async with asyncio.timeout(within_s):
            await self.line.gone()

    async def hears(self, other: world.Party | None = None, within_s: float = 1.5) -> bool:
        if other is None:
            return self.line.ear.hears_sound()
        assert isinstance(other, SimParty)
        mine, theirs = self.line.channel, other.line.channel
        assert mine is not None
        assert theirs is not None
        together = mine.bridge is not None and mine.bridge is theirs.bridge
        return together and self.line.ear.hears_sound(TALK)


class SimCaller(SimParty):
    """A simulated caller."""

    async def answered(self, within_s: float = 15.0) -> None:
        async with asyncio.timeout(within_s):
            await self.line.answered()
        if not self.line.up:
            raise TimeoutError


class SimPhone(SimParty):
    """A simulated phone."""

    def __init__(self, phone: phones.Phone) -> None:
        super().__init__(lambda: phone.last)
        self._phone = phone

    @property
    def endpoint(self) -> str:
        return self._phone.endpoint

    @property
    def shown(self) -> str | None:
        return self._phone.last.shown if self._phone.last else None

    async def rung(self, within_s: float = 15.0) -> None:
        async with asyncio.timeout(within_s):
            await self._phone.rung()

    async def pick_up(self) -> None:
        assert self._phone.last is not None
        self._phone.last.pick_up()


class SimWorld:
    """The simulator, with people."""

    def __init__(self, seed: int) -> None:
        self._recorded = Recorded()
        clock = EngineClock(STARTED_AT, asyncio.get_running_loop().time)
        self.sim = SimSwitch(
            listener=self._recorded.listener,
            now=clock.now,
            duration_s=DURATIONS_S.get,
            seed=seed,
            phones=[phones.Phone(self.unreachable_endpoint, phones.Unreachable())],
        )
        self.sim.start()

    @property
    def switch(self) -> SimSwitch:
        return self.sim

    @property
    def events(self) -> list[SwitchEvent]:
        return self._recorded.events

    async def event(
        self,
        kind: type[E],
        predicate: Callable[[E], bool] = lambda _event: True,
        within_s: float = 15.0,
    ) -> E:
        return await self._recorded.event(kind, predicate, within_s)

    async def call(
        self,
        did: str = world.DID,
        *,
        number: str | None = "+905321234567",
        withheld: bool = False,
    ) -> SimCaller:
        known = None if withheld or number is None else normal.e164(number, COUNTRY)
        called: caller.Caller = self.sim.call(normal.did(did, COUNTRY), number=known)
        return SimCaller(lambda: called)

    async def phone(self, name: str, behaviour: world.Behaviour) -> SimPhone:
        phone = phones.Phone(f"PJSIP/{name}", BEHAVIOURS[behaviour])
        assert phone.endpoint not in self.sim.phones, f"{name} is up already"
        self.sim.phones[phone.endpoint] = phone
        return SimPhone(phone)

    @property
    def unreachable_endpoint(self) -> str:
        return "PJSIP/agent-110"

    @property
    def unknown_endpoint(self) -> str:
        return "PJSIP/nobody"

    async def announced(self) -> tuple[int, int, int, str]:
        said = self.sim.exchange.announcement
        assert said is not None
        return int(said.at.timestamp()), said.calls_max, said.calls_per_s_max, said.engine

    @contextlib.asynccontextmanager
    async def another_application(self) -> AsyncIterator[tuple[ChannelId, BridgeId]]:
        exchange = self.sim.exchange
        exchange.app_there = False  # ours: this caller is somebody else's
        stranger = self.sim.call(world.DID)
        exchange.app_there = True
        assert stranger.channel is not None
        bridge = BridgeId(on_node(self.sim.node, "theirs"))
        exchange.create_bridge(bridge)
        yield stranger.channel.channel_id, bridge
        exchange.destroy_bridge(bridge)

    def media(self, name: str) -> str:
        return f"sound:test/{name}"


@contextlib.asynccontextmanager
async def open_world(seed: int = 0) -> AsyncIterator[world.World]:
    """Give a simulated world; the seed decides the order of what Asterisk leaves without one."""
    yield SimWorld(seed)
