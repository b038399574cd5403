"""Calls that are recorded: what is kept of them, whatever happens."""

from datetime import timedelta

import pytest

from ivrengine.core import effects, events
from ivrengine.core.call import Phase
from ivrengine.core.effects import RecordingKind
from ivrengine.core.events import Failure
from tests.flow.walk import CHANNEL, Walk, flow_of, kinds

RECORDED = """
    start: begin
    nodes:
      begin: {type: record, do: start, announce: notice, retention: calls, next: ask, error: sorry}
      ask:
        type: menu
        prompt: menu
        choices: {1: pause, 2: go-on, 3: stop, 4: begin}
        no_input: bye
        no_match: bye
      pause: {type: record, do: pause, next: ask}
      go-on: {type: record, do: resume, next: ask}
      stop: {type: record, do: stop, next: ask}
      sorry: {type: hangup, prompt: sorry}
      bye: {type: hangup, prompt: goodbye}
"""


def recorded() -> Walk:
    """Return a recorded call at its menu."""
    walk = Walk(flow_of(RECORDED))
    walk.prompt_ends()
    [start] = walk.just(effects.StartMonitoring)
    assert (start.channel_id, start.retention) == (CHANNEL, "calls")
    walk.meet(events.RecordingStarted(at=walk.at, recording_id=start.recording_id))
    assert walk.call.node == "ask"
    return walk


def part(walk: Walk) -> effects.StartMonitoring:
    return walk.all(effects.StartMonitoring)[-1]


def test_a_call_is_recorded_once_the_caller_was_told() -> None:
    walk = Walk(flow_of(RECORDED))
    assert walk.call.recording is None
    assert walk.just(effects.Play)[0].prompts == ("notice",)
    walk.prompt_ends()
    assert walk.call.recording is not None


def test_a_recording_is_kept_when_the_caller_hangs_up() -> None:
    walk = recorded()
    own = part(walk)
    walk.at += timedelta(seconds=30)
    walk.hangs_up()
    [kept] = walk.just(effects.KeepRecording)
    assert (kept.recording_id, kept.kind) == (own.recording_id, RecordingKind.CALL)
    assert (kept.retention, kept.duration_s) == ("calls", 30.0)
    assert not walk.just(effects.StopMonitoring), "it ended with its channel"
    assert walk.call.recording is None


def test_nobody_is_recorded_with_a_person_of_the_fallback() -> None:
    walk = recorded()
    walk.meet(events.FlowInterrupted(at=walk.at, reason="engine stopping"))
    done = kinds(walk.last)
    assert done.index("StopMonitoring") < done.index("SendToFallback")
    assert "KeepRecording" in done


def test_who_was_taken_by_somebody_else_is_listened_to_no_longer() -> None:
    walk = recorded()
    walk.meet(events.ChannelLeft(at=walk.at, channel_id=CHANNEL))
    assert {"StopMonitoring", "KeepRecording"} <= set(kinds(walk.last))


def test_a_pause_counts_for_nothing() -> None:
    walk = recorded()
    own = part(walk)
    walk.at += timedelta(seconds=10)
    walk.presses("1")
    assert walk.just(effects.PauseRecording)[0].recording_id == own.recording_id
    assert walk.call.recording is not None
    assert walk.call.recording.paused
    walk.presses("1")
    assert not walk.just(effects.PauseRecording)
    walk.at += timedelta(seconds=100)
    walk.presses("2")
    assert walk.just(effects.ResumeRecording)[0].recording_id == own.recording_id
    walk.at += timedelta(seconds=5)
    walk.presses("3")
    assert walk.just(effects.StopMonitoring)[0].monitor_id == own.monitor_id
    assert walk.just(effects.KeepRecording)[0].duration_s == 15.0
    walk.presses("2")
    assert not walk.just(effects.StartMonitoring), "there is nothing to go on with"


TURNS = """
    start: begin
    nodes:
      begin: {type: record, do: start, next: ask, error: bye}
      ask:
        type: menu
        prompt: menu
        choices: {1: pause, 2: stop}
        no_input: bye
        no_match: bye
      pause: {type: record, do: pause, next: go-on}
      go-on: {type: record, do: resume, next: ask}
      stop: {type: record, do: stop, next: end}
      end: {type: hangup}
      bye: {type: hangup, prompt: goodbye}
"""


def in_turns() -> Walk:
    """Return a recorded call in whose flow one ``record`` node follows the other."""
    walk = Walk(flow_of(TURNS))
    [start] = walk.just(effects.StartMonitoring)
    walk.meet(events.RecordingStarted(at=walk.at, recording_id=start.recording_id))
    return walk


def test_what_is_paused_and_goes_on_in_one_step_goes_on() -> None:
    walk = in_turns()
    walk.presses("1")
    done = kinds(walk.last)
    assert done.index("PauseRecording") < done.index("ResumeRecording")
    assert walk.call.recording is not None
    assert not walk.call.recording.paused


def test_what_is_stopped_before_the_call_ends_is_kept_once() -> None:
    walk = in_turns()
    walk.at += timedelta(seconds=3)
    walk.presses("2")
    assert len(walk.just(effects.StopMonitoring)) == 1
    assert [kept.duration_s for kept in walk.just(effects.KeepRecording)] == [3.0]
    assert walk.call.phase is Phase.LEAVING


def test_what_runs_is_neither_announced_nor_begun_again() -> None:
    walk = recorded()
    walk.presses("4")
    assert not walk.just(effects.StartMonitoring)
    assert walk.call.node == "ask"


def test_a_pause_that_fails_ends_the_part_rather_than_record_what_it_must_not_have() -> None:
    walk = recorded()
    own = part(walk)
    walk.presses("1")
    walk.request_fails("PauseRecording", own.recording_id, Failure.UNAVAILABLE)
    assert walk.just(effects.StopMonitoring)[0].monitor_id == own.monitor_id
    assert walk.just(effects.KeepRecording)
    assert walk.call.recording is not None
    assert walk.call.recording.paused
    walk.presses("2")
    assert part(walk).recording_id != own.recording_id


def test_a_recording_that_cannot_go_on_begins_another_part() -> None:
    walk = recorded()
    own = part(walk)
    walk.presses("1")
    walk.presses("2")
    walk.request_fails("ResumeRecording", own.recording_id, Failure.GONE)
    assert part(walk).recording_id != own.recording_id
    assert walk.just(effects.KeepRecording)[0].recording_id == own.recording_id


@pytest.mark.parametrize("pressed", ["", "1"])
def test_after_a_gap_another_part_begins_and_none_if_it_is_paused(pressed: str) -> None:
    walk = recorded()
    own = part(walk)
    for key in pressed:
        walk.presses(key)
    walk.resumes()
    assert walk.just(effects.StopMonitoring)[0].monitor_id == own.monitor_id
    assert walk.just(effects.KeepRecording)[0].recording_id == own.recording_id
    assert len(walk.just(effects.StartMonitoring)) == (not pressed)
    assert walk.call.recording is not None
    assert walk.call.recording.paused is bool(pressed)


@pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.UNAVAILABLE])
def test_a_call_that_cannot_be_recorded_takes_the_error_exit(failure: Failure) -> None:
    walk = Walk(flow_of(RECORDED))
    walk.prompt_ends()
    own = part(walk)
    walk.request_fails("StartMonitoring", own.recording_id, failure)
    assert walk.call.node == "sorry"
    assert walk.call.recording is None
    assert len(walk.just(effects.StopMonitoring)) == (failure is Failure.UNAVAILABLE)
    assert not walk.all(effects.KeepRecording)


def test_a_recording_that_meets_its_limit_is_kept_and_its_channel_let_go_of() -> None:
    walk = recorded()
    own = part(walk)
    over = events.RecordingFinished(at=walk.at, recording_id=own.recording_id, duration_s=14_400)
    walk.meet(over)
    assert walk.just(effects.StopMonitoring)
    assert walk.just(effects.KeepRecording)[0].duration_s == 14_400
    assert walk.call.recording is None
    assert walk.call.node == "ask"
