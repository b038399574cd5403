"""The lateness of the loop is noted, and forgotten in time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from ivrengine.engine.lag import LagProbe
from ivrengine.sim.clock import VirtualLoop


@contextlib.asynccontextmanager
async def probing(probe: LagProbe) -> AsyncIterator[None]:
    task = asyncio.ensure_future(probe.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()


def block(seconds: float) -> None:
    """Hold the loop up: let its time pass while nothing runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.jump(seconds)


async def test_a_loop_with_nothing_to_do_is_not_late() -> None:
    noted: list[float] = []
    probe = LagProbe(noted.append)
    assert probe.worst_s == probe.worst_lately_s == 0
    async with probing(probe):
        await asyncio.sleep(10.05)
    assert len(noted) == 100
    assert max(noted) == pytest.approx(0, abs=1e-6)


async def test_a_loop_that_was_held_up_says_so_for_a_second_and_to_graphs_for_a_minute() -> None:
    probe = LagProbe()
    async with probing(probe):
        await asyncio.sleep(0.05)
        block(3)
        await asyncio.sleep(0.1)
        assert probe.worst_s == pytest.approx(2.95, abs=0.11)
        await asyncio.sleep(2)
        assert probe.worst_s == pytest.approx(0, abs=1e-6)
        assert probe.worst_lately_s == pytest.approx(2.95, abs=0.11)
        await asyncio.sleep(60)
        assert probe.worst_lately_s == pytest.approx(0, abs=1e-6)
