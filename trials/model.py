"""What a trial is: something is done to the engine on purpose, and what should happen is written down before."""

import dataclasses
from datetime import date
from typing import Final, Literal

Verdict = Literal["green", "red", "left out", "missing"]
TRIALS_FOLDER: Final = "tests/trials/"
"""Tests in here are run by ``make trials`` only: they take minutes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One of the numbered trials; its tests are pytest's node ids, without parameters."""

    number: int
    name: str
    done: str
    expected: str
    tests: tuple[str, ...] = ()
    """What proves it in every run of the suite."""
    long_tests: tuple[str, ...] = ()
    """What proves it at full size, run by ``make trials``."""
    missing: str = ""
    """What of it nothing proves yet, as a sentence."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of a trial when it was run last."""

    verdict: Verdict
    numbers: tuple[str, ...]
    """What was measured or counted, as the tests told it (``record_property("seen", …)``)."""
    duration_s: float
    on: date
    full_size: bool
    """Whether the long tests ran, too."""
