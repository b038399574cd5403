"""The link to a real Asterisk: what the fake one cannot prove, because we wrote it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from ivrengine.asterisk import frames, translate
from ivrengine.asterisk.node import Node
from ivrengine.asterisk.switch import AriSwitch
from ivrengine.core.events import ChannelEnded
from ivrengine.core.ids import BridgeId
from ivrengine.core.switching import Arrival, DigitHeard, LinkDown, LinkUp
from tests.contract import asterisk_world
from tests.contract.asterisk_world import AsteriskWorld
from tests.contract.recorded import Recorded
from tests.contract.steps import talking
from tests.live.access import access

pytestmark = pytest.mark.asterisk


@contextlib.asynccontextmanager
async def switch_at(recorded: Recorded, **other: Any) -> AsyncIterator[AriSwitch]:
    """Run one more door at the same Asterisk."""
    known = {
        "name": "ast1",
        "url": access().ari_url,
        "username": access().ari_user,
        "password": access().ari_password,
    }
    switch = AriSwitch(
        Node(**(known | other)), listener=recorded.listener, now=lambda: datetime.now(UTC)
    )
    running = asyncio.ensure_future(switch.run())
    try:
        yield switch
    finally:
        running.cancel()
        await asyncio.wait([running])


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what no event tells."""
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def asked(path: str) -> Any:
    login = aiohttp.encode_basic_auth(access().ari_user, access().ari_password)
    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as http,
        http.get(f"{access().ari_url}{path}", timeout=aiohttp.ClientTimeout(total=2)) as response,
    ):
        return await response.json()


async def test_a_caller_outlives_a_broken_link() -> None:
    async with asterisk_world.open_world() as world:
        assert isinstance(world, AsteriskWorld)
        caller, channel = await talking(world)
        frames = world.switch._link._frames
        assert frames is not None
        await frames.close()
        down = await world.event(LinkDown)
        await world.event(LinkUp, lambda event: event.at > down.at)
        await caller.press("42")
        await world.event(DigitHeard, lambda event: event.digit == "2")
        assert sum(isinstance(event, Arrival) for event in world.events) == 1
        await caller.hang_up()
        await world.event(ChannelEnded, lambda event: event.channel_id == channel)


async def test_the_filter_lets_through_what_we_want_and_nothing_else() -> None:
    async with asterisk_world.open_world() as world:
        assert isinstance(world, AsteriskWorld)
        await until(lambda: world.switch.healthy)
        found = await asked("/applications/ivrengine")
        assert {each["type"] for each in found["events_allowed"]} == {
            *translate.WANTED,
            frames.ANSWER,
        }


async def test_two_engines_of_one_application_do_not_fight() -> None:
    async with asterisk_world.open_world() as world:
        assert isinstance(world, AsteriskWorld)
        # The filter is set by then: it must let the notice through.
        await until(lambda: world.switch.healthy)
        second = Recorded()
        async with switch_at(second) as other:
            await second.event(LinkUp)
            down = await world.event(LinkDown)
            assert "another connection took the application" in down.reason
            await world.call()
            arrival = await second.event(Arrival)
            await other.hang_up(arrival.channel_id)
            await second.event(ChannelEnded)
        assert not any(isinstance(event, Arrival) for event in world.events)
        assert sum(isinstance(event, LinkUp) for event in world.events) == 1


async def test_a_wrong_password_is_one_clear_line() -> None:
    recorded = Recorded()
    async with switch_at(recorded, password="wrong") as switch:
        await until(lambda: switch.trouble is not None)
        assert "refuses the user 'ivrengine' or the password" in (switch.trouble or "")
    assert recorded.events == []


async def test_sockets_that_close_under_calls_leave_ari_answering() -> None:
    for _ in range(10):
        async with asterisk_world.open_world() as world:
            caller, _ = await talking(world)
            await caller.hang_up()
        assert isinstance(await asked("/applications"), list)


async def test_a_bridge_stays_until_it_is_destroyed() -> None:
    async with asterisk_world.open_world() as world:
        assert isinstance(world, AsteriskWorld)
        caller, channel = await talking(world)
        bridge = BridgeId(f"{world.switch.node}:ivr-forgotten")
        await world.switch.create_bridge(bridge)
        await world.switch.add_to_bridge(bridge, [channel])
        await caller.hang_up()
        await world.event(ChannelEnded)
        assert "ivr-forgotten" in [each["id"] for each in await asked("/bridges")]
        await world.switch.destroy_bridge(bridge)
        assert "ivr-forgotten" not in [each["id"] for each in await asked("/bridges")]
