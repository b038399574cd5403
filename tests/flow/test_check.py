"""The checks of a flow as a graph: what is a loop that nobody ends, and what is not."""

import pytest

from ivrengine.flow.problems import Code
from tests.flow.walk import HEADER, compiled

END = "  bye: {type: hangup}\n"


def codes(nodes: str, variables: str = "") -> list[Code]:
    _, found = compiled(f"{HEADER}{variables}start: a\nnodes:\n{nodes}{END}")
    return [problem.code for problem in found if problem.code is not Code.UNREACHABLE_NODE]


MENU = "type: menu, prompt: p"
TRANSFER = "type: transfer, to: x"


@pytest.mark.parametrize(
    "nodes",
    [
        "  a: {type: goto, to: a}\n",
        "  a: {type: play, prompt: p, next: a}\n",
        "  a: {type: play, prompt: p, next: b}\n  b: {type: language, to: en, next: a}\n",
        f"  a: {{{MENU}, choices: {{1: bye}}, no_input: a, no_match: bye}}\n",
        f"  a: {{{TRANSFER}, busy: a, no_answer: bye, failed: bye}}\n",
        f"  a: {{{TRANSFER}, busy: bye, no_answer: b, failed: bye}}\n  b: {{type: goto, to: a}}\n",
        "  a: {type: switch, cases: [{when: caller.withheld, to: a}], otherwise: a}\n",
    ],
)
def test_a_loop_that_nobody_ends_is_an_error(nodes: str) -> None:
    assert codes(nodes) == [Code.ENDLESS_LOOP]


@pytest.mark.parametrize(
    "nodes",
    [
        f"  a: {{{MENU}, choices: {{1: a}}, no_input: bye, no_match: a}}\n",
        f"  a: {{{TRANSFER}, next: a, busy: bye, no_answer: bye, failed: bye}}\n",
        "  a: {type: switch, cases: [{when: caller.withheld, to: a}], otherwise: bye}\n",
        "  a: {type: play, prompt: p, next: bye}\n",
    ],
)
def test_a_loop_that_somebody_or_a_condition_ends_is_none(nodes: str) -> None:
    assert codes(nodes) == []


def test_a_counted_retry_is_no_endless_loop() -> None:
    nodes = f"""
  a: {{{TRANSFER}, busy: count, no_answer: bye, failed: bye}}
  count: {{type: set, assign: {{n: n + 1}}, next: enough}}
  enough: {{type: switch, cases: [{{when: n > 3, to: bye}}], otherwise: a}}
"""
    assert codes(nodes, "variables: {n: {type: int}}\n") == []


def test_two_loops_are_two_problems_and_a_way_into_a_loop_is_none() -> None:
    nodes = """
  a: {type: switch, cases: [{when: caller.withheld, to: d}], otherwise: b}
  b: {type: play, prompt: p, next: c}
  c: {type: play, prompt: p, next: b}
  d: {type: goto, to: d}
"""
    assert codes(nodes) == [Code.ENDLESS_LOOP, Code.ENDLESS_LOOP]


def test_a_thousand_nodes_in_a_row_are_checked_at_once() -> None:
    chain = "".join(f"  n{i}: {{type: goto, to: n{i + 1}}}\n" for i in range(990))
    assert codes(f"  a: {{type: goto, to: n0}}\n{chain}  n990: {{type: goto, to: bye}}\n") == []
    assert codes(f"  a: {{type: goto, to: n0}}\n{chain}  n990: {{type: goto, to: a}}\n") == [
        Code.ENDLESS_LOOP
    ]


def test_nothing_is_said_of_a_target_that_exists_but_is_broken() -> None:
    assert codes("  a: {type: play, prompt: p, next: b}\n  b: {type: play}\n") == [
        Code.MISSING_KEY,
        Code.MISSING_KEY,
    ]


def test_a_variable_that_is_broken_brings_no_second_message() -> None:
    nodes = """
  a: {type: set, assign: {n: n + 1}, next: b}
  b: {type: collect, prompt: p, into: n, max_digits: 3, next: bye, no_input: bye, no_match: bye}
"""
    assert codes(nodes, "variables: {n: {type: number}}\n") == [Code.WRONG_VALUE]
