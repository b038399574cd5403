"""``max_duration``: of the call's flow, of sub-flows and of ``call`` nodes; a talk is never cut."""

from datetime import timedelta

from ivrengine.core import effects
from ivrengine.core.call import Outcome, Phase
from ivrengine.flow.running.limits import OVERTIME_S
from tests.flow.walk import NOON, Walk, flow_of, with_subflows

LISTEN = (
    "{type: menu, prompt: question, choices: {1: talk, 2: listen}, no_input: bye, no_match: listen}"
)
LIMITED = f"""
    max_duration: 5m
    on_max_duration: enough
    start: listen
    nodes:
      listen: {LISTEN}
      talk: {{type: transfer, to: reception, next: listen, busy: bye, no_answer: bye, failed: bye}}
      enough: {{type: play, prompt: enough, next: bye}}
      bye: {{type: hangup}}
"""
SUBFLOW = f"""
    returns: {{done: []}}
    start: listen
    nodes:
      listen: {LISTEN}
      talk: {{type: return, by: done}}
      bye: {{type: hangup}}
"""


def limits_set(walk: Walk) -> list[float]:
    return [e.delay_s for e in walk.all(effects.StartTimer) if e.timer_id.startswith("limit")]


def test_the_time_of_a_flow_begins_with_it() -> None:
    walk = Walk(flow_of(LIMITED))
    assert limits_set(walk) == [300.0]
    assert walk.call.until_at == NOON + timedelta(minutes=5)


def test_when_the_time_is_over_the_flow_goes_where_it_says() -> None:
    walk = Walk(flow_of(LIMITED))
    walk.limit_is_over(300)
    assert walk.call.node == "enough"
    assert walk.exits() == [("listen", "max_duration")]
    assert limits_set(walk) == [300.0, OVERTIME_S]


def test_who_is_still_there_after_that_goes_to_a_person() -> None:
    walk = Walk(flow_of(LIMITED.replace("next: bye", "next: listen")))
    for _ in range(4):
        walk.limit_is_over(300)
    assert walk.call.outcome is Outcome.FALLBACK


def test_without_a_place_to_go_the_end_of_the_time_is_an_error() -> None:
    walk = Walk(flow_of(LIMITED.replace("on_max_duration", "on_error")))
    walk.limit_is_over(300)
    assert walk.call.node == "enough"
    walk = Walk(flow_of(LIMITED.replace("on_max_duration: enough", "on_hangup: bye")))
    walk.limit_is_over(300)
    assert walk.call.outcome is Outcome.FALLBACK


def test_a_talk_is_not_cut_but_nothing_goes_on_after_it() -> None:
    walk = Walk(flow_of(LIMITED))
    walk.presses("1")
    walk.leg_answers()
    walk.leg_joins()
    walk.limit_is_over(300)
    assert walk.call.phase is Phase.TALKING
    assert walk.last == ()
    walk.leg_ends(16)
    assert walk.call.node == "enough"


def test_a_sub_flow_is_ended_and_the_flow_that_called_it_goes_on() -> None:
    main = """
        start: go
        nodes:
          go: {type: call, flow: sub, returns: {done: bye}, max_duration: 30s, on_max_duration: enough}
          enough: {type: play, prompt: enough, next: bye}
          bye: {type: hangup}
    """
    walk = Walk(with_subflows(flow_of(main), sub=SUBFLOW))
    assert limits_set(walk) == [30.0]
    walk.limit_is_over(30)
    assert walk.call.node == "enough"
    assert walk.call.frames == ()
    assert walk.call.limit_timer_id is None


def test_of_two_ends_the_earlier_counts() -> None:
    main = """
        max_duration: 20s
        on_max_duration: enough
        start: go
        nodes:
          go: {type: call, flow: sub, returns: {done: bye}, max_duration: 30s, on_max_duration: bye}
          enough: {type: play, prompt: enough, next: bye}
          bye: {type: hangup}
    """
    walk = Walk(with_subflows(flow_of(main), sub=SUBFLOW))
    assert limits_set(walk) == [20.0]
    walk.limit_is_over(20)
    assert walk.call.node == "enough"


def test_the_rest_of_the_time_is_counted_after_a_gap() -> None:
    walk = Walk(flow_of(LIMITED))
    before = walk.call.limit_timer_id
    walk.at += timedelta(seconds=100)
    walk.resumes()
    assert limits_set(walk) == [300.0, 200.0]
    assert walk.just(effects.CancelTimer)[0].timer_id == before


def test_the_end_of_the_call_forgets_the_timer() -> None:
    walk = Walk(flow_of(LIMITED))
    walk.hangs_up()
    assert walk.all(effects.StartTimer)[-1].timer_id in {
        e.timer_id for e in walk.just(effects.CancelTimer)
    }
