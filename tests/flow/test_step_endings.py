"""How calls end: by the caller, by the flow, by an error; and what becomes of requests that the switch does not obey."""

import dataclasses
from typing import Any

import pytest

from ivrengine.core import effects, events
from ivrengine.core.call import Call, DigitMode, Outcome, Phase
from ivrengine.core.events import Failure
from ivrengine.core.ids import TimerId
from ivrengine.flow.running import step, tidying
from tests.flow.walk import CHANNEL, Walk, flow_of, kinds

SHORT = """
    start: hello
    nodes:
      hello: {type: play, prompt: welcome, next: bye}
      bye: {type: hangup}
"""


def in_flow() -> Walk:
    return Walk(flow_of(SHORT))


def completed() -> Walk:
    walk = in_flow()
    walk.prompt_ends()
    assert walk.call.phase is Phase.LEAVING
    return walk


def failed() -> Walk:
    walk = in_flow()
    walk.meet(events.CallFailed(at=walk.at, error="KeyError"))
    assert walk.call.phase is Phase.LEAVING
    return walk


def test_a_caller_who_hangs_up_in_the_flow_has_hung_up() -> None:
    walk = in_flow()
    walk.hangs_up()
    assert kinds(walk.last) == ["CancelTimer", "LeaveNode", "EndCall"]
    assert walk.exits() == [("hello", "caller gone")]
    assert walk.call.outcome is Outcome.HUNG_UP
    assert walk.call.digit_mode is DigitMode.DROP


def test_a_channel_that_somebody_else_takes_is_taken() -> None:
    walk = in_flow()
    walk.meet(events.ChannelLeft(at=walk.at, channel_id=CHANNEL))
    assert walk.call.outcome is Outcome.TAKEN


@pytest.mark.parametrize(
    "event",
    [
        events.CallFailed(at=in_flow().at, error="KeyError"),
        events.FlowInterrupted(at=in_flow().at, reason="engine stopping"),
        events.RequestFailed(
            at=in_flow().at, effect="Answer", subject=CHANNEL, failure=Failure.REFUSED
        ),
    ],
)
def test_what_cannot_go_on_goes_to_the_fallback(event: events.CallEvent) -> None:
    walk = in_flow()
    walk.meet(event)
    assert kinds(walk.last) == [
        "StopPlayback",
        "CancelTimer",
        "LeaveNode",
        "SendToFallback",
        "StartTimer",
    ]
    walk.meet(events.ChannelLeft(at=walk.at, channel_id=CHANNEL))
    assert kinds(walk.last) == ["CancelTimer", "EndCall"]
    assert walk.call.outcome is Outcome.FALLBACK


def test_without_its_flow_version_a_call_goes_to_the_fallback_at_whatever_comes() -> None:
    call, found = step.step(
        None, in_flow().call, events.LegRinging(at=in_flow().at, channel_id=CHANNEL)
    )
    assert "SendToFallback" in kinds(found)
    assert call.outcome is Outcome.FALLBACK


@pytest.mark.parametrize("stage", [completed, failed])
def test_an_end_that_nobody_confirms_is_written_off_as_lost(stage: object) -> None:
    assert callable(stage)
    walk: Walk = stage()
    walk.timer_fires()
    assert walk.call.outcome is Outcome.LOST
    again = effects.HangUp if stage is completed else effects.SendToFallback
    assert walk.last[-2] == again(channel_id=CHANNEL), (
        "asked for once more, lest the line stay open"
    )
    assert kinds(walk.last)[-1] == "EndCall"


def test_a_caller_who_was_taken_for_gone_is_offered_to_the_fallback_in_the_end() -> None:
    walk = in_flow()
    walk.request_fails("Play", str(walk.call.cursor.playback_id), Failure.GONE)
    walk.timer_fires()
    assert kinds(walk.last) == ["SendToFallback", "EndCall"]


@pytest.mark.parametrize(
    ("failure", "ended", "outcome"),
    [
        (Failure.GONE, True, Outcome.COMPLETED),
        (Failure.NOT_READY, False, Outcome.COMPLETED),
        (Failure.UNAVAILABLE, False, Outcome.COMPLETED),
        (Failure.REFUSED, False, Outcome.COMPLETED),
    ],
)
def test_a_hang_up_that_is_not_done_ends_the_call_only_if_the_channel_is_gone(
    failure: Failure, ended: bool, outcome: Outcome
) -> None:
    walk = completed()
    walk.request_fails("HangUp", CHANNEL, failure)
    assert (walk.call.phase is Phase.ENDED) is ended
    assert walk.call.outcome is outcome


@pytest.mark.parametrize(
    ("failure", "told", "outcome"),
    [
        (Failure.GONE, ["CancelTimer", "EndCall"], Outcome.LOST),
        (Failure.NOT_READY, ["CancelTimer", "EndCall"], Outcome.FALLBACK),
        (Failure.REFUSED, ["HangUp"], Outcome.FALLBACK),
        (Failure.UNAVAILABLE, [], Outcome.FALLBACK),
    ],
)
def test_a_hand_over_that_is_not_done(failure: Failure, told: list[str], outcome: Outcome) -> None:
    walk = failed()
    walk.request_fails("SendToFallback", CHANNEL, failure)
    assert kinds(walk.last) == told
    assert walk.call.outcome is outcome


@pytest.mark.parametrize("stage", [completed, failed])
@pytest.mark.parametrize(
    "event",
    [
        events.CallFailed(at=in_flow().at, error="KeyError"),
        events.DigitPressed(at=in_flow().at, channel_id=CHANNEL, digit="1"),
        events.RequestFailed(
            at=in_flow().at, effect="StopPlayback", subject="ast1:ivr-x-p1", failure=Failure.GONE
        ),
    ],
)
def test_while_leaving_nothing_else_matters(stage: object, event: events.CallEvent) -> None:
    assert callable(stage)
    walk: Walk = stage()
    before = walk.call
    walk.meet(event)
    assert (walk.call, walk.last) == (before, ())


@pytest.mark.parametrize(
    ("stage", "request_kind"), [(completed, "HangUp"), (failed, "SendToFallback")]
)
def test_an_interrupted_leave_taking_is_asked_for_again(stage: object, request_kind: str) -> None:
    assert callable(stage)
    walk: Walk = stage()
    walk.meet(events.FlowInterrupted(at=walk.at, reason="engine restarted"))
    assert kinds(walk.last) == ["CancelTimer", request_kind, "StartTimer"]
    assert len({timer.timer_id for timer in walk.all(effects.StartTimer)}) == len(
        walk.all(effects.StartTimer)
    ), "an engine that never saw the first timer must not mix it up with the second"
    walk.timer_fires()
    assert walk.call.phase is Phase.ENDED


def test_after_the_end_nothing_happens_any_more() -> None:
    walk = in_flow()
    walk.hangs_up()
    ended: Call = walk.call
    for event in (
        events.CallFailed(at=walk.at, error="KeyError"),
        events.ChannelEnded(at=walk.at, channel_id=CHANNEL, cause=16),
        events.TimerFired(at=walk.at, timer_id=TimerId("t2")),
    ):
        walk.meet(event)
        assert walk.last == ()
        assert walk.call is ended


def test_a_changed_call_is_what_the_standard_library_would_make_of_it() -> None:
    call = in_flow().call
    changes: dict[str, Any] = {
        "node": "bye",
        "serial": 7,
        "variables": {"n": 1},
        "outcome": Outcome.LOST,
    }
    assert tidying.changed(call, **changes) == dataclasses.replace(call, **changes)
    assert tidying.changed(call) == call
    assert tidying.changed(call) is not call
