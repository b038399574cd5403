"""What every trial has."""

from collections.abc import Callable, Iterator

import pytest

from tests.faults.falls import Tell
from tests.whole.engine import Engine, running


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Take what a trial saw, for its report."""
    return lambda sentence: record_property("seen", sentence)


@pytest.fixture
def mortal() -> Iterator[Engine]:
    with running() as engine:
        yield engine
