"""Whatever callers do, and whatever goes wrong: the law holds after every step, and every call ends once, in bounded time."""

from pathlib import Path
from typing import Final

import pytest

from tests.engine.whatever import main, world

SEEDS: Final = 200


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_every_call_ends_once_and_leaves_nothing_behind(seed: int, tmp_path: Path) -> None:
    try:
        await world(seed, tmp_path / "j")
    except AssertionError as error:
        error.add_note(f"to repeat it: python -m tests.engine.whatever {seed}")
        raise


def test_a_seed_can_be_repeated_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["17"]) == 0
    assert "seed 17: held" in capsys.readouterr().err
