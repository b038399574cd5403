"""An ``http`` node asks once at a time, takes what it wants of the answer, and never leaves a caller waiting in silence."""

from datetime import timedelta

import pytest

from ivrengine.core import effects, events
from ivrengine.core.call import Phase, Value
from ivrengine.core.effects import Header, Wanted
from ivrengine.core.events import Unanswered
from ivrengine.core.ids import RequestId
from ivrengine.flow import answers
from tests.flow.walk import CHANNEL, NOON, Walk, flow_of, kinds

ASKS = """
    variables:
      flat: {type: string, default: "42"}
      owes: {type: double, default: 0}
      name: {type: string, default: ""}
      known: {type: bool, default: no}
      visits: {type: int, default: 1}
    start: ask
    nodes:
      ask:
        type: http
        url: "https://erp.example.com/flats/{flat}/balance?lang={name}"
        query: {visits: visits, known: known}
        headers:
          Authorization: {text: "Bearer ", secret: erp-token}
          X-Site: lakeside
        result:
          owes: balance.amount
          name: {path: owners.0.name, optional: true}
        deadline: 4s
        retries: 2
        music: jazz
        next: known
        not_found: unknown
        failed: sorry
      known: {type: play, prompt: known, next: bye}
      unknown: {type: play, prompt: unknown, next: bye}
      sorry: {type: play, prompt: sorry, next: bye}
      bye: {type: hangup}
"""
TELLS = """
    variables:
      flat: {type: int, default: 42}
      owes: {type: double, default: 2.5}
    start: tell
    nodes:
      tell:
        type: http
        method: POST
        url: https://erp.example.com/reminders
        body: {flat: flat, owes: owes, late: owes > 2.0, of: caller.mask}
        next: bye
        failed: sorry
      sorry: {type: play, prompt: sorry, next: bye}
      bye: {type: hangup}
"""


def asking(source: str = ASKS, **variables: Value) -> Walk:
    return Walk(flow_of(source), variables=variables)


def request_id(walk: Walk) -> RequestId:
    assert walk.call.cursor.request_id is not None
    return walk.call.cursor.request_id


def answered(walk: Walk, **values: Value) -> None:
    walk.meet(events.Fetched(at=walk.at, request_id=request_id(walk), status=200, values=values))


def failed(walk: Walk, reason: Unanswered, status: int | None = None) -> None:
    walk.meet(
        events.FetchFailed(at=walk.at, request_id=request_id(walk), reason=reason, status=status)
    )


def resumed(walk: Walk, *, inquiring: bool) -> None:
    walk.meet(
        events.Resumed(
            at=walk.at,
            since_at=walk.at,
            answered=True,
            leg=events.LegSeen.NONE,
            joined=False,
            inquiring=inquiring,
        )
    )


def test_a_get_names_all_that_is_asked_and_wanted() -> None:
    walk = asking(flat="4 2ş", name="tr&x=1")
    [fetch] = walk.all(effects.Fetch)
    assert fetch.url == (
        "https://erp.example.com/flats/4%202%C5%9F/balance?lang=tr%26x%3D1&visits=1&known=false"
    )
    assert fetch.headers == (
        Header(name="Authorization", text="Bearer ", secret="erp-token"),
        Header(name="X-Site", text="lakeside"),
    )
    assert fetch.wants == (
        Wanted(variable="owes", path=("balance", "amount"), kind="float"),
        Wanted(variable="name", path=("owners", "0", "name"), kind="str", optional=True),
    )
    assert (fetch.deadline_s, fetch.retries) == (4.0, 2)
    assert fetch.request_id == f"{walk.call.call_id}-q1"


def test_a_post_sends_the_values_of_its_expressions() -> None:
    [submit] = asking(TELLS).all(effects.Submit)
    assert submit.body == {"flat": 42, "owes": 2.5, "late": True, "of": "+90 532 *** ** 67"}


@pytest.mark.parametrize("flat", ["", ".", "..", "../admin", "a/b", "a\\b", "a\nb"])
def test_a_value_that_would_make_another_path_is_not_asked_for(flat: str) -> None:
    walk = asking(flat=flat)
    assert not walk.all(effects.Fetch)
    assert walk.nodes() == ["ask", "sorry"]


def test_an_address_that_no_server_takes_is_not_asked_for() -> None:
    assert asking(flat="ş" * 900).nodes() == ["ask", "sorry"]


def test_the_answer_goes_into_the_variables_and_nothing_is_cancelled_that_is_over() -> None:
    walk = asking()
    answered(walk, owes=12.5)
    assert walk.call.variables["owes"] == 12.5
    assert walk.call.variables["name"] == ""
    assert kinds(walk.last)[:2] == ["CancelTimer", "LeaveNode"]
    assert walk.nodes() == ["ask", "known"]


@pytest.mark.parametrize(
    ("reason", "status", "node"),
    [
        *((reason, None, "sorry") for reason in Unanswered),
        (Unanswered.STATUS, 500, "sorry"),
        (Unanswered.STATUS, 404, "unknown"),
        (Unanswered.WRONG_SHAPE, 404, "sorry"),
    ],
)
def test_an_answer_of_no_use_takes_the_exit_for_it(
    reason: Unanswered, status: int | None, node: str
) -> None:
    walk = asking()
    failed(walk, reason, status)
    assert walk.nodes() == ["ask", node]


def test_what_is_not_found_is_a_failure_where_no_exit_is_for_it() -> None:
    walk = asking(TELLS)
    failed(walk, Unanswered.STATUS, 404)
    assert walk.nodes() == ["tell", "sorry"]


def test_music_plays_from_the_second_second_on_and_ends_with_the_answer() -> None:
    walk = asking()
    assert not walk.all(effects.StartMusic)
    walk.timer_fires()
    assert walk.at == NOON + timedelta(seconds=1)
    assert walk.just(effects.StartMusic) == [effects.StartMusic(channel_id=CHANNEL, music="jazz")]
    answered(walk, owes=1.0)
    assert walk.just(effects.StopMusic)


def test_without_music_there_is_silence() -> None:
    walk = asking(ASKS.replace("music: jazz", "music: none"))
    walk.timer_fires()
    assert walk.nodes() == ["ask", "sorry"]
    assert not walk.all(effects.StartMusic)


def test_an_answer_that_the_engine_owes_is_not_waited_for_for_ever() -> None:
    walk = asking()
    walk.timer_fires()
    walk.timer_fires()
    assert walk.at == NOON + timedelta(seconds=6)
    assert walk.just(effects.CancelInquiry)
    assert walk.nodes() == ["ask", "sorry"]


def test_a_caller_who_hangs_up_ends_the_wait() -> None:
    walk = asking()
    asked = request_id(walk)
    walk.hangs_up()
    assert walk.just(effects.CancelInquiry) == [effects.CancelInquiry(request_id=asked)]
    assert walk.call.phase is Phase.ENDED


def test_an_answer_to_something_else_means_nothing() -> None:
    walk = asking()
    late = RequestId(f"{walk.call.call_id}-q99")
    walk.meet(events.Fetched(at=walk.at, request_id=late, status=200, values={"owes": 1.0}))
    assert walk.last == ()


def test_a_call_that_goes_on_before_the_answer_still_waits_for_it() -> None:
    walk = asking()
    asked = request_id(walk)
    walk.timer_fires()
    resumed(walk, inquiring=True)
    assert request_id(walk) == asked
    assert not walk.just(effects.Fetch)
    assert not walk.just(effects.CancelInquiry)
    walk.timer_fires()
    assert walk.just(effects.StartMusic), "the gap ended the music"
    answered(walk, owes=1.0)
    assert walk.nodes()[-1] == "known"


def test_what_a_dead_engine_asked_is_asked_again_under_a_new_name() -> None:
    walk = asking()
    resumed(walk, inquiring=False)
    first, second = walk.all(effects.Fetch)
    assert first.url == second.url
    assert first.request_id != second.request_id == walk.call.cursor.request_id


def test_what_a_dead_engine_told_is_not_told_twice() -> None:
    walk = asking(TELLS)
    resumed(walk, inquiring=False)
    assert len(walk.all(effects.Submit)) == 1
    assert walk.nodes() == ["tell", "sorry"]


AFTERWARDS = (
    TELLS.replace("start: tell", "start: hello\n    on_hangup: tell")
    .replace("      sorry:", "      hello: {type: play, prompt: hello, next: bye}\n      sorry:")
    .replace("failed: sorry", "failed: bye2")
    .replace("      bye: {type: hangup}", "      bye: {type: hangup}\n      bye2: {type: hangup}")
)


def test_after_the_caller_has_left_nobody_is_played_music() -> None:
    walk = Walk(
        flow_of(AFTERWARDS.replace("      sorry: {type: play, prompt: sorry, next: bye}\n", ""))
    )
    walk.hangs_up()
    assert walk.just(effects.Submit)
    walk.timer_fires()
    assert not walk.all(effects.StartMusic)
    assert walk.call.phase is Phase.ENDED


def test_after_the_caller_has_left_a_gap_does_not_lose_the_answer() -> None:
    walk = Walk(
        flow_of(AFTERWARDS.replace("      sorry: {type: play, prompt: sorry, next: bye}\n", ""))
    )
    walk.hangs_up()
    asked = request_id(walk)
    walk.meet(
        events.EndedUnheard(
            at=walk.at,
            channel_id=CHANNEL,
            since_at=walk.at,
            reason=events.UnheardEnd.ENDED_WHILE_DISCONNECTED,
            inquiring=True,
        )
    )
    assert request_id(walk) == asked
    answered(walk)
    assert walk.exits()[-2:] == [("tell", "next"), ("bye", "end")]


SHAPE = {"balance": {"amount": 12, "of": [{"name": "Ayşe"}], "big": 2**80, "none": None}}


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("float", "balance.amount", 12.0),
        ("int", "balance.amount", 12),
        ("str", "balance.of.0.name", "Ayşe"),
    ],
)
def test_a_value_is_found_by_its_path(kind: str, path: str, value: Value) -> None:
    [(_, found)] = answers.values_of(SHAPE, [wanted(kind, path)]).items()
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("str", "balance.amount"),
        ("bool", "balance.amount"),
        ("int", "balance.big"),
        ("float", "balance.of.0.name"),
        ("str", "balance.of.1.name"),
        ("str", "balance.of.-1.name"),
        ("str", "balance.of"),
        ("str", "nothing"),
        ("str", "balance.none"),
        ("str", "balance.amount.more"),
    ],
)
def test_a_value_that_is_missing_or_of_another_type_is_refused(kind: str, path: str) -> None:
    with pytest.raises(answers.ShapeError):
        answers.values_of(SHAPE, [wanted(kind, path)])


@pytest.mark.parametrize("text", [True, 1.5, "x" * 1_001, float("nan"), [], {}])
def test_what_no_variable_can_hold_is_refused(text: object) -> None:
    with pytest.raises(answers.ShapeError):
        answers.values_of({"it": text}, [wanted("int", "it")])


def test_an_optional_value_may_be_missing_or_null_but_not_of_another_type() -> None:
    for path in ("nothing", "balance.none"):
        assert answers.values_of(SHAPE, [wanted("str", path, optional=True)]) == {}
    with pytest.raises(answers.ShapeError):
        answers.values_of(SHAPE, [wanted("str", "balance.amount", optional=True)])


def wanted(kind: str, path: str, *, optional: bool = False) -> Wanted:
    assert kind in {"str", "int", "float", "bool"}
    return Wanted(variable="it", path=tuple(path.split(".")), kind=kind, optional=optional)  # type: ignore[arg-type]
