"""What a flow says once for all nodes that ask, and what follows the first and the second silence."""

from pathlib import Path

from ivrengine.core.call import Phase
from tests.flow.folder import SOUND, load
from tests.flow.walk import Walk, flow_of

ASKS = """
    defaults:
      timeout: 2s
      attempts: 4
      no_input: {reprompts: [still-there, [please, press-one]], to: reception}
      no_match: {reprompts: not-understood, to: bye}
    start: ask
    nodes:
      ask: {type: menu, prompt: question, choices: {1: bye}%s}
      bye: {type: hangup}
      reception: {type: transfer, to: reception, busy: bye, no_answer: bye, failed: bye}
"""


def silent(walk: Walk) -> None:
    walk.prompt_ends()
    walk.timer_fires()


def test_each_silence_is_met_by_its_own_prompt_and_then_the_exit_is_taken() -> None:
    walk = Walk(flow_of(ASKS % ""))
    for _ in range(4):
        silent(walk)
    assert walk.played() == [
        ("question",),
        ("still-there",),
        ("please", "press-one"),
        ("please", "press-one"),
    ]
    assert walk.call.phase is Phase.DIALING


def test_silences_and_wrong_keys_are_counted_apart() -> None:
    walk = Walk(flow_of(ASKS % ""))
    walk.presses("9")
    silent(walk)
    walk.presses("9")
    assert walk.played() == [
        ("question",),
        ("not-understood",),
        ("still-there",),
        ("not-understood",),
    ]
    assert (walk.call.cursor.no_inputs, walk.call.cursor.no_matches) == (1, 2)
    walk.presses("9")
    assert walk.exits()[0] == ("ask", "no_match")


def test_what_the_node_says_itself_wins_key_by_key() -> None:
    walk = Walk(flow_of(ASKS % ", no_input: bye, attempts: 2, timeout: 9s"))
    walk.prompt_ends()
    before = walk.at
    walk.timer_fires()
    assert (walk.at - before).total_seconds() == 9
    assert walk.played()[-1] == ("still-there",)
    silent(walk)
    assert walk.exits()[0] == ("ask", "no_input")
    assert walk.call.node == "bye"


def test_a_gap_does_not_begin_the_count_anew() -> None:
    walk = Walk(flow_of(ASKS % ""))
    silent(walk)
    walk.resumes()
    silent(walk)
    assert walk.played() == [
        ("question",),
        ("still-there",),
        ("question",),
        ("please", "press-one"),
    ]


def test_what_is_wrong_with_the_defaults_is_told_there_and_once(tmp_path: Path) -> None:
    main = """
        flow: main
        brand: acme
        languages: [tr, en]
        defaults:
          timeout: 90s
          no_input: nobody
          no_match: {reprompts: [oops], to: bye}
        start: ask
        nodes:
          ask: {type: menu, prompt: welcome, choices: {1: again}}
          again: {type: menu, prompt: welcome, choices: {1: bye}}
          bye: {type: hangup}
    """
    _, found = load(tmp_path, SOUND | {"main.yaml": main})
    assert found == [
        "main.yaml:6:12: error wrong-value: expected at most 1m, found `90s`",
        "main.yaml:7:13: error unknown-node: no node `nobody`",
        "main.yaml:8:26: error unknown-prompt: brand `acme` has no prompt `oops`",
    ]


def test_without_defaults_a_node_must_say_it_itself(tmp_path: Path) -> None:
    main = SOUND["main.yaml"].replace(
        "{type: play, prompt: welcome, next: bye}",
        "{type: menu, prompt: welcome, choices: {1: bye}, no_match: {reprompts: welcome}}",
    )
    _, found = load(tmp_path, SOUND | {"main.yaml": main})
    assert found == [
        "main.yaml:7:3: error missing-key: missing key `no_input`, which the node `hello` of type menu needs",
        "main.yaml:7:59: error missing-key: missing key `to`",
    ]
