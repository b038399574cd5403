"""Messages that callers leave: what is kept of them, whatever happens."""

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
