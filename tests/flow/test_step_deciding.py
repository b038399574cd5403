"""Nodes that are left in the turn in which they are entered: set, switch, goto, language; and expressions that go wrong."""

from datetime import UTC, datetime

import pytest

from ivrengine.core import effects
from ivrengine.core.call import Outcome, Phase, Value
from ivrengine.flow.expressions import TEXT_MAX
from ivrengine.flow.running.step import NODES_PER_STEP_MAX
from tests.flow.walk import CHANNEL, NOON, Walk, flow_of, kinds

ROUND = """
    start: count
    variables: {n: {type: int, default: 5}, name: {type: string, default: ada}, half: {type: double}}
    nodes:
      count: {type: set, assign: {n: n + 1, half: double(n) / 2.0}, next: which}
      which:
        type: switch
        cases:
          - {when: n > 6, to: many}
          - {when: name == "ada" && half == 2.5, to: few}
        otherwise: none-of-both
      many: {type: hangup}
      few: {type: goto, to: many}
      none-of-both: {type: hangup}
"""


def test_set_computes_every_value_from_those_before() -> None:
    walk = Walk(flow_of(ROUND))
    assert walk.call.variables == {"n": 6, "name": "ada", "half": 2.5}


def test_switch_takes_the_first_true_case_and_goto_goes_on() -> None:
    walk = Walk(flow_of(ROUND))
    assert walk.exits() == [
        ("count", "next"),
        ("which", "case 2"),
        ("few", "to"),
        ("many", "end"),
    ]
    walk = Walk(flow_of(ROUND), variables={"n": 6})
    assert walk.exits()[1] == ("which", "case 1")
    walk = Walk(flow_of(ROUND), variables={"name": "bob"})
    assert walk.exits()[1] == ("which", "otherwise")


def test_language_changes_what_is_played_from_there_on() -> None:
    walk = Walk(
        flow_of("""
        start: first
        nodes:
          first: {type: play, prompt: welcome, next: english}
          english: {type: language, to: en, next: second}
          second: {type: play, prompt: welcome, next: bye}
          bye: {type: hangup}
        """)
    )
    walk.prompt_ends()
    assert [play.language for play in walk.all(effects.Play)] == ["tr", "en"]
    assert walk.call.language == "en"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("caller.withheld", True),
        ("caller.mask.endsWith('67')", True),
        ("call.did == '+902124440101'", True),
        ("call.brand == 'acme' && call.language == 'tr'", True),
        ("now == timestamp('2026-11-21T12:00:00Z')", True),
        ("now.getHours('Europe/Istanbul') == 15", True),
        ("[1, 2, 3].exists(n, n == 2)", True),
        ("size(caller.mask) == 0", False),
    ],
)
def test_expressions_see_the_call_and_the_instant_of_the_event(condition: str, holds: bool) -> None:
    flow = flow_of(f"""
        start: which
        nodes:
          which: {{type: switch, cases: [{{when: "{condition}", to: yes-node}}], otherwise: no-node}}
          yes-node: {{type: hangup}}
          no-node: {{type: hangup}}
    """)
    assert Walk(flow, withheld=True).call.node == ("yes-node" if holds else "no-node")


def test_now_is_the_instant_of_the_event_and_not_of_the_clock() -> None:
    flow = flow_of("""
        start: which
        nodes:
          which: {type: switch, cases: [{when: now.getFullYear() == 1999, to: old}], otherwise: new}
          old: {type: hangup}
          new: {type: hangup}
    """)
    assert Walk(flow, at=datetime(1999, 1, 1, tzinfo=UTC)).call.node == "old"
    assert Walk(flow, at=NOON).call.node == "new"


@pytest.mark.parametrize(
    "expression",
    [
        "n / 0",
        "n + 9223372036854775807",
        "int(name)",
        "dyn('text')",
        "dyn(1.5)",
        "dyn(true)",
        "dyn([1])",
        "dyn(null)",
        "[1][n]",
        "int(timestamp(name))",
        "size([1,2,3,4,5,6,7,8,9,10].map(a, [1,2,3,4,5,6,7,8,9,10].map(b, "
        "[1,2,3,4,5,6,7,8,9,10].map(c, [1,2,3,4,5,6,7,8,9,10].map(d, [1,2].map(e, e))))))",
    ],
)
def test_an_int_that_has_no_value_hands_the_caller_to_a_person(expression: str) -> None:
    walk = Walk(
        flow_of(f"""
        start: compute
        variables: {{n: {{type: int, default: 5}}, name: {{type: string, default: ada}}}}
        nodes:
          compute: {{type: set, assign: {{n: "{expression}"}}, next: bye}}
          bye: {{type: hangup, prompt: "bye"}}
        """)
    )
    assert walk.call.outcome is Outcome.FALLBACK
    assert walk.exits() == [("compute", "expression without value")]
    assert kinds(walk.last)[-3:] == ["LeaveNode", "SendToFallback", "StartTimer"]
    assert walk.call.variables["n"] == 5


@pytest.mark.parametrize(
    ("kind", "expression", "value"),
    [
        ("double", "1.0 / 0.0", None),
        ("double", "0.0 / 0.0", None),
        ("double", "dyn(1)", None),
        ("string", "text + text", None),
        ("string", "string(1)", "1"),
        ("string", "dyn('ş')", "ş"),
        ("bool", "dyn(1)", None),
        ("bool", "dyn(text == '')", False),
        ("int", "dyn(uint(18446744073709551615u))", None),
        ("int", "dyn(7)", 7),
        ("int", "int(dyn(now))", 1795262400),
    ],
)
def test_only_values_of_the_declared_type_and_size_are_assigned(
    kind: str, expression: str, value: Value | None
) -> None:
    flow = flow_of(f"""
        start: compute
        variables: {{v: {{type: {kind}}}, text: {{type: string}}}}
        nodes:
          compute: {{type: set, assign: {{v: "{expression}"}}, next: bye}}
          bye: {{type: hangup, prompt: bye}}
    """)
    walk = Walk(flow, variables={"text": "x" * (TEXT_MAX // 2 + 1)})
    if value is None:
        assert walk.call.outcome is Outcome.FALLBACK
    else:
        assert walk.call.variables["v"] == value
        assert type(walk.call.variables["v"]) is type(value)


def test_a_condition_that_is_no_bool_hands_the_caller_to_a_person() -> None:
    walk = Walk(
        flow_of("""
        start: which
        nodes:
          which: {type: switch, cases: [{when: dyn('yes'), to: bye}], otherwise: bye}
          bye: {type: hangup}
        """)
    )
    assert walk.call.outcome is Outcome.FALLBACK


def test_a_loop_that_never_waits_ends_with_a_person() -> None:
    walk = Walk(
        flow_of("""
        start: count
        variables: {n: {type: int}}
        nodes:
          count: {type: set, assign: {n: n + 1}, next: which}
          which: {type: switch, cases: [{when: n < 0, to: bye}], otherwise: count}
          bye: {type: hangup}
        """)
    )
    assert walk.call.outcome is Outcome.FALLBACK
    assert walk.call.phase is Phase.LEAVING
    assert len(walk.nodes()) == NODES_PER_STEP_MAX + 1
    assert walk.exits()[-1][1] == "endless loop"
    assert walk.all(effects.SendToFallback) == [effects.SendToFallback(channel_id=CHANNEL)]


def test_every_node_that_is_entered_is_left_once() -> None:
    walk = Walk(flow_of(ROUND))
    walk.hangs_up()
    assert walk.nodes() == [node for node, _ in walk.exits()]
