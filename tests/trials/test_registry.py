"""The list of trials says the truth: its tests exist, run where it says, and the document is written from it."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from trials import report, running
from trials.__main__ import main
from trials.model import TRIALS_FOLDER, Seen, Trial
from trials.registry import TRIALS

CHECKOUT = Path(__file__).parents[2]
NUMBERS = {*range(1, 35), 42, 43}


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((CHECKOUT / path).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


@pytest.mark.parametrize("trial", TRIALS.values(), ids=lambda trial: str(trial.number))
def test_the_tests_of_a_trial_are_there(trial: Trial) -> None:
    for node_id in (*trial.tests, *trial.long_tests):
        path, name = node_id.split("::")
        assert (CHECKOUT / path).is_file(), path
        assert name in functions(path), node_id


def test_every_number_is_there_once() -> None:
    assert set(TRIALS) == NUMBERS


def test_what_takes_minutes_is_run_by_make_trials_only() -> None:
    for trial in TRIALS.values():
        assert not any(name.startswith(TRIALS_FOLDER) for name in trial.tests), trial.number
        assert all(name.startswith(TRIALS_FOLDER) for name in trial.long_tests), trial.number


@pytest.mark.parametrize("path", ["tests/trials/test_full_size.py", "tests/whole/test_faults.py"])
def test_what_was_written_to_be_a_trial_is_one(path: str) -> None:
    named = {name for t in TRIALS.values() for name in (*t.tests, *t.long_tests)}
    written = {f"{path}::{name}" for name in functions(path) if name.startswith("test_")}
    assert written <= named


def test_a_trial_without_tests_says_what_is_missing() -> None:
    silent = [t.number for t in TRIALS.values() if not (t.tests or t.long_tests or t.missing)]
    assert not silent


def test_the_document_is_written_from_the_list() -> None:
    written = report.DOCUMENT.read_text(encoding="utf-8")
    assert written == report.document(TRIALS, report.load()), "python -m trials --document"


def test_what_was_seen_is_kept_as_it_was(tmp_path: Path) -> None:
    seen = {7: _green()}
    report.keep(seen, tmp_path / "seen.json")
    assert report.load(tmp_path / "seen.json") == seen


def _green() -> Seen:
    _, numbers = running.read(_report("<testcase/>"))
    today = running.run(_nothing(), quick=True).on
    return Seen(verdict="green", numbers=numbers, duration_s=1.5, on=today, full_size=True)


def _nothing() -> Trial:
    return Trial(number=0, name="", done="", expected="")


def _report(*cases: str) -> str:
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"


@pytest.mark.parametrize(
    ("cases", "verdict", "numbers"),
    [
        (["<testcase/>", "<testcase/>"], "green", ("tests: 2 passed",)),
        (["<testcase/>", "<testcase><failure/></testcase>"], "red", ("tests: 1 failed, 1 passed",)),
        (["<testcase><error/></testcase>"], "red", ("tests: 1 failed",)),
        (["<testcase><skipped/></testcase>"], "left out", ("tests: 1 left out",)),
        ([], "red", ("tests: none",)),
        (
            ['<testcase><properties><property name="seen" value="1.2 s"/></properties></testcase>'],
            "green",
            ("1.2 s", "tests: 1 passed"),
        ),
    ],
)
def test_a_report_of_pytest_s_is_understood(
    cases: list[str], verdict: str, numbers: tuple[str, ...]
) -> None:
    assert running.read(_report(*cases)) == (verdict, numbers)


def test_a_trial_that_nothing_proves_is_missing() -> None:
    assert running.run(_nothing(), quick=False).verdict == "missing"


@pytest.mark.parametrize("word", ["99", "x", "--slow", "-1"])
def test_a_word_that_means_nothing_is_bad_usage(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word]) == 2
    assert f"there is no trial '{word}'" in re.sub(r"\s+", " ", capsys.readouterr().out)


def test_trials_are_listed_by_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["4", "--list"]) == 0
    assert capsys.readouterr().out == "  4 A half-open socket\n"
