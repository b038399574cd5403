"""Messages that callers leave, and calls that are recorded: what is kept, whatever happens."""

from datetime import timedelta

import pytest

from ivrengine.core import effects, events
from ivrengine.core.call import Phase
from ivrengine.core.effects import RecordingKind
from ivrengine.core.events import Failure, UnheardEnd
from ivrengine.core.ids import RecordingId
from tests.flow.walk import CHANNEL, Walk, flow_of, kinds

MESSAGE = """
    start: message
    nodes:
      message:
        type: voicemail
        prompt: greeting
        limit: 60s
        box: sales
        retention: messages
        {review}
        next: thanks
        no_message: bye
        error: sorry
      thanks: {{type: hangup, prompt: thanks}}
      bye: {{type: hangup, prompt: goodbye}}
      sorry: {{type: hangup, prompt: sorry}}
"""
REVIEW = 'review: {prompt: review, discard: "9"}'
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


def recording(review: str = "") -> Walk:
    """Return a call that has just begun to record a message."""
    walk = Walk(flow_of(MESSAGE.format(review=review)))
    walk.prompt_ends()
    return walk


def live(walk: Walk) -> RecordingId:
    assert walk.call.cursor.recording_id is not None
    return walk.call.cursor.recording_id


def ends(walk: Walk, duration_s: float = 10.0, talked_s: float | None = 8.0) -> None:
    walk.meet(
        events.RecordingFinished(
            at=walk.at, recording_id=live(walk), duration_s=duration_s, talked_s=talked_s
        )
    )


def reviewing() -> Walk:
    walk = recording(REVIEW)
    walk.presses("#")
    ends(walk)
    return walk


def test_a_message_begins_after_the_greeting_and_a_tone() -> None:
    walk = Walk(flow_of(MESSAGE.format(review="")))
    [greeting] = walk.just(effects.Play)
    assert (greeting.prompts, greeting.beep) == (("greeting",), True)
    walk.prompt_ends()
    [start] = walk.just(effects.StartRecording)
    assert (start.target, start.limit_s, start.max_silence_s) == (CHANNEL, 60, 4)


def test_the_end_key_skips_the_greeting_but_not_the_tone() -> None:
    walk = Walk(flow_of(MESSAGE.format(review="")))
    walk.presses("5")
    assert not walk.last
    walk.presses("#")
    [tone] = walk.just(effects.Play)
    assert (tone.prompts, tone.beep) == ((), True)
    walk.prompt_ends()
    assert walk.just(effects.StartRecording)


def test_a_message_that_the_end_key_ends_is_kept_once_it_is_stored() -> None:
    walk = recording()
    own = live(walk)
    walk.presses("#")
    assert walk.just(effects.StopRecording)[0].recording_id == own
    assert not walk.all(effects.KeepRecording)
    ends(walk)
    [kept] = walk.just(effects.KeepRecording)
    assert (kept.recording_id, kept.kind) == (own, RecordingKind.VOICEMAIL)
    assert (kept.retention, kept.duration_s) == ("messages", 10.0)
    assert kept.media in own
    assert walk.just(effects.SetAttribute)[0].value == "sales"
    assert walk.call.node == "thanks"


def test_a_message_that_silence_ends_is_kept_when_nobody_says_that_the_caller_left() -> None:
    walk = recording()
    ends(walk)
    assert not walk.just(effects.Play)
    walk.timer_fires()
    assert len(walk.all(effects.KeepRecording)) == 1
    assert walk.call.node == "thanks"


@pytest.mark.parametrize(("duration_s", "talked_s"), [(1, 1), (30, 1), (1, None)])
def test_who_says_nothing_leaves_no_message(duration_s: float, talked_s: float | None) -> None:
    walk = recording()
    own = live(walk)
    ends(walk, duration_s, talked_s)
    assert walk.just(effects.DiscardRecording)[0].recording_id == own
    walk.timer_fires()
    assert not walk.all(effects.KeepRecording)
    assert walk.call.node == "bye"


def test_who_hangs_up_while_they_speak_has_left_a_message() -> None:
    walk = recording()
    own = live(walk)
    ends(walk)
    walk.hangs_up()
    assert [kept.recording_id for kept in walk.all(effects.KeepRecording)] == [own]
    assert walk.call.phase is Phase.ENDED


def test_so_has_who_hangs_up_before_it_is_told_that_the_recording_ended() -> None:
    walk = recording()
    own = live(walk)
    walk.at += timedelta(seconds=20)
    walk.hangs_up()
    [kept] = walk.all(effects.KeepRecording)
    assert (kept.recording_id, kept.duration_s) == (own, 20.0)
    assert not walk.all(effects.StopRecording), "it ended with its channel"


@pytest.mark.parametrize("way", ["hangs up", "lost", "interrupted"])
def test_a_message_that_waits_for_its_review_is_kept_whatever_happens(way: str) -> None:
    walk = reviewing()
    [playing] = walk.just(effects.Play)
    assert playing.prompts == ("review",)
    match way:
        case "hangs up":
            walk.hangs_up()
        case "lost":
            walk.ends_unheard(UnheardEnd.ENDED_WHILE_DISCONNECTED)
        case _:
            walk.meet(events.FlowInterrupted(at=walk.at, reason="engine stopping"))
    assert len(walk.all(effects.KeepRecording)) == 1


def test_an_interrupted_recording_is_kept_and_stopped_before_the_caller_goes_to_a_person() -> None:
    walk = recording()
    own = live(walk)
    walk.meet(events.FlowInterrupted(at=walk.at, reason="engine stopping"))
    assert walk.just(effects.KeepRecording)[0].recording_id == own
    done = kinds(walk.last)
    assert done.index("StopRecording") < done.index("SendToFallback")


def test_a_message_is_heard_recorded_again_and_deleted_by_its_keys() -> None:
    walk = reviewing()
    [first] = [part.recording_id for part in walk.call.cursor.parts]
    walk.presses("2")
    assert walk.just(effects.Play)[0].recordings == (first,)
    walk.presses("3")
    assert walk.just(effects.DiscardRecording)[0].recording_id == first
    walk.prompt_ends()
    walk.presses("#")
    ends(walk)
    [second] = [part.recording_id for part in walk.call.cursor.parts]
    assert second != first
    walk.presses("9")
    assert walk.just(effects.DiscardRecording)[0].recording_id == second
    assert not walk.all(effects.KeepRecording)
    assert walk.call.node == "bye"


def test_a_review_that_nobody_answers_keeps_the_message() -> None:
    walk = reviewing()
    for _ in range(3):
        walk.prompt_ends()
        walk.timer_fires()
    assert len(walk.all(effects.KeepRecording)) == 1
    assert walk.call.node == "thanks"


def test_after_a_gap_the_caller_speaks_on_and_both_parts_are_the_message() -> None:
    walk = recording()
    first = live(walk)
    walk.at += timedelta(seconds=7)
    walk.resumes()
    assert walk.just(effects.StopRecording)[0].recording_id == first
    assert walk.just(effects.Play)[0].beep
    walk.prompt_ends()
    second = live(walk)
    walk.presses("#")
    ends(walk)
    assert [kept.recording_id for kept in walk.all(effects.KeepRecording)] == [first, second]
    assert walk.all(effects.KeepRecording)[0].duration_s == 7.0


def test_what_was_to_be_deleted_is_deleted_again_after_a_gap() -> None:
    walk = reviewing()
    walk.presses("3")
    [deleted] = walk.just(effects.DiscardRecording)
    walk.resumes()
    assert walk.just(effects.DiscardRecording) == [deleted]
    walk.prompt_ends()
    walk.resumes()
    assert not walk.just(effects.DiscardRecording)


@pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.NOT_READY, Failure.UNAVAILABLE])
def test_a_recording_that_cannot_begin_takes_the_error_exit(failure: Failure) -> None:
    walk = recording()
    own = live(walk)
    walk.request_fails("StartRecording", own, failure)
    assert walk.call.node == "sorry"
    stopped = [stop.recording_id for stop in walk.all(effects.StopRecording)]
    assert stopped == ([own] if failure is Failure.UNAVAILABLE else [])


def test_a_recording_whose_end_nobody_tells_is_over_a_while_after_its_limit() -> None:
    walk = recording()
    own = live(walk)
    walk.timer_fires()
    assert walk.just(effects.StopRecording)[0].recording_id == own
    assert walk.just(effects.KeepRecording)[0].duration_s == 60.0


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
