"""What holds of every call, whatever its caller, the phones and the switch do, in any order: random walks with a ledger."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.core import effects, events
from ivrengine.core.call import Call, DigitMode, FlowRef, Phase
from ivrengine.core.effects import Effect
from ivrengine.core.events import Failure, Unanswered
from ivrengine.core.ids import BridgeId, ChannelId, PlaybackId, RequestId, TimerId
from ivrengine.flow.load import load_folder
from ivrengine.flow.model import Flow
from ivrengine.flow.running import step
from tests.flow.walk import CHANNEL, Walk, flow_of

FLOWS: Final = Path(__file__).resolve().parents[2] / "flows"
STEPS_MAX: Final = 60
KEYS: Final = "00112223456789*#A"
RARE: Final = 12
"""One happening in so many is one that ends most calls: walks go deep before."""


ASKS: Final = """
    variables: {balance: {type: double, default: 0}}
    start: ask
    on_hangup: tell
    nodes:
      ask:
        type: http
        url: https://erp.example.com/balance
        result: {balance: balance}
        next: tell
        not_found: hello
        failed: hello
      hello: {type: play, prompt: hello, next: bye}
      tell: {type: http, method: POST, url: "https://erp.example.com/", next: bye, failed: bye}
      bye: {type: hangup}
"""


EXAMPLES: Final = ("guneskent-main", "makara-readers", "toros-reception")
"""Those that have a kind of node which the ones before do not have; sub-flows are gone through from the first."""


def example_flows() -> list[Flow]:
    book, found = load_folder(FLOWS)
    assert not found
    asks = flow_of(ASKS)
    return [
        *(flow for (_, name), flow in book.flows.items() if name in EXAMPLES),
        dataclasses.replace(asks, ref=FlowRef(name="asks", hash=asks.ref.hash)),
    ]


BEGUN_BY: Final[Mapping[type[Effect], str]] = {
    effects.StartTimer: "timer_id",
    effects.Play: "playback_id",
    effects.Dial: "channel_id",
    effects.CreateBridge: "bridge_id",
    effects.Fetch: "request_id",
    effects.Submit: "request_id",
}
"""What begins something that must end, with the field that holds its id."""
ENDED_BY: Final[Mapping[type[Effect], str]] = {
    effects.CancelTimer: "timer_id",
    effects.StopPlayback: "playback_id",
    effects.DestroyBridge: "bridge_id",
    effects.CancelInquiry: "request_id",
}


@dataclasses.dataclass
class Ledger:
    """What the effects have begun and not ended."""

    used: set[str] = dataclasses.field(default_factory=set)
    open: dict[str, type[Effect]] = dataclasses.field(default_factory=dict)
    """Id and beginning of everything that is there."""
    requests: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    inside: list[str] = dataclasses.field(default_factory=list)
    """The node that is entered, after those that called the sub-flow in which it is."""
    ended: int = 0

    def of(self, kind: type[Effect]) -> list[str]:
        """Return the ids of what an effect of this kind has begun."""
        return [subject for subject, begun_by in self.open.items() if begun_by is kind]

    def note(self, effect: Effect) -> None:
        """Enter one effect; whatever is begun must be new, whatever is ended must have been begun."""
        assert not self.ended, "an effect after the end of the call"
        kind = type(effect)
        if kind in BEGUN_BY:
            subject = getattr(effect, BEGUN_BY[kind])
            if kind is effects.CreateBridge and subject in self.open:
                return  # after a gap: it is there, or is made now
            assert subject not in self.used, "an id was used twice"
            self.used.add(subject)
            self.open[subject] = kind
        elif kind in ENDED_BY:
            del self.open[getattr(effect, ENDED_BY[kind])]
        self._note_request(effect)
        match effect:
            case effects.HangUp(channel_id=channel):
                self.open.pop(channel, None)
            case effects.EnterNode(node=node, subflow=subflow):
                deep = 1 if subflow else 0
                assert len(self.inside) == deep, "entered a node without leaving the one before"
                self.inside.append(node)
            case effects.LeaveNode(node=node):
                assert self.inside.pop() == node
            case effects.EndCall():
                self.ended += 1
            case effects.AddToBridge(bridge_id=bridge, channel_ids=members):
                assert bridge in self.open
                assert set(members) <= {CHANNEL, *self.of(effects.Dial)}
            case _:
                pass

    def _note_request(self, effect: Effect) -> None:
        for field in ("playback_id", "bridge_id", "channel_id"):
            if hasattr(effect, field):
                self.requests.append((type(effect).__name__, getattr(effect, field)))
                return

    def happened(self, event: events.CallEvent) -> None:
        """Enter what an event says has ended by itself."""
        match event:
            case events.TimerFired(timer_id=over) | events.PlaybackFinished(playback_id=over):
                self.open.pop(over, None)
            case events.ChannelEnded(channel_id=over) | events.ChannelLeft(channel_id=over):
                self.open.pop(over, None)
            case events.Fetched(request_id=over) | events.FetchFailed(request_id=over):
                self.open.pop(over, None)
            case events.RequestFailed(effect="Play" | "Dial", subject=over, failure=failure):
                if failure is not Failure.UNAVAILABLE:
                    self.open.pop(over, None)
            case _:
                pass


def rare_happenings(walk: Walk) -> list[events.CallEvent]:
    """Return what ends most calls, and what is none of their business."""
    at = walk.at
    return [
        events.ChannelEnded(at=at, channel_id=CHANNEL, cause=16),
        events.ChannelLeft(at=at, channel_id=CHANNEL),
        events.CallFailed(at=at, error="KeyError"),
        events.FlowInterrupted(at=at, reason="engine stopping"),
        events.BridgeLeft(at=at, bridge_id=BridgeId("ast1:b"), channel_id=CHANNEL),
        events.LegAnswered(at=at, channel_id=ChannelId("ast1:ivr-stranger-l1")),
        *resumptions(walk),
        events.EndedUnheard(
            at=at, channel_id=CHANNEL, since_at=at, reason=events.UnheardEnd.NODE_LOST
        ),
    ]


def resumptions(walk: Walk) -> list[events.Resumed]:
    """Return all that may be found when a call is heard of again; in a bridge only who is there."""
    return [
        events.Resumed(
            at=walk.at,
            since_at=walk.at,
            answered=answered,
            leg=leg,
            joined=joined,
            inquiring=inquiring,
        )
        for inquiring in {False, walk.call.cursor.request_id is not None}
        for answered in (True, False)
        for leg in events.LegSeen
        for joined in (False, True)
        if not joined or (leg is events.LegSeen.UP and walk.call.cursor.bridge_id is not None)
        if leg is events.LegSeen.NONE or walk.call.cursor.leg_id is not None
    ]


def happenings(walk: Walk, ledger: Ledger, data: st.DataObject) -> list[events.CallEvent]:
    """Return what may happen now to each thing that is there."""
    at = walk.at
    possible: list[events.CallEvent] = []
    if walk.call.digit_mode is DigitMode.TAKE:
        key = data.draw(st.sampled_from(KEYS))
        possible += 3 * [events.DigitPressed(at=at, channel_id=CHANNEL, digit=key)]
    if walk.call.digit_mode is DigitMode.INTERRUPT:
        possible.append(events.BargedIn(at=at, channel_id=CHANNEL))
    for timer in map(TimerId, ledger.of(effects.StartTimer)):
        possible.append(events.TimerFired(at=at, timer_id=timer))
    for playback in map(PlaybackId, ledger.of(effects.Play)):
        ended = events.PlaybackFinished(at=at, playback_id=playback, completed=True)
        possible += [ended, ended, dataclasses.replace(ended, completed=False)]
    for leg in map(ChannelId, ledger.of(effects.Dial)):
        cause = data.draw(st.sampled_from([0, 16, 17, 19, 21]))
        possible += [
            events.LegRinging(at=at, channel_id=leg),
            events.LegAnswered(at=at, channel_id=leg),
            events.ChannelLeft(at=at, channel_id=leg),
            events.ChannelEnded(at=at, channel_id=leg, cause=cause),
        ]
        for bridge in map(BridgeId, ledger.of(effects.CreateBridge)):
            joined = events.BridgeJoined(at=at, bridge_id=bridge, channel_id=leg)
            possible += [joined, dataclasses.replace(joined, channel_id=CHANNEL)]
    for kind in (effects.Fetch, effects.Submit):
        for request in map(RequestId, ledger.of(kind)):
            possible += answers(walk, request)
    if ledger.requests:
        effect, subject = data.draw(st.sampled_from(ledger.requests))
        failure = data.draw(st.sampled_from(Failure))
        possible.append(
            events.RequestFailed(at=at, effect=effect, subject=subject, failure=failure)
        )
    return possible


def answers(walk: Walk, request_id: RequestId) -> list[events.CallEvent]:
    at = walk.at
    unanswered = [
        events.FetchFailed(at=at, request_id=request_id, reason=reason, status=status)
        for reason, status in ((Unanswered.TIMEOUT, None), (Unanswered.STATUS, 404))
    ]
    values = {"balance": 12.5}
    return [
        events.Fetched(at=at, request_id=request_id, status=200, values=values),
        *unanswered,
    ]


def meet(walk: Walk, ledger: Ledger, event: events.CallEvent) -> None:
    before = walk.call
    ledger.happened(event)
    walk.meet(event)
    assert step.step(walk.flow, before, event) == (walk.call, walk.last), "step is not pure"
    for effect in walk.last:
        ledger.note(effect)
    if walk.call.cursor.timer_id is None and walk.call.phase is Phase.IN_FLOW:
        raise AssertionError("the call waits for nothing that is bounded")


@pytest.mark.parametrize("flow", example_flows(), ids=lambda flow: flow.ref.name)
@given(data=st.data())
@settings(max_examples=150)
def test_whatever_happens_nothing_leaks_and_the_call_ends_once(
    flow: Flow, data: st.DataObject
) -> None:
    walk, ledger = Walk(flow), Ledger()
    for effect in walk.last:
        ledger.note(effect)
    for _ in range(data.draw(st.integers(0, STEPS_MAX))):
        if walk.call.phase is Phase.ENDED:
            break
        is_rare = data.draw(st.integers(0, RARE)) == RARE
        possible = rare_happenings(walk) if is_rare else happenings(walk, ledger, data)
        meet(walk, ledger, data.draw(st.sampled_from(possible)))
    gone = events.ChannelEnded(at=walk.at, channel_id=CHANNEL, cause=16)
    for last in (gone, events.CallFailed(at=walk.at, error="KeyError")):
        if walk.call.phase is not Phase.ENDED:
            meet(walk, ledger, last)
    assert walk.call.phase is Phase.ENDED
    assert ledger.ended == 1
    assert isinstance(walk.done[-1], effects.EndCall)
    assert walk.done[-1].outcome is walk.call.outcome
    assert set(ledger.open.values()) <= {effects.Play}, "a playback ends with its channel"
    assert ledger.inside in ([], ["emergency"], ["survey"]), "all is left but a node that called"


def without_ids(call: Call) -> Call:
    """Return the call with the ids that it chose made alike."""
    cursor = call.cursor
    alike = dataclasses.replace(
        cursor,
        playback_id=cursor.playback_id and PlaybackId("p"),
        timer_id=cursor.timer_id and TimerId("t"),
        bridge_id=cursor.bridge_id and BridgeId("b"),
        request_id=cursor.request_id and RequestId("q"),
    )
    limit = call.limit_timer_id and TimerId("limit")
    return dataclasses.replace(call, cursor=alike, limit_timer_id=limit, serial=0)


@pytest.mark.parametrize("flow", example_flows(), ids=lambda flow: flow.ref.name)
@given(data=st.data())
@settings(max_examples=150)
def test_a_call_that_is_resumed_anywhere_dials_nobody_is_not_left_in_silence_and_may_be_resumed_twice(
    flow: Flow, data: st.DataObject
) -> None:
    walk, ledger = Walk(flow), Ledger()
    for effect in walk.last:
        ledger.note(effect)
    for _ in range(data.draw(st.integers(0, STEPS_MAX))):
        if walk.call.phase is Phase.ENDED:
            return
        meet(walk, ledger, data.draw(st.sampled_from(happenings(walk, ledger, data))))
    found = data.draw(st.sampled_from(resumptions(walk)))
    meet(walk, ledger, found)
    assert not walk.just(effects.Dial)
    call, waits = walk.call, bool(walk.just(effects.StartTimer))
    talks = bool(walk.just(effects.AddToBridge)) or found.joined
    assert waits or talks or call.phase is Phase.ENDED
    if call.cursor.leg_id is None:  # what was there of a phone is gone now
        found = dataclasses.replace(found, leg=events.LegSeen.NONE, joined=False)
    meet(walk, ledger, found)
    assert without_ids(walk.call) == without_ids(call)


@pytest.mark.parametrize("flow", example_flows(), ids=lambda flow: flow.ref.name)
def test_a_caller_who_does_nothing_at_all_is_let_go_in_the_end(flow: Flow) -> None:
    walk = Walk(flow)
    for _ in range(200):
        if walk.call.phase is not Phase.IN_FLOW and walk.call.phase is not Phase.DIALING:
            break
        walk.timer_fires()
    assert walk.call.phase is Phase.LEAVING
