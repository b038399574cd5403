"""What can go wrong, done to an engine under real calls at every kind of place: a few here, a hundred in ``make trials``."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import databases, falls
from tests.faults.cable import Cable
from tests.live.access import access
from tests.whole.engine import Engine, open_folder, running

pytestmark = [pytest.mark.sipp, pytest.mark.postgres]
EACH = 1
SMALL = databases.Load(per_s=5, for_s=2)
HANGS_S = 7
"""Longer than the heartbeat may be old; `make trials` takes 10 s and 30 s."""


@pytest.fixture
def mortal() -> Iterator[Engine]:
    with running() as engine:
        yield engine


async def test_an_engine_that_hung_goes_on_and_new_callers_reached_the_fallback(
    mortal: Engine, tmp_path: Path, tell: falls.Tell
) -> None:
    await falls.engine_hangs(mortal, EACH, tmp_path, HANGS_S, tell)


async def test_a_killed_asterisk_closes_its_calls_and_serves_new_ones(
    mortal: Engine, tmp_path: Path, tell: falls.Tell
) -> None:
    await falls.asterisk_killed(mortal, EACH, tmp_path, tell)


async def test_a_half_open_link_is_noticed_and_when_it_is_back_callers_go_on(
    tmp_path: Path, tell: falls.Tell
) -> None:
    with open_folder() as folder:
        async with Cable.between(access().ari) as cable, contextlib.AsyncExitStack() as stack:
            engine = Engine(folder, asterisk__0__url=cable.url)
            engine.start()
            stack.push_async_callback(asyncio.to_thread, engine.close)
            await engine.ready()
            await falls.link_lost(engine, cable, EACH, tmp_path, tell, half_open=True)


async def test_a_database_and_its_engine_killed_lose_no_event(
    tmp_path: Path, tell: falls.Tell
) -> None:
    async with (
        databases.Server.running() as server,
        databases.serving(server) as engine,
    ):
        await databases.killed_with_the_engine(server, engine, SMALL, tmp_path, tell)


async def test_a_slow_database_is_missed_by_no_caller(tmp_path: Path, tell: falls.Tell) -> None:
    async with (
        databases.Server.running() as server,
        databases.serving(server) as engine,
    ):
        await databases.slow(server, engine, SMALL, tmp_path, tell)
