"""How a call goes on after a time in which nobody listened, at each type of node and each of its stages; and how it ends then."""

import pytest

from ivrengine.core import effects, events
from ivrengine.core.call import Outcome, Phase
from ivrengine.core.events import LegSeen, UnheardEnd
from ivrengine.flow.running import step
from tests.flow.test_step_transfer import LAST, connecting, ringing, talking
from tests.flow.walk import CHANNEL, NOON, Walk, flow_of, kinds

SPEAKING = """
    start: hello
    variables:
      flat: {type: string}
    nodes:
      hello: {type: play, prompt: [welcome, news], next: menu}
      menu:
        type: menu
        prompt: menu
        invalid_prompt: sorry
        attempts: 3
        choices: {1: flat, 9: bye}
        no_input: bye
        no_match: bye
      flat:
        type: collect
        prompt: flat
        into: flat
        max_digits: 4
        next: bye
        no_input: bye
        no_match: bye
      bye: {type: hangup, prompt: goodbye}
"""
ALL_AGAIN = ["StopMusic", "DropDigits", "StopPlayback", "CancelTimer", "Play", "StartTimer"]


def at(*keys: str) -> Walk:
    """Return a call behind the welcome that pressed these keys."""
    walk = Walk(flow_of(SPEAKING))
    walk.prompt_ends()
    for key in keys:
        walk.presses(key)
    return walk


def test_a_prompt_begins_again_under_a_new_id() -> None:
    walk = Walk(flow_of(SPEAKING))
    [first] = walk.all(effects.Play)
    walk.resumes()
    assert kinds(walk.last) == ALL_AGAIN
    [again] = walk.just(effects.Play)
    assert again.prompts == first.prompts == ("welcome", "news")
    assert again.playback_id != first.playback_id
    assert walk.just(effects.StopPlayback)[0].playback_id == first.playback_id
    assert walk.nodes() == ["hello"], "it is the same visit"


def test_a_caller_who_was_not_answered_is_answered_first() -> None:
    walk = Walk(flow_of(SPEAKING))
    walk.resumes(answered=False)
    assert kinds(walk.last) == ["Answer", *ALL_AGAIN]


def test_a_question_is_asked_again_without_counting_as_another_attempt() -> None:
    walk = at("5")
    assert walk.call.cursor.attempt == 2
    walk.resumes()
    assert kinds(walk.last) == ALL_AGAIN
    assert walk.played()[-1] == ("menu",)
    assert walk.call.cursor.attempt == 2


def test_a_menu_that_was_listening_asks_again() -> None:
    walk = at()
    walk.prompt_ends()
    walk.resumes()
    assert kinds(walk.last) == ["StopMusic", "DropDigits", "CancelTimer", "Play", "StartTimer"]
    walk.presses("9")
    assert walk.call.node == "bye"


def test_half_a_number_is_asked_for_again() -> None:
    walk = at("1", "4", "2")
    assert walk.call.cursor.digits == "42"
    walk.resumes()
    assert walk.played()[-1] == ("flat",)
    assert walk.call.cursor.digits == ""


def test_a_goodbye_is_said_again_and_then_ends_the_call() -> None:
    walk = at("9")
    walk.resumes()
    assert kinds(walk.last) == ALL_AGAIN
    walk.prompt_ends()
    assert walk.just(effects.HangUp)


def test_a_prompt_that_had_broken_off_is_played_again() -> None:
    walk = Walk(flow_of(SPEAKING))
    walk.prompt_ends(completed=False)
    walk.resumes()
    assert kinds(walk.last) == ["StopMusic", "DropDigits", "CancelTimer", "Play", "StartTimer"]


def test_a_phone_that_rings_goes_on_ringing_with_music_and_a_new_bound() -> None:
    walk = ringing()
    leg = walk.leg()
    walk.resumes(LegSeen.RINGING)
    assert kinds(walk.last) == ["DropDigits", "CancelTimer", "StartMusic", "StartTimer"]
    assert walk.leg() == leg
    walk.leg_answers()
    assert walk.just(effects.AddToBridge)[0].channel_ids == (CHANNEL, leg)


def test_a_phone_that_was_picked_up_meanwhile_is_put_through() -> None:
    walk = ringing()
    walk.resumes(LegSeen.UP)
    assert kinds(walk.last)[2:] == ["StopMusic", "CreateBridge", "AddToBridge"]
    walk.leg_joins()
    assert walk.call.phase is Phase.TALKING


@pytest.mark.parametrize("stage", [ringing, connecting])
def test_a_phone_that_is_gone_counts_as_failed_and_is_not_dialled_again(stage: object) -> None:
    assert callable(stage)
    walk: Walk = stage()
    walk.resumes(LegSeen.NONE)
    assert walk.exits() == [("reception", "failed")]
    assert not walk.just(effects.Dial)
    assert walk.just(effects.StopMusic)


@pytest.mark.parametrize("stage", [connecting, talking])
def test_who_is_not_together_in_the_bridge_is_put_there_again(stage: object) -> None:
    assert callable(stage)
    walk: Walk = stage()
    bridge_id = walk.call.cursor.bridge_id
    assert bridge_id is not None
    walk.resumes(LegSeen.UP)
    assert kinds(walk.last) == [
        *("DropDigits", "StopMusic", "CreateBridge", "RemoveFromBridge", "AddToBridge"),
    ]
    assert walk.just(effects.AddToBridge)[0].bridge_id == bridge_id
    assert walk.call.talked is (stage is talking)
    walk.leg_joins()
    assert walk.call.phase is Phase.TALKING


@pytest.mark.parametrize("stage", [connecting, talking])
def test_a_talk_goes_on_untouched(stage: object) -> None:
    assert callable(stage)
    walk: Walk = stage()
    walk.resumes(LegSeen.UP, joined=True)
    assert kinds(walk.last) == ["DropDigits"]
    assert walk.call.phase is Phase.TALKING
    walk.leg_ends(16)
    assert walk.exits() == [("reception", "next")]


def test_a_talk_whose_other_side_is_gone_is_over() -> None:
    walk = talking()
    walk.resumes(LegSeen.NONE)
    assert walk.exits() == [("reception", "next")]
    assert walk.call.node == "survey"
    assert walk.call.talked


def test_a_last_talk_whose_other_side_is_gone_ends_the_call() -> None:
    walk = talking(LAST)
    walk.resumes(LegSeen.NONE)
    assert walk.call.phase is Phase.LEAVING
    assert walk.call.outcome is Outcome.TRANSFERRED


def test_a_call_that_was_leaving_is_asked_to_go_again() -> None:
    walk = at("9")
    walk.prompt_ends()
    walk.resumes()
    assert kinds(walk.last) == ["CancelTimer", "HangUp", "StartTimer"]
    walk.ends_unheard(UnheardEnd.ENDED_WHILE_DISCONNECTED)
    assert walk.call.outcome is Outcome.COMPLETED, "it came to what was asked for"


def test_without_its_flow_version_a_resumed_call_goes_to_the_fallback() -> None:
    walk = at()
    found = events.Resumed(at=NOON, since_at=NOON, answered=True, leg=LegSeen.NONE, joined=False)
    call, done = step.step(None, walk.call, found)
    assert "SendToFallback" in kinds(done)
    assert call.outcome is Outcome.FALLBACK


@pytest.mark.parametrize("reason", UnheardEnd)
def test_a_call_that_ended_unheard_is_lost(reason: UnheardEnd) -> None:
    walk = at()
    walk.ends_unheard(reason)
    assert walk.call.outcome is Outcome.LOST
    assert walk.call.phase is Phase.ENDED


def test_a_talk_that_ended_unheard_was_a_transfer_all_the_same() -> None:
    walk = talking()
    walk.ends_unheard(UnheardEnd.PBX_RESTART)
    assert walk.call.outcome is Outcome.TRANSFERRED
    assert kinds(walk.last) == ["HangUp", "DestroyBridge", "LeaveNode", "EndCall"]


def test_who_is_found_elsewhere_after_being_handed_over_is_with_the_fallback() -> None:
    walk = at()
    walk.meet(events.CallFailed(at=walk.at, error="KeyError"))
    walk.meet(events.ChannelLeft(at=walk.at, channel_id=CHANNEL))
    assert walk.call.outcome is Outcome.FALLBACK


def test_how_long_a_caller_had_waited_before_is_kept() -> None:
    walk = Walk(flow_of(SPEAKING), waiting_since_at=NOON)
    assert walk.call.waiting_since_at == NOON
    assert at().call.waiting_since_at is None
