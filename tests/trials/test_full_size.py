"""The trials at full size: a hundred real calls, a minute without a database. ``make trials`` runs them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from bench import goodput
from tests.faults import databases, falls
from tests.faults.cable import Cable
from tests.faults.falls import Tell
from tests.live.access import access
from tests.whole.engine import Engine, open_folder

pytestmark = [
    pytest.mark.trial,
    pytest.mark.sipp,
    pytest.mark.postgres,
    pytest.mark.timeout(600),
]
EACH: Final = 14
"""At each of seven places, with those who listen: a hundred calls and a few."""
SERVED: Final = 0.8
"""Of what is held, when half again as much comes."""
MINUTE: Final = databases.Load(per_s=50, for_s=60)


async def test_the_engine_killed_under_a_hundred_calls(
    mortal: Engine, tmp_path: Path, tell: Tell
) -> None:
    await falls.engine_killed(mortal, EACH, tmp_path, tell)


@pytest.mark.parametrize("for_s", [10, 30])
async def test_the_engine_stopped_under_a_hundred_calls(
    for_s: int, mortal: Engine, tmp_path: Path, tell: Tell
) -> None:
    await falls.engine_hangs(mortal, EACH, tmp_path, for_s, tell)


async def test_asterisk_killed_under_a_hundred_calls(
    mortal: Engine, tmp_path: Path, tell: Tell
) -> None:
    await falls.asterisk_killed(mortal, EACH, tmp_path, tell)


@contextlib.asynccontextmanager
async def _behind_a_cable() -> AsyncIterator[tuple[Engine, Cable]]:
    with open_folder() as folder:
        async with Cable.between(access().ari) as cable:
            engine = Engine(folder, asterisk__0__url=cable.url)
            engine.start()
            try:
                await engine.ready()
                yield engine, cable
            finally:
                await asyncio.to_thread(engine.close)


async def test_the_cable_cut_under_a_hundred_calls(tmp_path: Path, tell: Tell) -> None:
    async with _behind_a_cable() as (engine, cable):
        await falls.link_lost(engine, cable, EACH, tmp_path, tell)


async def test_the_cable_half_open_under_a_hundred_calls(tmp_path: Path, tell: Tell) -> None:
    async with _behind_a_cable() as (engine, cable):
        await falls.link_lost(engine, cable, EACH, tmp_path, tell, half_open=True)


async def test_postgres_away_for_a_minute_at_fifty_calls_a_second(
    tmp_path: Path, tell: Tell
) -> None:
    async with (
        databases.Server.running() as server,
        databases.serving(server) as engine,
    ):
        await databases.killed(server, engine, MINUTE, tmp_path, tell)


async def test_postgres_and_the_engine_killed_at_fifty_calls_a_second(
    tmp_path: Path, tell: Tell
) -> None:
    load = databases.Load(per_s=50, for_s=10)
    async with (
        databases.Server.running() as server,
        databases.serving(server) as engine,
    ):
        await databases.killed_with_the_engine(server, engine, load, tmp_path, tell)


async def test_postgres_slow_at_fifty_calls_a_second(tmp_path: Path, tell: Tell) -> None:
    load = databases.Load(per_s=50, for_s=20)
    async with (
        databases.Server.running() as server,
        databases.serving(server) as engine,
    ):
        await databases.slow(server, engine, load, tmp_path, tell)


async def test_half_again_as_many_calls_as_are_held_for_a_minute(tell: Tell) -> None:
    found = await asyncio.to_thread(goodput.measure)
    tell(
        f"{found['knee_per_s']:.0f} calls/s are held; of {found['offered_per_s']:.0f} offered {found['served_per_s']:.0f} were "
        f"served and {found['refused_per_s']:.0f} refused; {found['calm_after_s']:.1f} s later Asterisk was empty"
    )
    assert found["share"] >= SERVED
