"""Sub-flows: parameters, returns, values that come back, and calls that end inside."""

from ivrengine.core import effects
from ivrengine.core.call import Outcome, Phase
from tests.flow.walk import Walk, flow_of, with_subflows

MAIN = """
    variables:
      flat: {type: int, default: 7}
      answer: {type: string, default: none yet}
    start: identify
    nodes:
      identify:
        type: call
        flow: ask
        with: {first: flat + 1}
        results: {answer: said}
        returns: {found: thanks, gave-up: sorry}
      thanks: {type: play, prompt: thanks, next: bye}
      sorry: {type: play, prompt: sorry, next: bye}
      bye: {type: hangup}
"""
ASK = """
    variables:
      first: {type: int}
      said: {type: string}
    parameters: first
    returns: {found: said, gave-up: []}
    start: question
    nodes:
      question:
        type: menu
        prompt: question
        attempts: 1
        choices: {1: note, 9: end}
        no_input: give-up
        no_match: give-up
      note: {type: set, assign: {said: "'flat ' + string(first)"}, next: back}
      back: {type: return, by: found}
      give-up: {type: set, assign: {said: "'lost'"}, next: give-up-back}
      give-up-back: {type: return, by: gave-up}
      end: {type: hangup}
"""


def walk_into_ask() -> Walk:
    return Walk(with_subflows(flow_of(MAIN), ask=ASK))


def test_a_sub_flow_gets_its_parameters_and_hands_its_values_back() -> None:
    walk = walk_into_ask()
    assert walk.call.subflow == "ask"
    assert walk.call.variables == {"first": 8, "said": ""}
    walk.presses("1")
    assert walk.call.subflow == ""
    assert walk.call.variables == {"flat": 7, "answer": "flat 8"}
    assert walk.call.node == "thanks"


def test_a_return_hands_back_nothing_but_what_it_declares() -> None:
    walk = walk_into_ask()
    walk.prompt_ends()
    walk.timer_fires()
    assert walk.call.variables == {"flat": 7, "answer": "none yet"}
    assert walk.call.node == "sorry"


def test_every_node_is_left_the_inner_ones_first() -> None:
    walk = walk_into_ask()
    walk.presses("1")
    left = [(e.subflow, e.node, e.exit) for e in walk.all(effects.LeaveNode)]
    assert left == [
        ("ask", "question", "1"),
        ("ask", "note", "next"),
        ("ask", "back", "found"),
        ("", "identify", "found"),
    ]
    entered = [(e.subflow, e.node) for e in walk.all(effects.EnterNode)]
    assert entered[:2] == [("", "identify"), ("ask", "question")]
    assert entered[-1] == ("", "thanks")


def test_a_sub_flow_that_hangs_up_ends_the_call() -> None:
    walk = walk_into_ask()
    walk.presses("9")
    assert walk.call.phase is Phase.LEAVING
    walk.hangs_up()
    assert walk.call.outcome is Outcome.COMPLETED


def test_a_call_in_a_sub_flow_goes_on_there_after_a_gap() -> None:
    walk = walk_into_ask()
    walk.resumes()
    assert walk.played()[-1] == ("question",)
    walk.presses("1")
    assert walk.call.node == "thanks"


def test_a_caller_may_hang_up_in_a_sub_flow() -> None:
    walk = walk_into_ask()
    walk.hangs_up()
    assert walk.call.outcome is Outcome.HUNG_UP
    assert walk.just(effects.LeaveNode)[-1].node == "question"


def test_sub_flows_call_sub_flows() -> None:
    outer = """
        returns: {done: []}
        start: inner
        nodes:
          inner:
            type: call
            flow: ask
            with: {first: "1"}
            returns: {found: back, gave-up: back}
          back: {type: return, by: done}
    """
    main = """
        start: outer
        nodes:
          outer: {type: call, flow: outer, returns: {done: bye}}
          bye: {type: hangup}
    """
    walk = Walk(with_subflows(flow_of(main), outer=outer, ask=ASK))
    assert walk.call.subflow == "ask"
    assert [frame.subflow for frame in walk.call.frames] == ["", "outer"]
    walk.presses("1")
    assert walk.call.phase is Phase.LEAVING
    assert walk.call.frames == ()


def test_a_parameter_of_another_type_is_an_error_of_the_call_node() -> None:
    main = """
        variables: {text: {type: string, default: "12"}}
        on_error: sorry
        start: identify
        nodes:
          identify:
            type: call
            flow: ask
            with: {first: dyn(text)}
            returns: {found: sorry, gave-up: sorry}
          sorry: {type: play, prompt: sorry, next: bye}
          bye: {type: hangup}
    """
    walk = Walk(with_subflows(flow_of(main), ask=ASK))
    assert walk.call.node == "sorry"
    assert walk.call.frames == ()
