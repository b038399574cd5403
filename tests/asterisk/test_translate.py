"""From raw events to facts: what each means, and that no garbage raises."""

import copy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.asterisk import translate
from ivrengine.asterisk.translate import (
    Garbled,
    HangupAsked,
    Keyed,
    MonitorReady,
    StasisLeft,
    Stranded,
)
from ivrengine.core import events
from ivrengine.core.ids import BridgeId, ChannelId, NodeName, RecordingId
from ivrengine.core.switching import Arrival
from tests.asterisk import raw

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NODE = translate.Node(name=NodeName("ast1"), country="TR")
CHANNEL = ChannelId("ast1:1732213.7")


def read(event: Any) -> translate.Fact | None:
    return translate.translate(event, NODE, AT)


def test_an_inbound_call_arrives_with_its_numbers_normalised() -> None:
    assert read(raw.inbound("02124440101", "05321234567")) == Arrival(
        at=AT, channel_id=CHANNEL, did="+902124440101", number="+905321234567"
    )


def test_a_withheld_number_is_dropped_at_the_door() -> None:
    arrival = read(raw.inbound(number="05321234567", shown="withheld"))
    assert isinstance(arrival, Arrival)
    assert arrival.number is None


def test_a_presentation_that_we_do_not_know_counts_as_withheld() -> None:
    arrival = read(raw.inbound(number="05321234567", shown="unavailable"))
    assert isinstance(arrival, Arrival)
    assert arrival.number is None


@pytest.mark.parametrize(
    "event",
    [raw.start("monitor"), raw.start("inbound", "100", "1", "allowed"), raw.start()],
)
def test_a_channel_that_listens_to_another_is_neither_a_caller_nor_stranded(event: Any) -> None:
    event["channel"]["name"] = "Snoop/1732213.7-00000000"
    assert read(event) == MonitorReady(channel_id=CHANNEL)
    gone = raw.end()
    gone["channel"]["name"] = "Snoop/1732213.7-00000000"
    assert read(gone) is None


@pytest.mark.parametrize("number", ["", "anonymous", "4711", "x" * 10_000, "\x00", "'; DROP"])
def test_what_is_no_number_is_none(number: str) -> None:
    arrival = read(raw.inbound(number=number))
    assert isinstance(arrival, Arrival)
    assert arrival.number is None


def test_a_short_internal_number_stays_its_digits() -> None:
    arrival = read(raw.inbound(did="100"))
    assert isinstance(arrival, Arrival)
    assert arrival.did == "100"


def test_our_own_leg_was_answered_when_it_enters_the_application() -> None:
    assert read(raw.start("leg", channel_id="ivr-leg")) == events.LegAnswered(
        at=AT, channel_id=ChannelId("ast1:ivr-leg")
    )


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("leg",),
        ("inbound",),
        ("inbound", "+90212", "5"),
        ("inbound", "", "", "allowed"),
        ("inbound", 5, 5, 5),
        ("INBOUND", "1", "2", "allowed"),
        ({},),
    ],
)
def test_a_channel_that_no_flow_serves_is_stranded(args: tuple[Any, ...]) -> None:
    assert read(raw.start(*args)) == Stranded(channel_id=CHANNEL)


def test_asterisk_s_own_flag_is_no_cause() -> None:
    assert read(raw.hangup_asked(cause=32, soft=True)) == HangupAsked(channel_id=CHANNEL, cause=16)


@pytest.mark.parametrize(("cause", "told"), [(17, 17), (0, 16), (None, 16), ("17", 16), (9999, 16)])
def test_a_cause_that_is_none_counts_as_a_normal_end(cause: Any, told: int) -> None:
    assert read(raw.hangup_asked(cause=cause)) == HangupAsked(channel_id=CHANNEL, cause=told)


@pytest.mark.parametrize("flag", [2, 64])
def test_a_channel_that_is_only_moved_is_not_hung_up(flag: int) -> None:
    assert read(raw.hangup_asked(cause=flag, soft=True)) is None


@pytest.mark.parametrize(
    ("state", "cause", "told"),
    [
        ("Ringing", 19, 19),
        ("Ringing", 17, 17),
        ("Ringing", 21, 21),
        ("Ringing", 0, 19),
        ("Ringing", None, 19),
        ("Down", 0, 31),
        ("Up", 16, 16),
        ("Up", -1, 31),
        ("Up", [], 31),
    ],
)
def test_a_phone_that_rang_out_has_cause_19_even_if_asterisk_tells_none(
    state: str, cause: Any, told: int
) -> None:
    ended = read(raw.destroyed(cause=cause, state=state))
    assert isinstance(ended, events.ChannelEnded)
    assert ended.cause == told


def test_only_our_own_legs_ring() -> None:
    assert isinstance(read(raw.state("ivr-leg", "Ringing")), events.LegRinging)
    assert read(raw.state("ivr-leg", "Up")) is None
    assert read(raw.state("1732213.7", "Ringing")) is None


@pytest.mark.parametrize("how", ["failed", "canceled", "", "DONE", "playing"])
def test_only_a_playback_that_is_done_is_completed(how: str) -> None:
    fact = read(raw.finished("ivr-p", how))
    assert not getattr(fact, "completed", False)
    done = read(raw.finished("ivr-p", "done"))
    assert isinstance(done, events.PlaybackFinished)
    assert done.completed


@pytest.mark.parametrize("digit", ["", "12", "x", "\n", "\u0661", 5, None, "5" * 1_000_000])
def test_what_is_no_key_is_garbled(digit: Any) -> None:
    assert read(raw.dtmf(digit)) == Garbled(kind="ChannelDtmfReceived")


@pytest.mark.parametrize("digit", list("0123456789*#ABCD"))
def test_every_key_is_heard(digit: str) -> None:
    fact = read(raw.dtmf(digit))
    assert isinstance(fact, Keyed)
    assert fact.heard.digit == digit


def test_bridges_and_recordings_are_told_by_their_ids() -> None:
    joined = read(raw.bridge("ChannelEnteredBridge", "ivr-b"))
    left = read(raw.bridge("ChannelLeftBridge", "ivr-b"))
    assert joined == events.BridgeJoined(
        at=AT, bridge_id=BridgeId("ast1:ivr-b"), channel_id=CHANNEL
    )
    assert left == events.BridgeLeft(at=AT, bridge_id=BridgeId("ast1:ivr-b"), channel_id=CHANNEL)
    stored = read(raw.recording("RecordingFinished", "ivr-r", duration=3))
    assert stored == events.RecordingFinished(
        at=AT, recording_id=RecordingId("ast1:ivr-r"), duration_s=3.0
    )
    failed = read(raw.recording("RecordingFailed", "ivr-r"))
    assert failed == events.RecordingFailed(at=AT, recording_id=RecordingId("ast1:ivr-r"))


@pytest.mark.parametrize("duration", [None, "x", -1, float("nan"), float("inf"), 10**400, []])
def test_a_recording_is_over_whatever_its_length_is_said_to_be(duration: Any) -> None:
    stored = read(raw.recording("RecordingFinished", "ivr-r", duration=duration))
    assert isinstance(stored, events.RecordingFinished)
    assert stored.duration_s == 0


def test_leaving_the_application_says_nothing_of_how() -> None:
    assert read(raw.end()) == StasisLeft(at=AT, channel_id=CHANNEL)


@pytest.mark.parametrize("kind", ["ChannelVarset", "Dial", "ChannelCreated", "NotYetInvented"])
def test_events_that_mean_nothing_to_us_are_nothing(kind: str) -> None:
    assert read(raw.event(kind, channel=raw.channel())) is None


@pytest.mark.parametrize(
    "channel_id", [None, 5, "", "x" * 513, "a\nb", "a\x00b", "\u202eabc", ["1"], {"id": "1"}]
)
def test_an_id_that_is_none_is_garbled(channel_id: Any) -> None:
    broken = raw.end()
    broken["channel"]["id"] = channel_id
    assert read(broken) == Garbled(kind="StasisEnd")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)
KINDS = st.sampled_from(translate.WANTED)


@given(st.dictionaries(st.text(), JSON), KINDS | st.text() | JSON)
def test_nothing_that_calls_itself_an_event_makes_it_raise(
    fields: dict[str, Any], kind: Any
) -> None:
    fact = read({**fields, "type": kind})
    if isinstance(fact, Garbled):
        assert fact.kind in {*translate.WANTED, "unknown"}


@given(st.data(), st.sampled_from(raw.ALL), JSON)
def test_no_field_of_a_true_event_can_be_so_wrong_that_it_raises(
    data: st.DataObject, true: dict[str, Any], wrong: Any
) -> None:
    broken = copy.deepcopy(true)
    places = list(_places(broken))
    parent, key = data.draw(st.sampled_from(places))
    if data.draw(st.booleans()):
        parent[key] = wrong
    elif isinstance(parent, dict):
        del parent[key]
    read(broken)


def test_every_true_event_is_understood() -> None:
    for true in raw.ALL:
        fact = read(true)
        assert fact is not None
        assert not isinstance(fact, Garbled)
    assert {true["type"] for true in raw.ALL} == set(translate.WANTED)


def _places(value: Any) -> Any:
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(inside):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


@pytest.mark.parametrize(
    ("more", "since_at"),
    [
        ([], None),
        (["1772441400"], datetime(2026, 3, 2, 8, 50, tzinfo=UTC)),
        (["1772441400", "whatever"], datetime(2026, 3, 2, 8, 50, tzinfo=UTC)),
        (["1999999999"], AT),
        ([""], None),
        (["-1"], None),
        (["1e9"], None),
        (["9" * 40], None),
        (["١٧٧٢٦١٦٠٠٠"], None),
        ([None], None),
    ],
)
def test_one_who_was_taken_back_from_the_queue_waits_since_then(
    more: list[object], since_at: datetime | None
) -> None:
    raw_start = {
        "type": "StasisStart",
        "args": ["inbound", "+902124440101", "05321234567", "allowed", *more],
        "channel": {"id": "1.7"},
    }
    fact = read(raw_start)
    assert isinstance(fact, Arrival)
    assert fact.waiting_since_at == since_at
