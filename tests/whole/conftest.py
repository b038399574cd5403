"""The engines that the tests of this folder share, each checked at its end: nothing left behind, and the books agree."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tests.faults.falls import Tell
from tests.whole import people, records
from tests.whole.engine import EXAMPLES, FLOWS, READY_WITHIN_S, Engine, running


@pytest.fixture(scope="module")
def house() -> Iterator[Engine]:
    """An engine that answers calls by the flow of this folder."""
    with running(flows=FLOWS) as engine:
        yield engine
        asyncio.run(_check(engine))


@pytest.fixture(scope="module")
def estate() -> Iterator[Engine]:
    """An engine that answers calls by the example flows."""
    with running(flows=EXAMPLES) as engine:
        yield engine
        asyncio.run(_check(engine))


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Take what a trial saw, for its report."""
    return lambda sentence: record_property("seen", sentence)


async def _check(engine: Engine) -> None:
    await people.nothing_left()
    await engine.said("shipping", within_s=READY_WITHIN_S)  # one quick test may be over before
    found = await records.shipped(engine.data, len(records.arrivals(engine.data)))
    assert not records.disagreements(engine.data, found)
    assert not engine.told_people(), "what a person reads is for what a person must do"
