"""A call's timeline, told from payloads alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.cli.calls_output import in_words, timeline_object
from ivrengine.core import effects as fx
from ivrengine.core import events
from ivrengine.store.timeline import Moment, Recorded, Timeline, timeline
from tests.store import samples

CALLER, PHONE = "ast1:1700000000.1", "ast1:ivr-leg"
Effect = list[Any]


def row(
    seq: int, after_s: float, kind: str, event: Mapping[str, Any], *effects: Effect
) -> Recorded:
    at = samples.NOON + timedelta(seconds=after_s)
    return Recorded(seq=seq, at=at, kind=kind, payload={"event": event, "effects": list(effects)})


def enter(node: str, node_type: str) -> Effect:
    return ["EnterNode", {"node": node, "node_type": node_type}]


def leave(node: str, by: str) -> Effect:
    return ["LeaveNode", {"node": node, "exit": by}]


def play(playback_id: str, *prompts: str) -> Effect:
    fields = {
        "channel_id": CALLER,
        "playback_id": playback_id,
        "prompts": list(prompts),
        "language": "tr",
    }
    return ["Play", fields]


ARRIVAL = {"channel_id": CALLER, "did": "+902124440101", "caller": {"mask": "+90 532 *** ** 67"}}

TRANSFERRED = [
    row(
        *(1, 0.0, "CallArrived", ARRIVAL),
        ["Answer", {"channel_id": CALLER}],
        enter("welcome", "play"),
        play("p1", "hello"),
        ["StartTimer", {"timer_id": "t1", "delay_s": 300}],
    ),
    row(
        *(2, 2.0, "PlaybackFinished", {"playback_id": "p1", "completed": True}),
        ["CancelTimer", {"timer_id": "t1"}],
        leave("welcome", "next"),
        enter("flat", "collect"),
        play("p2", "which-flat"),
    ),
    row(
        3,
        3.0,
        "DigitPressed",
        {"channel_id": CALLER, "digit": "4"},
        ["StopPlayback", {"playback_id": "p2"}],
    ),
    row(4, 3.1, "PlaybackFinished", {"playback_id": "p2", "completed": False}),
    row(5, 3.5, "DigitPressed", {"channel_id": CALLER, "digit": "2"}),
    row(
        *(6, 4.0, "DigitPressed", {"channel_id": CALLER, "digit": "#"}),
        leave("flat", "next"),
        enter("office", "transfer"),
        ["StartMusic", {"channel_id": CALLER, "music": "default"}],
        ["Dial", {"channel_id": PHONE, "phone": "reception", "ring_timeout_s": 20}],
    ),
    row(7, 4.5, "LegRinging", {"channel_id": PHONE}),
    row(
        *(8, 9.0, "LegAnswered", {"channel_id": PHONE}),
        ["StopMusic", {"channel_id": CALLER}],
        ["CreateBridge", {"bridge_id": "b"}],
        ["AddToBridge", {"bridge_id": "b", "channel_ids": [CALLER, PHONE]}],
    ),
    row(9, 9.1, "BridgeJoined", {"bridge_id": "b", "channel_id": PHONE}),
    row(10, 9.1, "BridgeJoined", {"bridge_id": "b", "channel_id": CALLER}),
    row(
        *(11, 69.1, "ChannelEnded", {"channel_id": PHONE, "cause": 16}),
        ["DestroyBridge", {"bridge_id": "b"}],
        leave("office", "end"),
        ["HangUp", {"channel_id": CALLER}],
    ),
    row(
        *(12, 69.2, "ChannelEnded", {"channel_id": CALLER, "cause": 16}),
        ["EndCall", {"outcome": "transferred"}],
    ),
]


def whats(moments: object) -> list[str]:
    assert isinstance(moments, list)
    return [moment.what for moment in moments]


def test_a_call_is_told_node_by_node_with_its_durations() -> None:
    told = timeline(TRANSFERRED)
    assert [(v.node, v.node_type, v.exit, v.duration_s) for v in told.visits] == [
        ("welcome", "play", "next", 2.0),
        ("flat", "collect", "next", 2.0),
        ("office", "transfer", "end", pytest.approx(65.1)),
    ]
    assert whats(told.arrival) == ["arrived", "answered"]
    assert [whats(visit.moments) for visit in told.visits] == [
        ["played"],
        ["played", "pressed"],
        ["music", "dialled", "ringing", "picked_up", "connected", "phone_gone"],
    ]
    assert whats(told.ending) == ["hang_up", "caller_gone", "ended"]


def test_prompts_say_how_long_they_were_heard_and_whether_to_their_end() -> None:
    welcome, flat, _ = timeline(TRANSFERRED).visits
    assert welcome.moments[0].detail == {
        "prompts": ["hello"], "language": "tr", "duration_s": 2.0, "completed": True,
    }  # fmt: skip
    assert flat.moments[0].detail["duration_s"] == pytest.approx(1.1)
    assert flat.moments[0].detail["completed"] is False


def test_keys_pressed_one_after_another_are_told_together() -> None:
    [_, flat, _] = timeline(TRANSFERRED).visits
    assert flat.moments[1] == Moment(
        at=samples.NOON + timedelta(seconds=3), what="pressed", detail={"digits": "42#"}
    )


def test_keys_with_something_between_them_are_told_apart() -> None:
    pressed = {"channel_id": CALLER, "digit": "1"}
    told = timeline(
        [
            row(1, 0, "CallArrived", ARRIVAL, enter("a", "menu")),
            row(2, 1, "DigitPressed", pressed),
            row(3, 2, "BargedIn", {"channel_id": CALLER}),
            row(4, 3, "DigitPressed", pressed),
        ]
    )
    assert whats(told.visits[0].moments) == ["pressed", "barged_in", "pressed"]


@pytest.mark.parametrize("length", range(len(TRANSFERRED) + 1))
def test_a_call_in_progress_is_told_as_far_as_it_got(length: int) -> None:
    told = timeline(TRANSFERRED[:length])
    for visit in told.visits[:-1]:
        assert visit.duration_s is not None
    if 1 <= length <= 10:
        assert told.visits[-1].duration_s is None
        assert told.visits[-1].exit is None
        assert told.ending == []


def test_the_order_of_the_rows_does_not_matter() -> None:
    assert timeline(reversed(TRANSFERRED)) == timeline(TRANSFERRED)


def test_a_prompt_whose_end_is_not_recorded_has_no_duration() -> None:
    told = timeline([row(1, 0, "CallArrived", ARRIVAL, enter("a", "play"), play("p", "x"))])
    assert told.visits[0].moments[0].detail["duration_s"] is None
    assert in_words(told.visits[0].moments[0]) == "played x (tr), end not known (yet)"


def test_several_nodes_passed_in_one_step_stand_side_by_side() -> None:
    told = timeline(
        [
            row(
                *(1, 0, "CallArrived", ARRIVAL),
                *(enter("a", "set"), leave("a", "next"), enter("b", "switch"), leave("b", "else")),
                enter("c", "menu"),
            )
        ]
    )
    assert [(v.node, v.duration_s) for v in told.visits] == [("a", 0.0), ("b", 0.0), ("c", None)]


def test_failures_of_requests_and_of_the_flow_are_told() -> None:
    failed = {"effect": "Dial", "subject": PHONE, "failure": "refused"}
    told = timeline(
        [
            row(1, 0, "CallArrived", ARRIVAL, enter("a", "transfer")),
            row(2, 1, "RequestFailed", failed),
            row(
                *(3, 2, "CallFailed", {"error": "KeyError in step.py:40"}),
                *(leave("a", "error"), ["SendToFallback", {"channel_id": CALLER}]),
            ),
            row(4, 3, "ChannelLeft", {"channel_id": CALLER}, ["EndCall", {"outcome": "fallback"}]),
        ]
    )
    words = [in_words(moment) for moment in (*told.visits[0].moments, *told.ending)]
    assert words == [
        "Dial was not done: refused",
        "the flow broke off with KeyError in step.py:40",
        "handed to the fallback",
        "caller's line went on elsewhere",
        "ended: fallback",
    ]


def test_a_gap_and_an_end_that_nobody_heard_are_told_with_their_reason() -> None:
    since = "2026-11-21T12:00:00Z"
    told = timeline(
        [
            row(1, 0, "CallArrived", ARRIVAL, enter("a", "menu")),
            row(2, 1, "Resumed", {"since_at": since, "answered": True}),
            row(
                *(3, 2, "EndedUnheard", {"channel_id": CALLER, "since_at": since}),
                *(leave("a", "caller gone"), ["EndCall", {"outcome": "lost"}]),
            ),
            row(4, 3, "EndedUnheard", {"reason": "pbx_restart", "since_at": since}),
        ]
    )
    local = f"{datetime.fromisoformat(since).astimezone():%H:%M:%S}"
    words = [in_words(moment) for moment in (*told.visits[0].moments, *told.ending)]
    assert words == [
        f"the flow went on, unheard since {local}",
        f"ended unheard (None), after {local}",
        "ended: lost",
        f"ended unheard (pbx restart), after {local}",
    ]


@pytest.mark.parametrize("kind", [kind.__name__ for kind in get_args(events.CallEvent)])
def test_every_event_of_this_engine_has_its_words(kind: str) -> None:
    told = timeline([row(1, 0.0, kind, ARRIVAL)])
    assert "other" not in [moment.what for moment in (*told.arrival, *told.ending)]


@pytest.mark.parametrize("kind", [kind.__name__ for kind in get_args(fx.Effect)])
def test_every_effect_of_this_engine_has_its_words(kind: str) -> None:
    fields = {"node": "menu", "exit": "1"}
    told = timeline([row(1, 0.0, "CallArrived", ARRIVAL, enter("menu", "menu"), [kind, fields])])
    assert "other" not in [moment.what for moment in (*told.arrival, *told.ending)]


def test_kinds_of_a_newer_engine_are_shown_as_they_are() -> None:
    told = timeline(
        [
            row(1, 0, "CallArrived", ARRIVAL, enter("q", "queue"), ["Enqueue", {"queue": "sales"}]),
            row(2, 1, "AgentOffered", {"agent": "ayse"}),
        ]
    )
    assert [moment.detail for moment in told.visits[0].moments] == [
        {"kind": "Enqueue"},
        {"kind": "AgentOffered"},
    ]


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)
KINDS = [
    "CallMissed",
    "CallArrived",
    "DigitPressed",
    "PlaybackFinished",
    "ChannelEnded",
    "RequestFailed",
    "Play",
    "EndCall",
]
fields = st.dictionaries(
    st.sampled_from(["channel_id", "digit", "caller", "playback_id", "prompts"]), plain
)
effects = plain | st.lists(
    st.tuples(st.sampled_from([*KINDS, "EnterNode", "LeaveNode"]), fields).map(list)
)
payloads = st.dictionaries(st.sampled_from(["event", "effects"]), plain) | st.fixed_dictionaries(
    {"event": fields, "effects": effects}
)


@given(st.lists(st.tuples(st.sampled_from(KINDS), payloads), max_size=6))
def test_no_payload_however_strange_breaks_the_telling(
    found: list[tuple[str, dict[str, Any]]],
) -> None:
    rows = [
        Recorded(seq=seq, at=samples.NOON, kind=kind, payload=payload)
        for seq, (kind, payload) in enumerate(found, start=1)
    ]
    told = timeline(rows)
    assert isinstance(told, Timeline)
    shown = timeline_object(samples.call_row(1, 1, 1), told)
    assert set(shown) == {"call", "arrival", "nodes", "ending"}
    for moment in (*told.arrival, *(m for v in told.visits for m in v.moments), *told.ending):
        assert in_words(moment)
