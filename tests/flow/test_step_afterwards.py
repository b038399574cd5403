"""``on_hangup``: what a flow still does when the caller has left."""

import textwrap

import pytest

from ivrengine.core import effects, events
from ivrengine.core.call import Outcome, Phase
from tests.flow.walk import HEADER, Walk, compiled, flow_of, with_subflows

NOTES = """
    variables: {left: {type: bool}, n: {type: int}}
    on_hangup: note
    start: listen
    nodes:
      listen: {type: menu, prompt: question, choices: {1: talk}, no_input: bye, no_match: bye}
      talk: {type: transfer, to: reception, busy: bye, no_answer: bye, failed: bye}
      note: {type: set, assign: {left: "true"}, next: look}
      look: {type: switch, cases: [{when: "n > 0", to: broken}], otherwise: done}
      broken: {type: set, assign: {n: 1 / (n - n)}, next: done}
      done: {type: hangup}
      bye: {type: hangup, prompt: goodbye}
"""


def test_the_flow_goes_on_without_the_caller_and_then_the_call_is_closed() -> None:
    walk = Walk(flow_of(NOTES))
    walk.hangs_up()
    assert walk.nodes() == ["listen", "note", "look", "done"]
    assert walk.call.phase is Phase.ENDED
    assert walk.call.outcome is Outcome.HUNG_UP
    assert walk.call.ended_at == walk.at
    assert walk.call.variables["left"] is True
    assert not walk.all(effects.HangUp)
    assert not walk.all(effects.SendToFallback)


def test_a_call_that_ends_by_its_flow_does_not_go_there() -> None:
    walk = Walk(flow_of(NOTES))
    walk.prompt_ends()
    walk.timer_fires()
    for _ in range(2):
        walk.prompt_ends()
        walk.timer_fires()
    walk.prompt_ends()
    walk.hangs_up()
    assert "note" not in walk.nodes()
    assert walk.call.outcome is Outcome.COMPLETED


def test_who_was_taken_elsewhere_has_not_hung_up() -> None:
    walk = Walk(flow_of(NOTES))
    walk.meet(events.ChannelLeft(at=walk.at, channel_id=walk.call.channel_id))
    assert walk.nodes() == ["listen"]


def test_a_phone_that_rings_is_let_go_of_first() -> None:
    walk = Walk(flow_of(NOTES))
    walk.presses("1")
    leg = walk.leg()
    walk.hangs_up()
    kinds = [type(effect).__name__ for effect in walk.last]
    assert kinds.index("HangUp") < kinds.index("EnterNode")
    assert walk.just(effects.HangUp)[0].channel_id == leg


def test_an_error_then_ends_the_call_and_rings_nobody() -> None:
    walk = Walk(flow_of(NOTES), variables={"n": 1})
    walk.hangs_up()
    assert walk.call.phase is Phase.ENDED
    assert walk.exits()[-1] == ("broken", "expression without value")
    assert not walk.all(effects.SendToFallback)


def test_in_a_sub_flow_it_is_the_outer_flow_that_goes_on() -> None:
    main = """
        variables: {left: {type: bool}}
        on_hangup: note
        start: go
        nodes:
          go: {type: call, flow: sub, returns: {done: note}}
          note: {type: set, assign: {left: "true"}, next: done}
          done: {type: hangup}
    """
    sub = """
        variables: {other: {type: int}}
        returns: {done: []}
        start: listen
        nodes:
          listen: {type: menu, prompt: question, choices: {1: back}, no_input: back, no_match: back}
          back: {type: return, by: done}
    """
    walk = Walk(with_subflows(flow_of(main), sub=sub))
    walk.hangs_up()
    assert walk.call.variables == {"left": True}
    assert walk.call.phase is Phase.ENDED


@pytest.mark.parametrize(
    ("reason", "goes_on"),
    [
        (events.UnheardEnd.ENDED_WHILE_DISCONNECTED, True),
        (events.UnheardEnd.PBX_RESTART, True),
        (events.UnheardEnd.NODE_LOST, False),
    ],
)
def test_after_a_gap_too(reason: events.UnheardEnd, goes_on: bool) -> None:
    walk = Walk(flow_of(NOTES))
    walk.ends_unheard(reason)
    assert ("note" in walk.nodes()) is goes_on
    assert walk.call.phase is Phase.ENDED


def test_nodes_that_need_a_caller_are_refused() -> None:
    body = textwrap.dedent(NOTES.replace("otherwise: done", "otherwise: bye"))
    _, found = compiled(HEADER + body)
    assert [(str(p.code), p.sentence) for p in found if p.severity == "error"] == [
        (
            "needs-caller",
            "`on_hangup` leads to the node `bye` of type hangup, which has nobody to do it for when the caller has left",
        )
    ]
