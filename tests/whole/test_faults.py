"""What can go wrong, done to an engine under real calls at every kind of place: a few here, a hundred in ``make trials``."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import falls
from tests.whole.engine import Engine, running

pytestmark = [pytest.mark.sipp, pytest.mark.postgres]
EACH = 1


@pytest.fixture
def mortal() -> Iterator[Engine]:
    with running() as engine:
        yield engine


async def test_a_killed_asterisk_closes_its_calls_and_serves_new_ones(
    mortal: Engine, tmp_path: Path, tell: falls.Tell
) -> None:
    await falls.asterisk_killed(mortal, EACH, tmp_path, tell)
