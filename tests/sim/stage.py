"""A simulated switch for one test, with what it told."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, TypeVar

from ivrengine.core import switching
from ivrengine.core.ids import ChannelId
from ivrengine.core.switching import SwitchEvent
from ivrengine.engine.clock import EngineClock
from ivrengine.sim.caller import Caller
from ivrengine.sim.phones import Phone
from ivrengine.sim.script import SILENT, Script
from ivrengine.sim.switch import NO_DELAYS, Delays, SimSwitch

STARTED_AT: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DID: Final = "+902124440101"
NUMBER: Final = "+905321234567"
WELCOME: Final = "sound:guneskent/tr/welcome"
MENU: Final = "sound:guneskent/tr/menu"
DURATIONS_S: Final = {WELCOME: 2.0, MENU: 6.0}

E = TypeVar("E", bound=SwitchEvent)


class Stage:
    """The switch, connected, and everything that it told; without delays unless the test wants them."""

    def __init__(
        self, *, seed: int = 0, phones: Iterable[Phone] = (), delays: Delays = NO_DELAYS
    ) -> None:
        self.told: list[SwitchEvent] = []
        self.clock = EngineClock(STARTED_AT, asyncio.get_running_loop().time)
        self.switch = SimSwitch(
            listener=self.told.append,
            now=self.clock.now,
            duration_s=DURATIONS_S.get,
            seed=seed,
            phones=phones,
            delays=delays,
        )
        self.switch.start()

    async def caller(self, script: Script = SILENT) -> tuple[Caller, ChannelId]:
        """Let somebody call and be answered."""
        caller = self.switch.call(DID, number=NUMBER, script=script)
        await asyncio.sleep(0)
        assert caller.channel is not None
        await self.switch.answer(caller.channel.channel_id)
        return caller, caller.channel.channel_id

    def all(self, kind: type[E]) -> list[E]:
        """Return what was told of that kind."""
        return [event for event in self.told if isinstance(event, kind)]

    def after_s(self, event: SwitchEvent) -> float:
        """Return the second at which the event was told."""
        return (event.at - STARTED_AT).total_seconds()

    def kinds(self) -> list[str]:
        """Return the names of the events told since the link came up."""
        return [type(event).__name__ for event in self.told if type(event) is not switching.LinkUp]


async def settle() -> None:
    """Let everything happen that happens at this instant."""
    await asyncio.sleep(0.001)
