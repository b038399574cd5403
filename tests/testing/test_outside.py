"""Other systems in a scripted call, and what a call sends and notes."""

from pathlib import Path

import pytest

from tests.flow.folder import write
from tests.testing.hall import FLOWS, run

MAIN = """
flow: main
brand: acme
languages: [tr]
variables: {balance: {type: double}, owner: {type: string}}
start: look-up
nodes:
  look-up:
    type: http
    url: https://erp.example.com/flats/7
    result: {balance: balance, owner: owners.0.name}
    next: noting
    not_found: bye
    failed: sorry
  noting: {type: note, set: {owes: balance > 100.0}, next: texting}
  texting:
    type: sms
    text: {tr: "Sayın {owner}, borcunuz {balance} TL."}
    next: welcome
    no_number: welcome
  welcome: {type: play, prompt: welcome, next: bye}
  sorry: {type: play, prompt: sorry, next: bye}
  bye: {type: hangup}
"""
FLOW = FLOWS | {
    "main.yaml": MAIN,
    "prompts.yaml": "brand: acme\nprompts: {welcome: {tr: Hoş geldiniz.}, sorry: {tr: Üzgünüm.}}\n",
}
DEBT = "{look-up: {json: {balance: 1250.5, owners: [{name: Ayşe}]}}}"


def played(folder: Path, http: str, dialogue: str, expect: str = "{}") -> list[str]:
    script = (
        "flow: main\ncalls:\n"
        f"  - name: a call\n    given: {{caller: 0532 123 45 67, http: {http}}}\n"
        f"    dialogue: {dialogue}\n    expect: {expect}\n"
    )
    code, printed, told = run(write(folder, FLOW | {"tests/s.yaml": script}))
    assert code in {0, 1}, told
    return [line.partition(": ")[2] for line in printed.splitlines() if "tests/s.yaml:" in line]


def test_an_answer_that_is_given_is_taken_and_what_follows_is_expected(tmp_path: Path) -> None:
    expect = (
        '{variables: {balance: 1250.5, owner: Ayşe}, messages: ["sayın ayşe"], notes: {owes: yes}}'
    )
    assert played(tmp_path, DEBT, "[hears: welcome]", expect) == []


def test_what_is_sent_or_noted_without_being_expected_is_a_failure(tmp_path: Path) -> None:
    assert played(tmp_path, DEBT, "[hears: welcome]") == [
        "a message was sent that is not in `expect`: “Sayın Ayşe, borcunuz 1250,50 TL.”",
        "a note was made that is not in `expect`: owes: yes; if it is meant, write there `notes: {owes: yes}`",
    ]


def test_what_is_expected_and_neither_sent_nor_noted_is_a_failure(tmp_path: Path) -> None:
    expect = "{messages: [hello], notes: {owes: no, mood: good}}"
    assert played(tmp_path, "{look-up: {status: 404}}", "[hears: welcome]", expect) == [
        "expected the caller to hear welcome, but the call is over (completed)"
    ]
    assert played(tmp_path, DEBT, "[hears: welcome]", expect) == [
        "expected a message with “hello”, but it is “Sayın Ayşe, borcunuz 1250,50 TL.”",
        "expected the note owes to be no, but it is yes",
        "expected the note mood, but nothing was noted of it",
    ]


@pytest.mark.parametrize(
    "reply",
    ["{fails: timeout}", "{fails: unreachable}", "{status: 500}", "{json: {balance: much}}"],
)
def test_an_answer_of_no_use_takes_the_exit_of_failure(tmp_path: Path, reply: str) -> None:
    assert played(tmp_path, f"{{look-up: {reply}}}", "[hears: sorry]") == []


def test_a_request_to_which_no_answer_is_given_is_a_failure(tmp_path: Path) -> None:
    assert played(tmp_path, "{}", "[hears: sorry]") == [
        "expected the caller to hear sorry, but the node look-up asks another system, of which nothing is given"
    ]
