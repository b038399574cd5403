"""A limit of a wait: reached, not reached, and both in the same instant as a cancellation from outside."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.engine.patience import at_most

INSTANTS = st.sampled_from([0.5, 1.0, 1.5])


async def test_work_that_ends_in_time_is_done_and_leaves_nothing_behind() -> None:
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.9)
        done.set()

    await at_most(1.0, work())
    assert done.is_set()
    await asyncio.sleep(1)  # past the limit: nobody is cancelled late


async def test_work_that_takes_too_long_is_cancelled_and_the_task_goes_on() -> None:
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(TimeoutError):
        await at_most(1.0, work())
    assert cancelled.is_set()
    await asyncio.sleep(1)


async def test_what_the_work_raises_comes_through() -> None:
    async def work() -> None:
        raise ValueError("a fault of its own")

    with pytest.raises(ValueError, match="of its own"):
        await at_most(1.0, work())


@given(takes_s=INSTANTS, limit_s=INSTANTS, cancelled_s=INSTANTS)
async def test_a_task_that_was_cancelled_from_outside_is_always_cancelled(
    takes_s: float, limit_s: float, cancelled_s: float
) -> None:
    ended: list[str] = []

    async def alone() -> None:
        try:
            await at_most(limit_s, asyncio.sleep(takes_s))
            ended.append("done")
        except TimeoutError:
            ended.append("over")
        await asyncio.sleep(10)

    task = asyncio.ensure_future(alone())
    await asyncio.sleep(cancelled_s)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert "done" not in ended or takes_s <= min(limit_s, cancelled_s)
    assert "over" not in ended or limit_s <= min(takes_s, cancelled_s)
