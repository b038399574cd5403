"""Everything that is wrong in a file of scripted calls, told at its place."""

import textwrap
from pathlib import Path

import pytest

from tests.flow.folder import write
from tests.testing.hall import FLOWS, run


def complaints(folder: Path, script: str) -> list[str]:
    write(folder, FLOWS | {"tests/s.yaml": textwrap.dedent(script)})
    code, printed, told = run(folder)
    assert (code, printed) == (2, "")
    return [line.replace(f"{folder}/tests/s.yaml:", "") for line in told.splitlines()[:-1]]


def test_all_problems_are_told_at_once_each_at_its_place(tmp_path: Path) -> None:
    script = """
    flow: main
    given: {clock: tomorrow at ten}
    calls:
      - name: first
        given:
          caller: twelve
          language: de
          variables: {trys: 1, tries: many, vip: perhaps}
          phones: {receptoin: is busy, sales: sleeps}
        dialogue:
          - hears: welcom
          - sales answers
          - salse answers
        expect:
          nodes: [hello, aks]
          language: de
          variables: {nothing: 1}
      - name: first
        dialogue: [hangs_up]
    """
    assert complaints(tmp_path, script) == [
        "3:16: error wrong-value: expected a date, a time and a time zone such as 2026-11-23 10:30 Europe/Istanbul, "
        "found `tomorrow at ten`",
        "7:15: error wrong-value: expected a phone number such as +90 532 123 45 67, or withheld, found `twelve`",
        "8:17: error unknown-language: the flow `main` speaks tr, en, not `de`",
        "9:25: error unknown-variable: the flow `main` has no variable `trys`; did you mean `tries`?",
        "9:35: error wrong-value: expected a whole number, found `many`",
        "9:46: error wrong-value: expected yes or no, found `perhaps`",
        "10:27: error unknown-phone: brand `acme` has no phone `receptoin`; did you mean `reception`?",
        "10:43: error wrong-value: expected answers after 3s, is busy, declines, does not answer, or is unreachable, "
        "found `sleeps`",
        "12:16: error unknown-prompt: brand `acme` has no prompt `welcom`; did you mean `welcome`?",
        "14:9: error unknown-phone: brand `acme` has no phone `salse`; did you mean `sales`?",
        "16:22: error unknown-node: the flow `main` has no node `aks`; did you mean `ask`?",
        "17:17: error unknown-language: the flow `main` speaks tr, en, not `de`",
        "18:28: error unknown-variable: the flow `main` has no variable `nothing`",
        "19:11: error twice: a call is named so already, in line 5",
    ]


A_STEP = "expected a step such as `hears: welcome`, `presses: 1`, `waits: 10s`, says_nothing, hangs_up, or `reception answers`"


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ("heers: welcome", "5:9: error unknown-key: unknown key `heers`; did you mean `hears`?"),
        ("{hears: welcome, presses: 1}", f"5:9: error wrong-value: {A_STEP}, found a mapping"),
        ("{deed: hangs_up}", f"5:9: error wrong-value: {A_STEP}, found a mapping"),
        (
            "says nothing",
            "5:9: error wrong-value: expected says_nothing, in one word, found `says nothing`",
        ),
        ("hangup", "5:9: error wrong-value: expected hangs_up, in one word, found `hangup`"),
        (
            "says_nothing: 5s",
            "5:9: error wrong-value: expected the step says_nothing without a value, found a mapping",
        ),
        ("reception sings", f"5:9: error wrong-value: {A_STEP}, found `reception sings`"),
        (
            "presses: one",
            "5:18: error wrong-value: expected keys of a telephone: 0 to 9, * and # (in quotes), found `one`",
        ),
        (
            "waits: 10",
            "5:16: error wrong-value: expected a duration with its unit such as 5s, 1m30s or 500ms, found `10`",
        ),
        (
            "hears: lira",
            "5:16: error unknown-prompt: brand `acme` has no prompt `lira`; words that are heard stand in quotes",
        ),
    ],
)
def test_a_step_that_is_none_is_told(tmp_path: Path, step: str, complaint: str) -> None:
    script = f"flow: main\ncalls:\n  - name: a call\n    dialogue:\n      - {step}\n"
    assert complaints(tmp_path, script) == [complaint]


@pytest.mark.parametrize(
    ("head", "complaint"),
    [
        ("flow: mian", "1:7: error unknown-flow: there is no flow `mian`; did you mean `main`?"),
        ("did: +90 212 444 01 02", "1:6: error unknown-flow: no flow answers `+902124440102`"),
        ("brand: acme", "1:1: error wrong-value: expected either `flow` or `did`"),
        ("flow: main\nnote: x", "2:1: error unknown-key: unknown key `note`"),
    ],
)
def test_a_head_that_calls_nothing_is_told(tmp_path: Path, head: str, complaint: str) -> None:
    script = f"{head}\ncalls:\n  - name: a call\n    dialogue: [hangs_up]\n"
    assert complaints(tmp_path, script) == [complaint]


def test_a_number_may_be_written_as_people_write_it(tmp_path: Path) -> None:
    script = "did: 0212 444 01 01\ncalls:\n  - {name: a call, dialogue: [hangs_up, hears: x]}\n"
    assert not any("no flow answers" in each for each in complaints(tmp_path, script))


def test_what_is_no_yaml_is_told_as_of_a_flow(tmp_path: Path) -> None:
    assert complaints(tmp_path, "flow: main\n\tcalls: []\n") == [
        "2:1: error yaml-tab: a tab indents this line; indent with spaces"
    ]


def test_a_history_of_another_survey_is_told(tmp_path: Path) -> None:
    survey = """
    flow: after
    brand: acme
    languages: [tr, en]
    start: how-was-it
    nodes:
      how-was-it:
        type: survey
        survey: after-call
        question: how-was-it
        prompt: menu
        scale: csat
        next: bye
        no_input: bye
        no_match: bye
      bye: {type: hangup}
    """
    write(tmp_path, {"after.yaml": textwrap.dedent(survey)})
    script = """
    flow: after
    calls:
      - name: a call
        given: {history: {asked: {after-cal: 20d}}}
        dialogue: [hangs_up]
    """
    assert complaints(tmp_path, script) == [
        "5:42: error wrong-value: the flow `after` has no question of a survey `after-cal`; "
        "did you mean `after-call`?"
    ]
