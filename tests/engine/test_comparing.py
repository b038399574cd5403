"""What is alive, held against what is known: whatever is found, nobody known is sent away and nobody unknown is forgotten."""

import dataclasses
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core import ids
from ivrengine.core.call import Call, Caller, Cursor, FlowRef, Phase, Recording
from ivrengine.core.events import ChannelEnded, ChannelLeft, LegRinging, LegSeen, UnheardEnd
from ivrengine.core.ids import BrandId, BridgeId, CallId, ChannelId, FlowHash, NodeName
from ivrengine.core.switching import Arrival, ChannelSeen, Presence, Snapshot
from ivrengine.engine import comparing
from ivrengine.engine.comparing import NOTHING_TOLD, Told, compare

NOWHERE = Cursor()
AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NODE = NodeName("sim")
CALLER = ChannelId("sim:1.1")
MONITOR = ChannelId("sim:ivr-01a1fdfa-6026-76b7-b81b-311a28e29625-m2")
LEG = ChannelId("sim:ivr-01a1fdfa-6026-76b7-b81b-311a28e29625-l3")
BRIDGE = BridgeId("sim:ivr-01a1fdfa-6026-76b7-b81b-311a28e29625-b4")


def a_call(
    channel: ChannelId = CALLER, cursor: Cursor = NOWHERE, phase: Phase = Phase.IN_FLOW
) -> Call:
    return Call(
        call_id=CallId(f"call of {channel}"),
        brand=BrandId("acme"),
        did="+902124440101",
        channel_id=channel,
        caller=Caller(withheld=True, mask="withheld", key=None, number_id=None),
        flow=FlowRef(name="main", hash=FlowHash("0")),
        language="tr",
        arrived_at=AT,
        phase=phase,
        cursor=cursor,
    )


RINGING = a_call(cursor=Cursor(stage="ring", leg_id=LEG), phase=Phase.DIALING)
CONNECTING = a_call(
    cursor=Cursor(stage="connect", leg_id=LEG, bridge_id=BRIDGE), phase=Phase.DIALING
)
TALKING = dataclasses.replace(CONNECTING, phase=Phase.TALKING)
UP = ChannelSeen(presence=Presence.UP)
RINGS = ChannelSeen(presence=Presence.RINGING)
WAITS = ChannelSeen(presence=Presence.WAITING)


def arrival(channel: ChannelId) -> Arrival:
    return Arrival(at=AT, channel_id=channel, did="+902124440101", number=None)


def snapshot(
    channels: dict[ChannelId, ChannelSeen] | None = None,
    *,
    elsewhere: frozenset[ChannelId] = frozenset(),
    bridges: dict[BridgeId, frozenset[ChannelId]] | None = None,
    monitors: frozenset[ChannelId] = frozenset(),
    started_at: datetime = AT - timedelta(hours=1),
) -> Snapshot:
    return Snapshot(
        at=AT + timedelta(minutes=1),
        node=NODE,
        started_at=started_at,
        channels=channels or {},
        elsewhere=elsewhere,
        bridges=bridges or {},
        monitors=monitors,
    )


def verdicts(found: Snapshot, *calls: Call, told: Told = NOTHING_TOLD) -> list[comparing.Verdict]:
    return list(compare(found, {call.channel_id: call for call in calls}, told))


def goes_on(found: Snapshot, call: Call, told: Told = NOTHING_TOLD) -> comparing.GoesOn:
    [verdict] = verdicts(found, call, told=told)
    assert isinstance(verdict, comparing.GoesOn)
    return verdict


def test_a_caller_who_is_there_goes_on() -> None:
    verdict = goes_on(snapshot({CALLER: UP}), a_call())
    assert (verdict.answered, verdict.leg, verdict.joined) == (True, LegSeen.NONE, False)
    assert not goes_on(snapshot({CALLER: WAITS}), a_call()).answered


@pytest.mark.parametrize(
    ("seen", "leg"), [(RINGS, LegSeen.RINGING), (UP, LegSeen.UP), (None, LegSeen.NONE)]
)
def test_a_phone_is_as_far_as_it_is_seen_to_be(seen: ChannelSeen | None, leg: LegSeen) -> None:
    channels = {CALLER: UP} if seen is None else {CALLER: UP, LEG: seen}
    assert goes_on(snapshot(channels), RINGING).leg is leg


def test_only_both_together_in_their_own_bridge_are_joined() -> None:
    both = {CALLER: UP, LEG: UP}
    for inside, joined in (({CALLER, LEG}, True), ({LEG}, False), (set(), False)):
        found = snapshot(both, bridges={BRIDGE: frozenset(inside)})
        assert goes_on(found, CONNECTING).joined is joined
    assert not goes_on(snapshot(both), TALKING).joined


def test_a_phone_whose_end_is_just_being_told_is_left_to_be_told_with_its_cause() -> None:
    told = Told.by([ChannelEnded(at=AT, channel_id=LEG, cause=17)])
    assert goes_on(snapshot({CALLER: UP}), RINGING, told).leg is LegSeen.RINGING
    assert goes_on(snapshot({CALLER: UP}), TALKING, told).leg is LegSeen.NONE


def test_a_caller_who_is_nowhere_ended_while_nobody_listened() -> None:
    [verdict] = verdicts(snapshot(), a_call())
    reason = UnheardEnd.ENDED_WHILE_DISCONNECTED
    assert verdict == comparing.Ended(channel_id=CALLER, reason=reason)


def test_a_caller_who_is_nowhere_in_a_younger_switch_ended_with_the_one_before() -> None:
    [verdict] = verdicts(snapshot(started_at=AT + timedelta(seconds=1)), a_call())
    assert verdict == comparing.Ended(channel_id=CALLER, reason=UnheardEnd.PBX_RESTART)


def test_a_caller_who_is_elsewhere_has_left() -> None:
    found = snapshot(elsewhere=frozenset({CALLER}))
    assert verdicts(found, a_call()) == [comparing.Left(channel_id=CALLER)]


@pytest.mark.parametrize(
    "event",
    [ChannelEnded(at=AT, channel_id=CALLER, cause=16), ChannelLeft(at=AT, channel_id=CALLER)],
)
def test_an_end_that_is_being_told_needs_no_verdict(event: ChannelEnded | ChannelLeft) -> None:
    assert not verdicts(snapshot(), a_call(), told=Told.by([event]))


def test_whoever_was_never_served_is_served_and_whoever_was_is_given_to_a_person() -> None:
    waiting, up = ChannelId("sim:1.2"), ChannelId("sim:1.3")
    seen = ChannelSeen(presence=Presence.WAITING, arrival=arrival(waiting))
    assert verdicts(snapshot({waiting: seen, up: UP})) == [
        comparing.Unserved(arrival=arrival(waiting)),
        comparing.Forsaken(channel_id=up),
    ]


def test_an_arrival_that_is_being_told_needs_no_verdict() -> None:
    told = Told.by([arrival(CALLER), LegRinging(at=AT, channel_id=LEG)])
    assert not verdicts(snapshot({CALLER: WAITS}), told=told)


def test_a_monitor_is_the_calls_that_is_recorded_through_it_or_let_go_of() -> None:
    recorded = dataclasses.replace(
        a_call(), recording=Recording(retention="short", monitor_id=MONITOR, since_at=AT)
    )
    found = snapshot({CALLER: UP}, monitors=frozenset({MONITOR}))
    assert verdicts(found, recorded)[1:] == []
    assert verdicts(found, a_call())[1:] == [comparing.StrayMonitor(channel_id=MONITOR)]
    assert verdicts(found)[1:] == [comparing.StrayMonitor(channel_id=MONITOR)]


def test_a_caller_is_let_out_of_a_bridge_that_their_call_is_done_with() -> None:
    found = snapshot({CALLER: UP}, bridges={BRIDGE: frozenset({CALLER})})
    (verdict,) = verdicts(found, a_call())
    assert isinstance(verdict, comparing.GoesOn)
    assert verdict.astray == BRIDGE
    assert verdict.amiss


def test_what_is_ours_and_nobody_wants_is_let_go_of() -> None:
    assert verdicts(snapshot({LEG: UP}, bridges={BRIDGE: frozenset()})) == [
        comparing.StrayLeg(channel_id=LEG),
        comparing.StrayBridge(bridge_id=BRIDGE),
    ]


def test_a_bridge_in_which_another_application_has_somebody_is_not_touched() -> None:
    other = ChannelId("sim:9.9")
    found = snapshot(elsewhere=frozenset({other}), bridges={BRIDGE: frozenset({other})})
    assert not verdicts(found)


def test_a_call_that_is_just_beginning_is_neither_judged_nor_given_away() -> None:
    assert not list(compare(snapshot({CALLER: WAITS}), {CALLER: None}))
    assert not list(compare(snapshot(), {CALLER: None}))


@pytest.mark.parametrize(
    ("call", "seen", "inside", "amiss"),
    [
        (a_call(), None, set(), False),
        (RINGING, RINGS, set(), False),
        (RINGING, None, set(), True),
        (CONNECTING, UP, {LEG}, False),
        (CONNECTING, UP, {CALLER, LEG}, True),
        (TALKING, UP, {CALLER, LEG}, False),
        (TALKING, UP, {CALLER}, True),
        (TALKING, None, {CALLER}, True),
    ],
)
def test_a_call_that_takes_something_for_there_that_is_not_is_amiss(
    call: Call, seen: ChannelSeen | None, inside: set[ChannelId], amiss: bool
) -> None:
    channels = {CALLER: UP} if seen is None else {CALLER: UP, LEG: seen}
    found = snapshot(channels, bridges={BRIDGE: frozenset(inside)})
    if call.cursor.bridge_id is None:
        found = dataclasses.replace(found, bridges={})
    assert goes_on(found, call).amiss is amiss


CHANNELS = [ChannelId(ids.on_node(NODE, f"1.{n}")) for n in range(4)]
LEGS = [ChannelId(ids.on_node(NODE, f"ivr-call-l{n}")) for n in range(3)]
BRIDGES = [BridgeId(ids.on_node(NODE, f"ivr-call-b{n}")) for n in range(3)]


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Snapshot, dict[ChannelId, Call | None], Told]:
    """Anything at all that may be found, known and told."""
    known: dict[ChannelId, Call | None] = {}
    for channel in draw(st.sets(st.sampled_from(CHANNELS))):
        cursor = Cursor(
            leg_id=draw(st.none() | st.sampled_from(LEGS)),
            bridge_id=draw(st.none() | st.sampled_from(BRIDGES)),
        )
        phase = draw(st.sampled_from([p for p in Phase if p is not Phase.ENDED]))
        known[channel] = draw(st.just(a_call(channel, cursor, phase)) | st.none())
    there = draw(st.sets(st.sampled_from(CHANNELS + LEGS)))
    channels = {
        channel: ChannelSeen(
            presence=draw(st.sampled_from(Presence)),
            arrival=draw(st.none() | st.just(arrival(channel))),
        )
        for channel in there
    }
    elsewhere = draw(st.sets(st.sampled_from(CHANNELS))) - there
    inside = st.sets(st.sampled_from(CHANNELS + LEGS)).map(frozenset)
    found = snapshot(
        channels,
        elsewhere=frozenset(elsewhere),
        bridges=draw(st.dictionaries(st.sampled_from(BRIDGES), inside)),
        started_at=AT + timedelta(seconds=draw(st.sampled_from([-1, 1]))),
    )
    some = st.sets(st.sampled_from(CHANNELS + LEGS)).map(frozenset)
    return found, known, Told(arrived=draw(some), gone=draw(some))


@given(world=worlds())
def test_each_call_and_each_unknown_channel_has_one_verdict_and_nobody_known_is_sent_away(
    world: tuple[Snapshot, dict[ChannelId, Call | None], Told],
) -> None:
    found, known, told = world
    calls = {channel: call for channel, call in known.items() if call is not None}
    named = {call.cursor.leg_id for call in calls.values()}
    given_verdicts = list(compare(found, known, told))
    subjects = Counter(comparing.subject(verdict)[1] for verdict in given_verdicts)
    assert not subjects or max(subjects.values()) == 1
    for channel in calls:
        left_to_be_told = channel not in found.channels and channel in told.gone
        assert (channel in subjects) is not left_to_be_told
    for channel in found.channels.keys() - known.keys() - named:
        assert (channel in subjects) is (channel not in told.gone | told.arrived)
    wanted = {*known, *named, *(call.cursor.bridge_id for call in calls.values())}
    for verdict in given_verdicts:
        is_of_a_call = isinstance(verdict, comparing.GoesOn | comparing.Ended | comparing.Left)
        assert (comparing.subject(verdict)[1] in wanted) is is_of_a_call
        if isinstance(verdict, comparing.Forsaken | comparing.Unserved):
            assert not ids.is_ours(comparing.caller_of(verdict))
