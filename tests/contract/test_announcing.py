"""What the engine tells a switch's dialplan each second."""

from datetime import timedelta

from ivrengine.core.switching import Announcement, Arrival
from tests.contract.world import OpenWorld

FRESH_S = 5


async def test_the_dialplan_knows_what_was_announced_last(open_world: OpenWorld) -> None:
    async with open_world() as world:
        at = (await world.switch.snapshot()).at
        first = Announcement(at=at, engine="e0a1", calls_max=0, calls_per_s_max=0)
        await world.switch.announce(first)
        said_at, *said = await world.announced()
        assert said == [0, 0, "e0a1"]
        assert abs(said_at - at.timestamp()) < FRESH_S, "by the switch's own clock"
        later = at + timedelta(seconds=1)
        second = Announcement(at=later, engine="e0b2", calls_max=300, calls_per_s_max=25)
        await world.switch.announce(second)
        _, *said = await world.announced()
        assert said == [300, 25, "e0b2"]


async def test_an_engine_that_lives_is_given_calls(open_world: OpenWorld) -> None:
    async with open_world() as world:
        at = (await world.switch.snapshot()).at
        await world.switch.announce(
            Announcement(at=at, engine="e0a1", calls_max=10, calls_per_s_max=10)
        )
        await world.call()
        await world.event(Arrival)
