"""What can go wrong, done to an engine under real calls at every kind of place: a few here, a hundred in ``make trials``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import databases, falls
from tests.whole.engine import Engine, running

pytestmark = [pytest.mark.sipp, pytest.mark.postgres]
EACH = 1
SMALL = databases.Load(per_s=5, for_s=2)


@pytest.fixture
def mortal() -> Iterator[Engine]:
    with running() as engine:
        yield engine


async def test_a_killed_asterisk_closes_its_calls_and_serves_new_ones(
    mortal: Engine, tmp_path: Path, tell: falls.Tell
) -> None:
    await falls.asterisk_killed(mortal, EACH, tmp_path, tell)


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
