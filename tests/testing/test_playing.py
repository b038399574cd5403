"""What a scripted call must say, and how one fails."""

from pathlib import Path

import pytest

from tests.testing.hall import hall, run

HELLO = "- {hears: welcome}\n"


def played(folder: Path, dialogue: str, *, given: str = "{}", expect: str = "{}") -> list[str]:
    """Play one call and return why it failed."""
    steps = "".join(f"  - {step.strip()}\n" for step in dialogue.strip().splitlines())
    call = f"name: a call\ngiven: {given}\ndialogue:\n{steps}expect: {expect}\n"
    code, printed, told = run(hall(folder, call))
    assert code in {0, 1}, told
    sentences = [
        line.partition(": ")[2] for line in printed.splitlines() if "tests/main.yaml:" in line
    ]
    assert code == bool(sentences)
    return sentences


def test_a_call_that_goes_as_scripted_passes(tmp_path: Path) -> None:
    dialogue = """
    hears: welcome
    hears: "biri tuşlayın"
    presses: 1
    reception answers
    waits: 1m
    reception hangs up
    """
    expect = "{outcome: transferred, nodes: [hello, ask, count, reception, bye], variables: {tries: 1, vip: no}, language: tr}"
    assert played(tmp_path, dialogue, expect=expect) == []


@pytest.mark.parametrize(
    ("dialogue", "sentence"),
    [
        (
            "hears: menu",
            "expected the caller to hear menu, but the caller hears welcome: “Hoş geldiniz.”",
        ),
        (
            'hears: "geldim"',
            "expected the caller to hear “geldim”, but the caller hears welcome: “Hoş geldiniz.”",
        ),
        (
            "hears: welcome\nhears: menu\nhears: sorry",
            "expected the caller to hear sorry, but the call is over (completed)",
        ),
        (
            "hears: welcome\nwaits: 10s\npresses: 1",
            "expected the caller to press 1, but the caller hears menu: “Danışma için biri tuşlayın.”",
        ),
        (
            "hears: welcome\nsays_nothing",
            "expected the flow to wait for a key that does not come, but the caller hears menu: “Danışma için biri tuşlayın.”",
        ),
        (
            "hears: welcome",
            "expected the call to be over, but the caller hears menu: “Danışma için biri tuşlayın.”",
        ),
        (
            "hears: welcome\npresses: 1\nsales answers",
            "expected sales to ring and answer, but reception rings",
        ),
        (
            "hears: welcome\npresses: 1\nhangs_up",
            "expected the caller to hang up, but reception rings",
        ),
        (
            "hears: welcome\npresses: 1\nreception answers",
            "expected the call to be over, but nothing more happens",
        ),
        (
            "hears: welcome\nhears: menu\nsays_nothing\nhangs_up",
            "expected the caller to hang up, but the call is over (completed)",
        ),
        (
            "hears: welcome\nsales hangs up",
            "expected the caller to talk with sales, but the caller hears menu: “Danışma için biri tuşlayın.”",
        ),
    ],
)
def test_what_happens_otherwise_is_a_failure(tmp_path: Path, dialogue: str, sentence: str) -> None:
    assert played(tmp_path, dialogue) == [sentence]


@pytest.mark.parametrize(
    ("expect", "sentence"),
    [
        ("{outcome: completed}", "expected the outcome completed, but it is hung_up"),
        ("{nodes: [hello]}", "expected the nodes [hello], but they are [hello, ask]"),
        ("{passes: [ask, hello]}", "expected to pass [ask, hello], but the nodes are [hello, ask]"),
        ("{language: en}", "expected the language en, but it is tr"),
        ("{variables: {tries: 7}}", "expected the variable tries to be 7, but it is 0"),
    ],
)
def test_what_was_expected_in_the_end_must_be_so(
    tmp_path: Path, expect: str, sentence: str
) -> None:
    assert played(tmp_path, "hears: welcome\nhears: menu\nhangs_up", expect=expect) == [sentence]


def test_passing_leaves_out_nodes_between(tmp_path: Path) -> None:
    dialogue = "hears: welcome\npresses: 2\nhears: menu\nhangs_up"
    assert played(tmp_path, dialogue, expect="{passes: [hello, english, ask]}") == []


@pytest.mark.parametrize("does", ["is busy", "declines", "does not answer", "is unreachable"])
def test_a_phone_does_what_is_given(tmp_path: Path, does: str) -> None:
    dialogue = "hears: welcome\npresses: 1\nhears: sorry\nhears: menu\nhangs_up"
    assert played(tmp_path, dialogue, given=f"{{phones: {{reception: {does}}}}}") == []


def test_a_phone_of_which_it_is_given_answers_by_itself(tmp_path: Path) -> None:
    dialogue = "hears: welcome\npresses: 1\nreception answers\nhangs_up"
    given = "{phones: {reception: answers after 7s}}"
    assert played(tmp_path, dialogue, given=given, expect="{outcome: transferred}") == []


def test_a_call_begins_as_given(tmp_path: Path) -> None:
    dialogue = 'hears: "Welcome to Acme"\npresses: 1\nreception declines\nhears: sorry\nhears: menu\nhangs_up'
    given = "{language: en, variables: {tries: 41, vip: yes}, caller: 0532 123 45 67}"
    expect = "{variables: {tries: 42, vip: yes}, language: en}"
    assert played(tmp_path, dialogue, given=given, expect=expect) == []


def test_a_key_pressed_during_a_prompt_counts(tmp_path: Path) -> None:
    dialogue = "hears: welcome\npresses: 21\nreception is busy\nhears: sorry\nhears: menu\nhangs_up"
    expect = "{nodes: [hello, ask, english, ask, count, reception, sorry, ask]}"
    assert played(tmp_path, dialogue, expect=expect) == []
