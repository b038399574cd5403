"""The link to a real Asterisk's AMI: what the fake one cannot prove, because we wrote it."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from ivrengine.asterisk.beside import Beside
from ivrengine.asterisk.meter import Unmetered
from ivrengine.asterisk.node import AmiAccess, Node
from ivrengine.asterisk.switch import AriSwitch
from ivrengine.core.switching import (
    FallbackSeen,
    PhoneSeen,
    PhoneState,
    SightLost,
    SwitchEnding,
    TrunkSeen,
)
from tests.contract.recorded import Recorded
from tests.live.access import CHROOT, access
from tests.live.people import agent, caller
from tests.sip.phone import Answers

pytestmark = pytest.mark.asterisk

TRUNKS: Final = frozenset({"trunk-in", "trunk-in-info", "trunk-out"})
PHONE: Final = "PJSIP/agent-104"


@contextlib.asynccontextmanager
async def beside(recorded: Recorded, **other: Any) -> AsyncIterator[Beside]:
    """Run what goes on beside the calls of the Asterisk under test."""
    there = access()
    host, port = there.ami
    known: dict[str, Any] = {"host": host, "port": port, "username": "ivrengine"}
    known["secret"] = there.ami_password
    node = Node(
        name="ast1",
        url=there.ari_url,
        username=there.ari_user,
        password=there.ari_password,
        ami=AmiAccess(**(known | other)),
        trunks=TRUNKS,
    )
    around: dict[str, Any] = {
        "listener": recorded.listener,
        "now": lambda: datetime.now(UTC),
        "meter": Unmetered(),
    }
    switch = AriSwitch(node, **around)
    side = Beside(node, switch, **around)
    running = asyncio.ensure_future(side.run())
    try:
        yield side
    finally:
        running.cancel()
        await asyncio.wait([running])
        await switch._link._wire.close()


async def seen(recorded: Recorded, state: PhoneState, after: int = 0) -> None:
    await recorded.event(
        PhoneSeen,
        lambda event: (
            event.endpoint == PHONE
            and event.state is state
            and recorded.events.index(event) >= after
        ),
        within_s=10,
    )


async def test_a_phone_is_seen_coming_ringing_talking_and_going() -> None:
    recorded = Recorded()
    async with beside(recorded):
        await seen(recorded, PhoneState.UNREACHABLE)
        begun = len(recorded.events)
        async with agent("agent-104", Answers(after_s=0.3)) as phone:
            await seen(recorded, PhoneState.FREE)
            async with caller() as call:
                await call.answered()
                there = await phone.rung(within_s=30)
                await there.answered()
                await seen(recorded, PhoneState.IN_USE)
                await recorded.event(FallbackSeen, lambda event: event.waiting == 1)
        await seen(recorded, PhoneState.UNREACHABLE, after=begun)
    named = {event.endpoint for event in recorded.events if isinstance(event, PhoneSeen)}
    assert not any("trunk" in endpoint for endpoint in named)


async def test_the_trunk_on_which_we_dial_is_judged_and_those_that_only_call_us_are_not() -> None:
    recorded = Recorded()
    async with beside(recorded):
        trunk = await recorded.event(TrunkSeen)
        assert (trunk.trunk, trunk.up) == ("trunk-out", True)
        await recorded.event(PhoneSeen, lambda event: event.endpoint == "PJSIP/agent-110")
        assert {e.trunk for e in recorded.events if isinstance(e, TrunkSeen)} == {"trunk-out"}


async def test_a_wrong_secret_is_one_clear_line() -> None:
    recorded = Recorded()
    async with beside(recorded, secret="wrong") as side:
        assert side.ami is not None
        async with asyncio.timeout(5):
            while side.ami.trouble is None:
                await asyncio.sleep(0.01)
        assert (
            "refuses the user 'ivrengine', the password, or where we come from" in side.ami.trouble
        )
    assert recorded.events == []


async def test_an_asterisk_that_restarts_is_seen_going_and_coming_back() -> None:
    recorded = Recorded()
    async with beside(recorded) as side:
        await seen(recorded, PhoneState.UNREACHABLE)
        said = [str(CHROOT), "console", "core restart now"]
        await asyncio.to_thread(subprocess.run, said, check=False, capture_output=True)
        ending = await recorded.event(SwitchEnding, within_s=30)
        assert ending.again
        await recorded.event(SightLost, within_s=10)
        begun = len(recorded.events)
        await recorded.event(
            PhoneSeen, lambda event: recorded.events.index(event) >= begun, within_s=30
        )
        assert side.ami is not None
        assert side.ami.up
