"""A call walked by hand through a flow: events in, effects out, no engine and no clock."""

import dataclasses
import textwrap
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Caller, FlowRef, Value
from ivrengine.core.effects import Effect
from ivrengine.core.ids import BrandId, CallerKey, CallId, ChannelId, FlowHash, NumberId
from ivrengine.flow.checking import check, linking, variables
from ivrengine.flow.fields import zone_of
from ivrengine.flow.model import Flow
from ivrengine.flow.node import Kit
from ivrengine.flow.problems import Problem
from ivrengine.flow.running import step
from ivrengine.flow.source import draft, text

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CHANNEL = ChannelId("ast1:1732213.7")
HEADER = "flow: main\nbrand: acme\nlanguages: [tr, en]\n"

_E = TypeVar("_E")


def flow_of(body: str) -> Flow:
    """Compile a flow from YAML without its first three keys; prompts and phones are not looked for."""
    flow, found = compiled(HEADER + textwrap.dedent(body))
    assert not [str(p) for p in found if p.severity == "error"]
    assert flow is not None
    return flow


def compiled(source: str) -> tuple[Flow | None, list[Problem]]:
    """Return the flow of a file's text (None if it is not whole) and what is wrong with it by itself."""
    document, found = text.read_text(source, "flow.yaml")
    if document is None:
        return None, found
    candidate, not_in_language = draft.read(document)
    product, wrong = variables.compile_all(candidate)
    found += [*not_in_language, *wrong, *check.check_graph(candidate)]
    if not candidate.whole or candidate.start is None:
        return None, found
    flow = Flow(
        ref=FlowRef(name=candidate.flow or "", hash=FlowHash("0" * 64)),
        brand=BrandId("acme"),
        languages=candidate.languages,
        start=candidate.start,
        nodes=candidate.nodes,
        exits={name: node.exits() for name, node in candidate.nodes.items()},
        initial=product.initial,
        kit=Kit(
            programs=product.programs,
            zone=None if candidate.timezone is None else zone_of(candidate.timezone),
        ),
        text=source,
        parameters=candidate.parameters,
        returns=candidate.returns,
        max_duration_s=candidate.max_duration_s,
        on_max_duration=candidate.handlers.get("on_max_duration"),
        on_error=candidate.handlers.get("on_error"),
        on_hangup=candidate.handlers.get("on_hangup"),
    )
    return flow, found


def with_subflows(flow: Flow, **bodies: str) -> Flow:
    """Return the flow with sub-flows, each compiled from YAML as by ``flow_of``; those named first may call those after."""
    done: dict[str, Flow] = {}
    for name, body in reversed(bodies.items()):
        subflow = flow_of(body)
        called = {each for node in subflow.nodes.values() if (each := node.subflow()) is not None}
        done[name] = linking.with_subflows(subflow, {each: done[each] for each in called})
    called = {each for node in flow.nodes.values() if (each := node.subflow()) is not None}
    return linking.with_subflows(flow, {each: done[each] for each in called})


class Walk:
    """One call on one flow; each deed of the caller or the world returns the effects it led to."""

    def __init__(
        self,
        flow: Flow,
        *,
        at: datetime = NOON,
        withheld: bool = False,
        variables: Mapping[str, Value] | None = None,
        waiting_since_at: datetime | None = None,
        number_id: NumberId | None = None,
        key: CallerKey | None = None,
    ) -> None:
        """Begin the call."""
        self.flow = flow
        self.at = at
        self.done: list[Effect] = []
        caller = Caller(withheld=withheld, mask="+90 532 *** ** 67", key=key, number_id=number_id)
        arrived = events.CallArrived(
            at=at,
            call_id=CallId("01a1fdfa-4600-7022-b847-26afb03aba14"),
            brand=BrandId("acme"),
            did="+902124440101",
            channel_id=CHANNEL,
            caller=caller,
            flow=flow.ref,
            language=flow.languages[0],
            waiting_since_at=waiting_since_at,
        )
        if variables:
            flow = dataclasses.replace(flow, initial={**flow.initial, **variables})
        self.call: Call
        self.call, self.last = step.begin(flow, arrived)
        self.done += self.last

    def meet(self, event: events.CallEvent) -> tuple[Effect, ...]:
        """Fold one event into the call."""
        self.call, self.last = step.step(self.flow, self.call, event)
        self.done += self.last
        return self.last

    def presses(self, digit: str) -> tuple[Effect, ...]:
        """Let the caller press a key that the node takes."""
        return self.meet(events.DigitPressed(at=self.at, channel_id=CHANNEL, digit=digit))

    def barges_in(self) -> tuple[Effect, ...]:
        """Let the caller press a key that cuts the prompt short and waits."""
        return self.meet(events.BargedIn(at=self.at, channel_id=CHANNEL))

    def prompt_ends(self, *, completed: bool = True) -> tuple[Effect, ...]:
        """End the playback that the call waits for."""
        playing = self.call.cursor.playback_id
        assert playing is not None, "nothing is being played"
        return self.meet(
            events.PlaybackFinished(at=self.at, playback_id=playing, completed=completed)
        )

    def timer_fires(self) -> tuple[Effect, ...]:
        """Let the timer that the call waits for fire, after as long as it was set to."""
        waiting = self.call.cursor.timer_id
        timer = [e for e in self.all(effects.StartTimer) if e.timer_id == waiting][-1]
        self.at += timedelta(seconds=timer.delay_s)
        return self.meet(events.TimerFired(at=self.at, timer_id=timer.timer_id))

    def limit_is_over(self, after_s: float) -> tuple[Effect, ...]:
        """Let the timer fire that is set to the end of what the flow may take."""
        assert self.call.limit_timer_id is not None
        self.at += timedelta(seconds=after_s)
        return self.meet(events.TimerFired(at=self.at, timer_id=self.call.limit_timer_id))

    def hangs_up(self) -> tuple[Effect, ...]:
        """Let the caller hang up."""
        return self.channel_ends(CHANNEL)

    def channel_ends(self, channel_id: ChannelId, cause: int = 16) -> tuple[Effect, ...]:
        """End a channel."""
        return self.meet(events.ChannelEnded(at=self.at, channel_id=channel_id, cause=cause))

    def leg_ends(self, cause: int) -> tuple[Effect, ...]:
        """End the phone that the call rings or talks to."""
        return self.channel_ends(self.leg(), cause)

    def leg_answers(self) -> tuple[Effect, ...]:
        """Let the phone be picked up."""
        return self.meet(events.LegAnswered(at=self.at, channel_id=self.leg()))

    def leg_joins(self) -> tuple[Effect, ...]:
        """Let the phone enter the bridge."""
        bridge_id = self.call.cursor.bridge_id
        assert bridge_id is not None
        return self.meet(
            events.BridgeJoined(at=self.at, bridge_id=bridge_id, channel_id=self.leg())
        )

    def resumes(
        self,
        leg: events.LegSeen = events.LegSeen.NONE,
        *,
        answered: bool = True,
        joined: bool = False,
    ) -> tuple[Effect, ...]:
        """Let the call be heard of again after a gap."""
        return self.meet(
            events.Resumed(at=self.at, since_at=self.at, answered=answered, leg=leg, joined=joined)
        )

    def ends_unheard(self, reason: events.UnheardEnd) -> tuple[Effect, ...]:
        """Let it be found out that the caller's channel is gone."""
        return self.meet(
            events.EndedUnheard(at=self.at, channel_id=CHANNEL, since_at=self.at, reason=reason)
        )

    def leg(self) -> ChannelId:
        """Return the phone's channel."""
        assert self.call.cursor.leg_id is not None
        return self.call.cursor.leg_id

    def request_fails(
        self, effect: str, subject: str, failure: events.Failure
    ) -> tuple[Effect, ...]:
        """Have the switch refuse a request."""
        return self.meet(
            events.RequestFailed(at=self.at, effect=effect, subject=subject, failure=failure)
        )

    def all(self, kind: type[_E]) -> list[_E]:
        """Return the effects of a kind, of the whole call."""
        return [effect for effect in self.done if isinstance(effect, kind)]

    def just(self, kind: type[_E]) -> list[_E]:
        """Return the effects of a kind, of the last event."""
        return [effect for effect in self.last if isinstance(effect, kind)]

    def played(self) -> list[tuple[str | effects.Spoken, ...]]:
        """Return the prompts of every playback so far."""
        return [effect.prompts for effect in self.all(effects.Play)]

    def nodes(self) -> list[str]:
        """Return the nodes that were entered."""
        return [effect.node for effect in self.all(effects.EnterNode)]

    def exits(self) -> list[tuple[str, str]]:
        """Return the nodes that were left, with the exits."""
        return [(effect.node, effect.exit) for effect in self.all(effects.LeaveNode)]


def kinds(found: tuple[Effect, ...]) -> list[str]:
    """Return the names of the effects."""
    return [type(effect).__name__ for effect in found]
