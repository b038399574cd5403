"""Runs the tests of a trial with pytest, in a process of their own, and reads what they found."""

import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from trials.model import Seen, Trial, Verdict

CHECKOUT: Final = Path(__file__).resolve().parents[1]
FAILED: Final = frozenset({"failure", "error"})


def run(trial: Trial, *, quick: bool) -> Seen:
    """Run the trial's tests, without the long ones if ``quick``, and return what they saw."""
    names = trial.tests if quick else trial.tests + trial.long_tests
    began = time.monotonic()
    verdict: Verdict = "missing"
    numbers: tuple[str, ...] = ()
    if names:
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            _pytest(names, report)
            verdict, numbers = read(report.read_text(encoding="utf-8"))
    return Seen(
        verdict=verdict,
        numbers=numbers,
        duration_s=round(time.monotonic() - began, 1),
        on=datetime.now(UTC).date(),
        full_size=not quick,
    )


def _pytest(names: tuple[str, ...], report: Path) -> None:
    # The older kind of report: the newer one has no place for what a test tells.
    kept = (f"--junitxml={report}", "-o", "junit_family=xunit1")
    words = ("-m", "pytest", "--trials", "-q", "-p", "no:cacheprovider", *kept)
    subprocess.run([sys.executable, *words, *names], cwd=CHECKOUT, check=False)  # noqa: S603 (our own tests)


def read(report: str) -> tuple[Verdict, tuple[str, ...]]:
    """Return the verdict of a report of pytest's, and what the tests told; one that is skipped proves nothing."""
    cases = list(ET.fromstring(report).iter("testcase"))  # noqa: S314 (pytest wrote it)
    outcomes = Counter(_outcome(case) for case in cases)
    told = [
        entry.attrib["value"]
        for case in cases
        for entry in case.iter("property")
        if entry.attrib["name"] == "seen"
    ]
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    numbers = (*told, f"tests: {counted or 'none'}")
    if outcomes["failed"] or not cases:
        return "red", numbers
    return ("left out" if outcomes["left out"] else "green"), numbers


def _outcome(case: ET.Element) -> str:
    kinds = {child.tag for child in case}
    if kinds & FAILED:
        return "failed"
    return "left out" if "skipped" in kinds else "passed"
