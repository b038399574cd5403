"""A ``wait`` node lets time pass, with music or without, and goes on where it should."""

from datetime import timedelta

from ivrengine.core import effects
from ivrengine.core.call import DigitMode
from tests.flow.walk import CHANNEL, Walk, flow_of, kinds

MUSIC = """
    start: hold
    nodes:
      hold: {type: wait, for: 10s, music: default, key: menu, next: bye}
      menu: {type: menu, prompt: menu, choices: {1: bye}, no_input: bye, no_match: bye}
      bye: {type: hangup}
"""
SILENCE = """
    start: hold
    nodes:
      hold: {type: wait, for: 2s, next: bye}
      bye: {type: hangup}
"""


def test_a_wait_lasts_as_long_as_it_says() -> None:
    walk = Walk(flow_of(SILENCE))
    [timer] = walk.just(effects.StartTimer)
    assert timer.delay_s == 2.0
    assert not walk.just(effects.StartMusic)
    assert walk.call.digit_mode is DigitMode.BUFFER
    walk.timer_fires()
    assert walk.exits() == [("hold", "next"), ("bye", "end")]
    assert not walk.all(effects.StopMusic)


def test_music_plays_from_the_beginning_to_the_end_of_it() -> None:
    walk = Walk(flow_of(MUSIC))
    assert walk.just(effects.StartMusic) == [
        effects.StartMusic(channel_id=CHANNEL, music="default")
    ]
    walk.timer_fires()
    assert walk.just(effects.StopMusic) == [effects.StopMusic(channel_id=CHANNEL)]
    assert walk.exits()[0] == ("hold", "next")


def test_a_key_ends_the_wait_if_it_leads_somewhere() -> None:
    walk = Walk(flow_of(MUSIC))
    assert walk.call.digit_mode is DigitMode.INTERRUPT
    done = walk.barges_in()
    assert walk.exits() == [("hold", "key")]
    assert kinds(done).index("StopMusic") < kinds(done).index("Play")
    assert "CancelTimer" in kinds(done)


def test_after_a_gap_the_wait_is_for_what_is_left() -> None:
    walk = Walk(flow_of(MUSIC))
    walk.at += timedelta(seconds=4)
    done = kinds(walk.resumes())
    assert [timer.delay_s for timer in walk.just(effects.StartTimer)] == [6.0]
    assert done.index("StopMusic") < done.index("StartMusic"), "what may play is begun again"
    walk.at += timedelta(seconds=3)
    walk.resumes()
    assert [timer.delay_s for timer in walk.just(effects.StartTimer)] == [3.0]


def test_after_a_gap_that_was_longer_the_wait_is_over() -> None:
    walk = Walk(flow_of(MUSIC))
    walk.at += timedelta(seconds=11)
    walk.resumes()
    assert walk.exits()[0] == ("hold", "next")
    assert not walk.just(effects.StartMusic)


def test_the_music_ends_when_the_time_of_the_flow_is_over() -> None:
    walk = Walk(
        flow_of("""
        max_duration: 10s
        on_max_duration: menu
        start: hold
        nodes:
          hold: {type: wait, for: 60s, music: default, next: bye}
          menu: {type: menu, prompt: menu, choices: {1: bye}, no_input: bye, no_match: bye}
          bye: {type: hangup}
        """)
    )
    walk.limit_is_over(10)
    assert walk.just(effects.StopMusic) == [effects.StopMusic(channel_id=CHANNEL)]
    assert walk.nodes() == ["hold", "menu"]


def test_nothing_is_asked_of_a_channel_that_has_gone() -> None:
    walk = Walk(flow_of(MUSIC))
    assert "StopMusic" not in kinds(walk.hangs_up())
