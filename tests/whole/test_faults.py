"""What can go wrong, done to an engine under real calls at every kind of place: a few here, a hundred in ``make trials``."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import falls
from tests.faults.cable import Cable
from tests.live.access import access
from tests.whole.engine import Engine, open_folder, running

pytestmark = [pytest.mark.sipp, pytest.mark.postgres]
EACH = 1


@pytest.fixture
def tell(record_property: Any) -> falls.Tell:
    return lambda sentence: record_property("seen", sentence)


@pytest.fixture
def mortal() -> Iterator[Engine]:
    with running() as engine:
        yield engine


async def test_a_killed_engine_takes_its_callers_up_again(
    mortal: Engine, tmp_path: Path, tell: falls.Tell
) -> None:
    await falls.engine_killed(mortal, EACH, tmp_path, tell)


async def test_an_engine_that_hung_goes_on_and_new_callers_reached_the_fallback(
    mortal: Engine, tmp_path: Path, tell: falls.Tell
) -> None:
    await falls.engine_hangs(mortal, EACH, tmp_path, 10, tell)


async def test_a_killed_asterisk_closes_its_calls_and_serves_new_ones(
    mortal: Engine, tmp_path: Path, tell: falls.Tell
) -> None:
    await falls.asterisk_killed(mortal, EACH, tmp_path, tell)


@pytest.mark.parametrize("half_open", [False, True], ids=["cut", "half-open"])
async def test_when_the_link_is_back_callers_go_on(
    half_open: bool, tmp_path: Path, tell: falls.Tell
) -> None:
    with open_folder() as folder:
        async with Cable.between(access().ari) as cable, contextlib.AsyncExitStack() as stack:
            engine = Engine(folder, asterisk__0__url=cable.url)
            engine.start()
            stack.push_async_callback(asyncio.to_thread, engine.close)
            await engine.ready()
            await falls.link_lost(engine, cable, EACH, tmp_path, tell, half_open=half_open)
