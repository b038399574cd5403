"""A ``survey`` node asks one question, keeps that it did and what was answered, and leaves those asked lately in peace."""

from collections.abc import Mapping
from datetime import timedelta

import pytest

from ivrengine.core import effects, events
from ivrengine.core.events import Unanswered
from ivrengine.core.ids import CallerKey, RequestId
from tests.flow.walk import NOON, Walk, flow_of, kinds

KEY = CallerKey("k1:ab")


def survey(scale: str = "nps", more: str = "") -> str:
    return f"""
    variables: {{score: {{type: int}}}}
    start: ask
    nodes:
      ask:
        type: survey
        survey: after-call
        question: recommend
        scale: {scale}
        prompt: rate
        attempts: 2
        into: score
        {more}
        next: thanks
        no_input: bye
        no_match: bye
      thanks: {{type: hangup, prompt: thanks}}
      bye: {{type: hangup}}
    """


AGAIN = survey(more="not_again_within: 90d\n        skipped: bye")


def kept(walk: Walk) -> list[int | None]:
    return [answer.score for answer in walk.all(effects.KeepAnswer)]


def keys(walk: Walk, pressed: str) -> None:
    for key in pressed:
        walk.presses(key)


@pytest.mark.parametrize(
    ("scale", "pressed", "score"),
    [
        ("nps", "0", 0),
        ("nps", "7", 7),
        ("nps", "10", 10),
        ("nps", "1#", 1),
        ("csat", "1", 1),
        ("csat", "5", 5),
        ("ces", "7", 7),
        ("{from: 1, to: 3}", "3", 3),
        ("{from: 1, to: 20, name: age}", "2#", 2),
        ("{from: 1, to: 20}", "20", 20),
        ("{from: 10, to: 30}", "25", 25),
    ],
)
def test_an_answer_counts_as_soon_as_no_key_can_change_it(
    scale: str, pressed: str, score: int
) -> None:
    walk = Walk(flow_of(survey(scale)))
    keys(walk, pressed)
    assert kept(walk) == [None, score]
    assert walk.call.variables["score"] == score
    assert walk.exits()[0] == ("ask", "next")


def test_a_one_waits_for_the_nought_that_may_follow() -> None:
    walk = Walk(flow_of(survey()))
    walk.presses("1")
    assert walk.nodes() == ["ask"]
    assert walk.just(effects.StartTimer)[-1].delay_s == 2
    walk.timer_fires()
    assert kept(walk) == [None, 1]


@pytest.mark.parametrize(
    ("scale", "pressed"), [("csat", "6"), ("csat", "0"), ("nps", "11"), ("nps", "*"), ("ces", "9")]
)
def test_what_is_not_on_the_scale_is_asked_again_and_then_left(scale: str, pressed: str) -> None:
    walk = Walk(flow_of(survey(scale)))
    keys(walk, pressed)
    assert walk.call.cursor.attempt == 2
    keys(walk, pressed)
    assert walk.exits()[0] == ("ask", "no_match")
    assert kept(walk) == [None], "the question was put once, and never answered"


def test_a_hash_out_of_habit_means_nothing() -> None:
    walk = Walk(flow_of(survey("csat")))
    walk.presses("#")
    assert walk.call.cursor.attempt == 1
    walk.presses("4")
    assert kept(walk) == [None, 4]


def test_who_says_nothing_was_asked_all_the_same() -> None:
    walk = Walk(flow_of(survey()))
    for _ in range(2):
        walk.prompt_ends()
        walk.timer_fires()
    assert walk.exits()[0] == ("ask", "no_input")
    assert kept(walk) == [None]


def test_who_hangs_up_on_the_question_was_asked() -> None:
    walk = Walk(flow_of(survey()))
    walk.hangs_up()
    assert kept(walk) == [None]


def test_the_row_of_an_answer_says_what_it_answers() -> None:
    walk = Walk(flow_of(survey("{from: 1, to: 3, name: stars}")))
    walk.presses("2")
    assert walk.all(effects.KeepAnswer)[1] == effects.KeepAnswer(
        survey="after-call", question="recommend", scale="stars", low=1, high=3, score=2
    )


def found(walk: Walk, asked_before: bool) -> events.AnswersFound:
    assert walk.call.cursor.request_id is not None
    asked_at = NOON - timedelta(days=3) if asked_before else None
    return events.AnswersFound(
        at=walk.at, request_id=walk.call.cursor.request_id, asked_at=asked_at
    )


def test_a_known_caller_is_looked_up_before_anything_is_heard() -> None:
    walk = Walk(flow_of(AGAIN), key=KEY)
    [look] = walk.all(effects.FindAnswers)
    assert (look.survey, look.caller_key, look.brand) == ("after-call", KEY, "acme")
    assert look.since_at == NOON - timedelta(days=90)
    assert look.call_id == walk.call.call_id
    assert not walk.all(effects.Play)
    assert not kept(walk)
    walk.meet(found(walk, asked_before=False))
    assert kinds(walk.last)[:2] == ["CancelTimer", "KeepAnswer"]
    assert walk.played() == [("rate",)]
    walk.presses("9")
    assert kept(walk) == [None, 9]


def failed(walk: Walk) -> events.LookupFailed:
    assert walk.call.cursor.request_id is not None
    return events.LookupFailed(
        at=walk.at, request_id=walk.call.cursor.request_id, reason=Unanswered.UNREACHABLE
    )


def test_who_was_asked_lately_is_not_asked() -> None:
    walk = Walk(flow_of(AGAIN), key=KEY)
    walk.meet(found(walk, asked_before=True))
    assert walk.exits()[0] == ("ask", "skipped")
    assert not kept(walk)
    assert not walk.all(effects.CancelInquiry), "it was answered"


def test_of_whom_the_store_says_nothing_is_not_asked() -> None:
    walk = Walk(flow_of(AGAIN), key=KEY)
    walk.meet(failed(walk))
    assert walk.exits()[0] == ("ask", "skipped")


def test_a_look_up_that_never_comes_to_an_end_is_given_up() -> None:
    walk = Walk(flow_of(AGAIN), key=KEY)
    walk.timer_fires()
    assert walk.exits()[0] == ("ask", "skipped")
    assert walk.at - NOON <= timedelta(seconds=2)
    assert len(walk.all(effects.CancelInquiry)) == 1


def test_the_answer_to_another_question_means_nothing() -> None:
    walk = Walk(flow_of(AGAIN), key=KEY)
    other = events.AnswersFound(at=walk.at, request_id=RequestId("other"), asked_at=None)
    assert walk.meet(other) == ()


def test_a_caller_without_a_key_is_always_asked() -> None:
    walk = Walk(flow_of(AGAIN), withheld=True)
    assert not walk.all(effects.FindAnswers)
    assert walk.played() == [("rate",)]


def test_without_a_place_to_skip_to_the_call_goes_on_as_after_an_answer() -> None:
    walk = Walk(flow_of(survey(more="not_again_within: 90d")), key=KEY)
    walk.meet(found(walk, asked_before=True))
    assert walk.nodes() == ["ask", "thanks"]


def test_after_a_gap_it_is_looked_up_again() -> None:
    walk = Walk(flow_of(AGAIN), key=KEY)
    walk.resumes()
    first, second = walk.all(effects.FindAnswers)
    assert first.request_id != second.request_id
    assert [gone.request_id for gone in walk.all(effects.CancelInquiry)] == [first.request_id]


def test_after_a_gap_the_question_is_heard_again_but_was_put_once() -> None:
    walk = Walk(flow_of(survey()))
    walk.presses("1")
    walk.resumes()
    assert walk.played() == [("rate",), ("rate",)]
    assert kept(walk) == [None]
    keys(walk, "10")
    assert kept(walk) == [None, 10]


SCALES: Mapping[str, range] = {"nps": range(11), "csat": range(1, 6), "ces": range(1, 8)}


@pytest.mark.parametrize("scale", SCALES)
def test_every_answer_of_a_scale_can_be_given(scale: str) -> None:
    for score in SCALES[scale]:
        walk = Walk(flow_of(survey(scale)))
        keys(walk, str(score))
        if walk.nodes() == ["ask"]:
            walk.timer_fires()
        assert kept(walk) == [None, score]
