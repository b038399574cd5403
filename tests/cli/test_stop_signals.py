"""What each signal means to an engine, and what it means when it comes again."""

import asyncio
import os
import signal

import pytest

from ivrengine.cli.stopping import obey_signals
from ivrengine.engine.stopping import Stopping, Then

pytestmark = pytest.mark.real_time


async def sent(number: signal.Signals, wanted: asyncio.Event) -> None:
    os.kill(os.getpid(), number)
    async with asyncio.timeout(3):
        await wanted.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_first_asks_and_the_second_hurries(number: signal.Signals) -> None:
    stopping = Stopping()
    obey_signals(stopping)
    await sent(number, stopping.asked)
    assert not stopping.hurried.is_set()
    assert stopping.then is Then.FALLBACK
    await sent(number, stopping.hurried)
    assert stopping.then is Then.FALLBACK


async def test_sigusr1_leaves_all_calls_to_the_next_engine_at_once() -> None:
    stopping = Stopping()
    obey_signals(stopping)
    await sent(signal.SIGUSR1, stopping.hurried)
    assert stopping.asked.is_set()
    assert stopping.then is Then.HAND_OVER


async def test_who_has_begun_to_wait_for_calls_can_still_hand_them_over() -> None:
    stopping = Stopping()
    obey_signals(stopping)
    await sent(signal.SIGTERM, stopping.asked)
    await sent(signal.SIGUSR1, stopping.hurried)
    assert stopping.then is Then.HAND_OVER
