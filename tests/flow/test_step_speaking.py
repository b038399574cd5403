"""Nodes that speak and nodes that ask: play, menu, collect, hangup."""

import pytest

from ivrengine.core import effects, events
from ivrengine.core.call import DigitMode, Outcome, Phase
from ivrengine.core.events import Failure
from ivrengine.core.ids import ChannelId
from ivrengine.flow.nodes.prompting import PROMPT_LIMIT_S
from ivrengine.flow.running.step import CUT_OFF_GRACE_S
from tests.flow.walk import CHANNEL, Walk, flow_of, kinds

PLAY = """
    start: hello
    nodes:
      hello: {type: play, prompt: [welcome, hours], next: bye}
      bye: {type: hangup, prompt: goodbye}
"""
MENU = """
    start: menu
    nodes:
      menu:
        type: menu
        prompt: menu
        invalid_prompt: sorry
        timeout: 4s
        attempts: 2
        choices: {1: one, 0: zero, "*": star}
        no_input: silent
        no_match: wrong
      one: {type: hangup}
      zero: {type: hangup}
      star: {type: hangup}
      silent: {type: hangup}
      wrong: {type: hangup}
"""
COLLECT = """
    start: ask
    variables: {flat: {type: string}, number: {type: int}}
    nodes:
      ask:
        type: collect
        prompt: ask
        into: flat
        min_digits: 2
        max_digits: 4
        timeout: 5s
        inter_digit_timeout: 3s
        attempts: 2
        next: done
        no_input: silent
        no_match: wrong
      done: {type: hangup}
      silent: {type: hangup}
      wrong: {type: hangup}
"""


def test_a_call_is_answered_first_and_then_spoken_to() -> None:
    walk = Walk(flow_of(PLAY))
    assert kinds(walk.last) == ["Answer", "EnterNode", "Play", "StartTimer"]
    assert walk.played() == [("welcome", "hours")]
    assert walk.just(effects.Play)[0].language == "tr"
    assert walk.just(effects.StartTimer)[0].delay_s == PROMPT_LIMIT_S


def test_play_goes_on_when_its_prompt_is_over() -> None:
    walk = Walk(flow_of(PLAY))
    effects_then = walk.prompt_ends()
    assert kinds(effects_then) == ["CancelTimer", "LeaveNode", "EnterNode", "Play", "StartTimer"]
    assert walk.exits() == [("hello", "next")]


def test_a_key_cuts_a_play_short_and_waits_for_the_next_node() -> None:
    walk = Walk(flow_of(PLAY))
    assert walk.call.digit_mode is DigitMode.INTERRUPT
    walk.barges_in()
    assert kinds(walk.last)[:2] == ["StopPlayback", "CancelTimer"]
    assert walk.call.node == "bye"


def test_a_play_without_barge_in_lets_keys_wait() -> None:
    walk = Walk(flow_of(PLAY.replace("next: bye", "barge_in: no, next: bye")))
    assert walk.call.digit_mode is DigitMode.BUFFER


def test_the_end_of_another_playback_means_nothing() -> None:
    walk = Walk(flow_of(PLAY))
    first = walk.call.cursor.playback_id
    walk.prompt_ends()
    before = walk.call
    assert first is not None
    walk.request_fails("Play", first, Failure.REFUSED)
    assert walk.last == ()
    assert walk.call is before


@pytest.mark.parametrize("failure", [Failure.REFUSED, Failure.UNAVAILABLE, Failure.NOT_READY])
def test_a_prompt_that_cannot_be_played_does_not_hold_the_call(failure: Failure) -> None:
    walk = Walk(flow_of(PLAY))
    playback_id = walk.call.cursor.playback_id
    assert playback_id is not None
    walk.request_fails("Play", playback_id, failure)
    may_be_playing = failure is Failure.UNAVAILABLE
    assert walk.exits()[0] == ("hello", "next" if may_be_playing else "prompt not playable")
    assert (walk.call.outcome is Outcome.FALLBACK) is not may_be_playing
    assert bool(walk.just(effects.StopPlayback)) is may_be_playing


def test_a_playback_whose_end_is_never_told_is_given_up() -> None:
    walk = Walk(flow_of(PLAY))
    walk.timer_fires()
    assert kinds(walk.last)[:2] == ["StopPlayback", "LeaveNode"]


def test_a_playback_that_broke_off_waits_a_moment_for_the_hang_up() -> None:
    walk = Walk(flow_of(PLAY))
    walk.prompt_ends(completed=False)
    assert walk.call.node == "hello"
    assert walk.just(effects.StartTimer)[0].delay_s == CUT_OFF_GRACE_S
    assert not walk.just(effects.StopPlayback)
    walk.timer_fires()
    assert walk.call.node == "bye"


def test_a_caller_who_hangs_up_during_a_prompt_reaches_no_further_node() -> None:
    walk = Walk(flow_of(PLAY))
    walk.prompt_ends(completed=False)
    walk.hangs_up()
    assert walk.nodes() == ["hello"]
    assert walk.call.outcome is Outcome.HUNG_UP


def test_hangup_says_goodbye_hangs_up_and_waits_for_the_end() -> None:
    walk = Walk(flow_of(PLAY))
    walk.prompt_ends()
    assert walk.call.digit_mode is DigitMode.DROP
    walk.prompt_ends()
    assert kinds(walk.last) == ["CancelTimer", "LeaveNode", "HangUp", "StartTimer"]
    assert walk.call.phase is Phase.LEAVING
    walk.hangs_up()
    assert kinds(walk.last) == ["CancelTimer", "EndCall"]
    assert walk.call.outcome is Outcome.COMPLETED
    assert walk.call.ended_at == walk.at


@pytest.mark.parametrize(("key", "node"), [("1", "one"), ("0", "zero"), ("*", "star")])
def test_a_menu_goes_where_the_key_leads_even_during_the_prompt(key: str, node: str) -> None:
    walk = Walk(flow_of(MENU))
    assert walk.call.digit_mode is DigitMode.TAKE
    walk.presses(key)
    assert ("menu", key) in walk.exits()
    assert walk.call.node == node
    assert kinds(walk.last)[:2] == ["StopPlayback", "CancelTimer"]


def test_a_menu_listens_after_its_prompt_and_asks_again_when_nobody_presses() -> None:
    walk = Walk(flow_of(MENU))
    walk.prompt_ends()
    assert walk.just(effects.StartTimer)[0].delay_s == 4.0
    walk.timer_fires()
    assert walk.played() == [("menu",), ("menu",)]
    assert walk.call.cursor.attempt == 2
    assert not walk.all(effects.DropDigits)
    walk.prompt_ends()
    walk.timer_fires()
    assert walk.exits()[0] == ("menu", "no_input")


@pytest.mark.parametrize("key", ["5", "#", "A"])
def test_a_wrong_key_is_apologised_for_and_what_follows_it_does_not_count(key: str) -> None:
    walk = Walk(flow_of(MENU))
    walk.presses(key)
    assert walk.played()[-1] == ("sorry", "menu")
    assert kinds(walk.last) == ["StopPlayback", "CancelTimer", "DropDigits", "Play", "StartTimer"]
    walk.presses(key)
    assert walk.exits()[0] == ("menu", "no_match")


@pytest.mark.parametrize(
    ("options", "during_prompt", "dropped_at_start", "dropped_after_prompt"),
    [
        ("", DigitMode.TAKE, False, False),
        ("type_ahead: no,", DigitMode.TAKE, True, False),
        ("barge_in: no,", DigitMode.BUFFER, False, False),
        ("barge_in: no, type_ahead: no,", DigitMode.BUFFER, True, True),
    ],
)
def test_which_keys_count_is_a_matter_of_type_ahead_and_barge_in(
    options: str, during_prompt: DigitMode, dropped_at_start: bool, dropped_after_prompt: bool
) -> None:
    walk = Walk(
        flow_of(f"""
        start: menu
        nodes:
          menu: {{type: menu, prompt: menu, {options} choices: {{1: bye}}, no_input: bye, no_match: bye}}
          bye: {{type: hangup}}
        """)
    )
    assert walk.call.digit_mode is during_prompt
    assert bool(walk.just(effects.DropDigits)) is dropped_at_start
    walk.prompt_ends()
    assert bool(walk.just(effects.DropDigits)) is dropped_after_prompt
    assert walk.call.digit_mode is DigitMode.TAKE


def test_a_key_from_another_channel_means_nothing() -> None:
    walk = Walk(flow_of(MENU))
    stranger = ChannelId("ast1:stranger")
    walk.meet(events.DigitPressed(at=walk.at, channel_id=stranger, digit="1"))
    walk.meet(events.BargedIn(at=walk.at, channel_id=stranger))
    assert walk.call.node == "menu"


def entered(walk: Walk, keys: str) -> Walk:
    for key in keys:
        walk.presses(key)
    return walk


def test_collect_takes_digits_up_to_the_terminator() -> None:
    walk = entered(Walk(flow_of(COLLECT)), "042#")
    assert walk.call.variables["flat"] == "042"
    assert walk.exits()[0] == ("ask", "next")


def test_the_first_digit_of_an_entry_stops_the_prompt_and_each_waits_for_the_next() -> None:
    walk = Walk(flow_of(COLLECT))
    walk.presses("1")
    assert kinds(walk.last) == ["StopPlayback", "CancelTimer", "StartTimer"]
    assert walk.just(effects.StartTimer)[0].delay_s == 3.0
    walk.presses("2")
    assert kinds(walk.last) == ["CancelTimer", "StartTimer"]
    walk.timer_fires()
    assert walk.call.variables["flat"] == "12"


def test_a_full_entry_waits_a_moment_for_the_terminator_only() -> None:
    walk = entered(Walk(flow_of(COLLECT)), "1234")
    assert walk.call.node == "ask"
    assert walk.just(effects.StartTimer)[0].delay_s == 1.0
    walk.presses("#")
    assert walk.call.variables["flat"] == "1234"
    walk = entered(Walk(flow_of(COLLECT)), "1234")
    walk.timer_fires()
    assert walk.call.variables["flat"] == "1234"


def test_an_entry_that_is_too_long_is_asked_for_again() -> None:
    walk = entered(Walk(flow_of(COLLECT)), "12345")
    assert walk.call.cursor.attempt == 2
    assert walk.call.cursor.digits == ""


def test_without_a_terminator_the_last_digit_ends_the_entry_and_more_is_for_the_next_node() -> None:
    flow = flow_of(COLLECT.replace("into: flat", "into: flat\n        terminator: none"))
    walk = entered(Walk(flow), "1234")
    assert walk.call.variables["flat"] == "1234"


@pytest.mark.parametrize("keys", ["1#", "#", "1*2#", "*#", "1A#"])
def test_an_entry_that_is_no_number_or_too_short_is_no_match(keys: str) -> None:
    walk = entered(Walk(flow_of(COLLECT)), keys + keys)
    assert walk.exits()[0] == ("ask", "no_match")
    assert walk.call.variables["flat"] == ""


def test_silence_is_asked_again_and_then_leaves_by_no_input() -> None:
    walk = Walk(flow_of(COLLECT))
    for _ in range(2):
        walk.prompt_ends()
        assert walk.just(effects.StartTimer)[0].delay_s == 5.0
        walk.timer_fires()
    assert walk.exits()[0] == ("ask", "no_input")


def test_a_pause_after_too_few_digits_is_no_match() -> None:
    walk = entered(Walk(flow_of(COLLECT)), "1")
    walk.timer_fires()
    assert walk.call.cursor.attempt == 2
    assert walk.just(effects.DropDigits)


def test_digits_into_an_int_are_a_number() -> None:
    walk = entered(Walk(flow_of(COLLECT.replace("into: flat", "into: number"))), "007#")
    assert walk.call.variables["number"] == 7


def test_a_call_whose_channel_is_gone_asks_for_nothing_more() -> None:
    walk = Walk(flow_of(MENU))
    playback_id = walk.call.cursor.playback_id
    assert playback_id is not None
    walk.request_fails("Play", playback_id, Failure.GONE)
    assert kinds(walk.last) == ["CancelTimer", "LeaveNode", "StartTimer"]
    assert walk.call.phase is Phase.LEAVING
    walk.channel_ends(CHANNEL)
    assert walk.call.outcome is Outcome.HUNG_UP
