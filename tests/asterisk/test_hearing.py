"""What a fact means after those before it: the end of a channel is told once, with its true nature."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ivrengine.asterisk import hearing, translate
from ivrengine.asterisk.hearing import Hearing
from ivrengine.core import events
from ivrengine.core.ids import ChannelId, NodeName, PlaybackId
from ivrengine.core.switching import Arrival, DigitHeard, SwitchEvent
from tests.asterisk import raw

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NODE = translate.Node(name=NodeName("ast1"), country="TR")
CHANNEL = ChannelId("ast1:1732213.7")
PLAYBACK = PlaybackId("ast1:ivr-p")


def told(*raws: dict[str, Any], memory: Hearing | None = None) -> list[SwitchEvent]:
    memory = memory or Hearing()
    facts = [translate.translate(each, NODE, AT) for each in raws]
    heard = [memory.take(fact) for fact in facts if fact is not None]
    return [event for event in heard if event is not None]


def ended(cause: int = 16) -> events.ChannelEnded:
    return events.ChannelEnded(at=AT, channel_id=CHANNEL, cause=cause)


def test_a_caller_who_hangs_up_is_gone_though_asterisk_never_says_destroyed() -> None:
    assert told(raw.hangup_asked(), raw.end()) == [ended()]


def test_stasis_end_before_channel_destroyed_is_one_end() -> None:
    assert told(raw.hangup_asked(), raw.end(), raw.destroyed()) == [ended()]


def test_a_second_request_to_hang_up_is_no_second_end() -> None:
    soft = raw.hangup_asked(cause=16, soft=True)
    assert told(raw.hangup_asked(), raw.end(), soft, raw.destroyed(cause=0)) == [ended()]


def test_a_channel_destroyed_outside_the_application_is_gone() -> None:
    assert told(raw.destroyed(cause=17)) == [ended(17)]


def test_a_channel_that_goes_on_in_the_dialplan_has_left_alive() -> None:
    left = events.ChannelLeft(at=AT, channel_id=CHANNEL)
    assert told(raw.end()) == [left]
    assert told(raw.end(), raw.hangup_asked(), raw.destroyed()) == [left]


def test_a_channel_that_somebody_redirects_has_left_alive() -> None:
    moved = raw.hangup_asked(cause=2, soft=True)
    assert told(moved, raw.end()) == [events.ChannelLeft(at=AT, channel_id=CHANNEL)]


def test_a_key_told_twice_is_one_key_and_pressed_twice_is_two() -> None:
    first, later = raw.dtmf("5", raw.AT), raw.dtmf("5", "2026-03-02T09:00:00.100+0000")
    other = raw.dtmf("6", raw.AT)
    digits = [
        event.digit for event in told(first, first, later, other) if isinstance(event, DigitHeard)
    ]
    assert digits == ["5", "5", "6"]


def test_a_key_on_another_channel_at_the_same_instant_is_its_own() -> None:
    assert len(told(raw.dtmf("5"), raw.dtmf("5", channel_id="1732213.8"))) == 2


def test_a_key_after_the_end_of_its_channel_is_nothing() -> None:
    assert told(raw.hangup_asked(), raw.end(), raw.dtmf("5")) == [ended()]


def test_a_leg_whose_id_is_dialled_anew_can_end_anew() -> None:
    memory = Hearing()
    assert len(told(raw.destroyed("ivr-leg"), memory=memory)) == 1
    memory.watch("ast1:ivr-leg")
    memory.unwatch("ast1:ivr-leg")
    assert len(told(raw.destroyed("ivr-leg"), memory=memory)) == 1


def test_what_was_known_before_the_link_broke_counts_no_more() -> None:
    memory = Hearing()
    told(raw.hangup_asked(), raw.dtmf("5"), memory=memory)
    memory.stopping(PLAYBACK)
    memory.forget()
    again = told(raw.dtmf("5"), raw.finished("ivr-p"), raw.end(), memory=memory)
    assert [type(event) for event in again] == [
        DigitHeard,
        events.PlaybackFinished,
        events.ChannelLeft,
    ]
    assert again[1] == events.PlaybackFinished(at=AT, playback_id=PLAYBACK, completed=True)


def test_only_what_is_watched_is_seen_to_end() -> None:
    memory = Hearing()
    memory.watch(PLAYBACK)
    assert not memory.saw_end(PLAYBACK)
    told(raw.finished("ivr-p"), raw.finished("ivr-other"), memory=memory)
    assert memory.saw_end(PLAYBACK)
    assert not memory.saw_end("ast1:ivr-other")
    memory.unwatch(PLAYBACK)
    assert not memory.saw_end(PLAYBACK)


STORY = st.lists(
    st.sampled_from(
        [
            raw.hangup_asked(),
            raw.hangup_asked(cause=2, soft=True),
            raw.end(),
            raw.destroyed(),
            raw.dtmf("5"),
            raw.finished("ivr-p"),
            raw.bridge("ChannelLeftBridge", "ivr-b"),
        ]
    ),
    max_size=12,
)


@given(STORY)
def test_the_last_word_on_a_channel_is_said_at_most_once_and_no_key_follows(
    story: list[dict[str, Any]],
) -> None:
    heard = told(raw.inbound(), *story)
    assert isinstance(heard[0], Arrival)
    last = [
        at
        for at, event in enumerate(heard)
        if isinstance(event, events.ChannelEnded | events.ChannelLeft)
    ]
    assert len(last) <= 1
    if last:
        assert not any(isinstance(event, DigitHeard) for event in heard[last[0] :])
    ends = any(each["type"] in {"StasisEnd", "ChannelDestroyed"} for each in story)
    assert bool(last) == ends


def test_memory_is_bounded_however_many_channels_come_and_go() -> None:
    memory = Hearing()
    for number in range(hearing.ENDED_MAX + 500):
        told(raw.dtmf("1", channel_id=f"1.{number}"), memory=memory)
        told(raw.hangup_asked(f"1.{number}"), raw.end(f"1.{number}"), memory=memory)
    assert len(memory._ended) == hearing.ENDED_MAX
    assert not memory._hanging
    assert not memory._pressed
