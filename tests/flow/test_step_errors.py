"""What follows an error: the node's own exit, the flow's ``on_error``, the flow that called it, and at last a person."""

from ivrengine.core import effects, events
from ivrengine.core.call import Outcome, Phase
from ivrengine.flow.running.frames import ERRORS_MAX
from tests.flow.walk import Walk, flow_of, with_subflows

DIVIDES = """
    variables: {n: {type: int}}
    start: divide
    nodes:
      divide: {type: set, assign: {n: 1 / n}, next: bye%s}
      sorry: {type: play, prompt: sorry, next: bye}
      bye: {type: hangup}
"""


def refuse_prompt(walk: Walk, failure: events.Failure = events.Failure.REFUSED) -> None:
    playing = walk.call.cursor.playback_id
    assert playing is not None
    walk.request_fails("Play", playing, failure)


def test_an_error_takes_the_exit_of_its_node() -> None:
    walk = Walk(flow_of(DIVIDES % ", error: sorry"))
    assert walk.nodes() == ["divide", "sorry"]
    assert walk.exits() == [("divide", "error")]


def test_an_error_without_an_exit_takes_that_of_the_flow() -> None:
    walk = Walk(flow_of("on_error: sorry\n" + DIVIDES.replace("\n    ", "\n") % ""))
    assert walk.nodes() == ["divide", "sorry"]


def test_an_error_that_nothing_handles_goes_to_a_person() -> None:
    walk = Walk(flow_of(DIVIDES.replace("sorry: {type", "sorry: {type") % ""))
    assert walk.call.outcome is Outcome.FALLBACK
    assert walk.just(effects.SendToFallback)
    assert walk.exits() == [("divide", "expression without value")]


def test_an_error_in_a_sub_flow_reaches_the_flow_that_called_it() -> None:
    main = """
        start: go
        nodes:
          go: {type: call, flow: divides, returns: {done: bye}, error: sorry}
          sorry: {type: play, prompt: sorry, next: bye}
          bye: {type: hangup}
    """
    divides = """
        variables: {n: {type: int}}
        returns: {done: []}
        start: divide
        nodes:
          divide: {type: set, assign: {n: 1 / n}, next: back}
          back: {type: return, by: done}
    """
    walk = Walk(with_subflows(flow_of(main), divides=divides))
    assert walk.call.node == "sorry"
    assert walk.call.frames == ()
    assert walk.exits() == [("divide", "expression without value"), ("go", "error")]


def test_a_flow_that_fails_again_and_again_gives_its_caller_to_a_person() -> None:
    endless = """
        variables: {n: {type: int}}
        on_error: listen
        start: listen
        nodes:
          listen:
            type: menu
            prompt: question
            choices: {1: divide}
            no_input: bye
            no_match: bye
          divide: {type: set, assign: {n: 1 / n}, next: listen}
          bye: {type: hangup}
    """
    walk = Walk(flow_of(endless))
    for _ in range(ERRORS_MAX):
        walk.presses("1")
        assert walk.call.node == "listen"
    walk.presses("1")
    assert walk.call.outcome is Outcome.FALLBACK


def test_a_question_that_cannot_be_played_is_an_error_and_no_silence() -> None:
    flow = """
        on_error: reception
        start: ask
        nodes:
          ask: {type: menu, prompt: gone, choices: {1: bye}, no_input: bye, no_match: bye}
          bye: {type: hangup}
          reception: {type: transfer, to: reception, busy: bye, no_answer: bye, failed: bye}
    """
    walk = Walk(flow_of(flow))
    refuse_prompt(walk)
    assert walk.call.phase is Phase.DIALING
    assert walk.exits() == [("ask", "error")]


def test_a_prompt_that_may_be_heard_after_all_is_no_error() -> None:
    flow = (
        "start: hello\nnodes: {hello: {type: play, prompt: hello, next: bye}, bye: {type: hangup}}"
    )
    walk = Walk(flow_of(flow))
    refuse_prompt(walk, events.Failure.UNAVAILABLE)
    assert walk.exits()[0] == ("hello", "next")
