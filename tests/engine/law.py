"""What must hold after every single thing that an engine does, whatever happened before: the law of the randomised world."""

import asyncio
import dataclasses
from datetime import datetime, timedelta
from typing import Any, Final

from ivrengine.core import effects, events, ids, switching
from ivrengine.core.call import Call, Phase
from ivrengine.core.effects import Effect
from ivrengine.core.ids import BridgeId, NodeName
from ivrengine.engine.limits import Limits
from tests.engine.a_house import House
from tests.engine.tapping import Asked, Seen, Written

EMPTY_AT_MOST_S: Final = 75.0
"""A bridge that is left behind is found by a look, which is each minute, and seen to when the next one confirms it."""
LETTING_GO: Final = frozenset(
    {
        "StopPlayback",
        "StopMusic",
        "StopRecording",
        "StopMonitoring",
        "DiscardRecording",
        "HangUp",
        "SendToFallback",
        "DestroyBridge",
    }
)
"""What may be asked about something that has gone: it is refused, and no harm done."""
OF_NO_CALL: Final = frozenset({"HangUp", "SendToFallback", "DestroyBridge", "StopMonitoring"})
"""What may be asked without having been decided: for what no call knows."""
ONCE: Final = frozenset(
    {"Dial", "Play", "Fetch", "Submit", "FindAnswers", "StartRecording", "StartMonitoring"}
)


class Law:
    """Sees every step and every request of all engines of a house, one after the other."""

    def __init__(self) -> None:
        self.house: House
        self.broken: list[str] = []
        """Where it was broken, first things first: an engine takes what is raised in it for its own affair."""
        self.well_since_s: float | None = None
        """Since when nothing goes wrong."""
        self._calls: dict[str, Call] = {}
        self._decided: set[tuple[str, str]] = set()
        self._asked: set[tuple[str, str]] = set()
        self._gone: set[str] = set()
        self._paused_at: dict[str, datetime] = {}
        self._empty_since_s: dict[BridgeId, float] = {}
        self._down_since_at: dict[NodeName, datetime] = {}
        self._down_again_at: dict[NodeName, datetime] = {}

    def begin(self, house: House) -> None:
        """Hold from now on."""
        self.house = house
        house.overhear = self._heard

    def _heard(self, event: switching.SwitchEvent) -> None:
        match event:
            case switching.LinkDown():
                self._down_since_at.setdefault(event.node, event.at)
                self._down_again_at[event.node] = event.at
            case switching.LinkUp():
                self._down_since_at.pop(event.node, None)
                self._down_again_at.pop(event.node, None)
            case _:
                pass

    def __call__(self, seen: Seen) -> None:
        now_s = asyncio.get_running_loop().time()
        try:
            self._hold(seen)
            self._no_bridge_is_left(now_s)
            self._no_call_is_kept()
        except AssertionError as error:
            self.broken.append(f"after {now_s:.3f} s: {error}")

    def _hold(self, seen: Seen) -> None:
        match seen:
            case Written(when="before"):
                self._may_be_written(seen)
            case Written():
                self._written(seen)
            case Asked(when="before"):
                self._may_be_asked(seen)
            case Asked():
                pass

    def _may_be_written(self, seen: Written) -> None:
        before = self._calls.get(seen.call.call_id)
        assert (before is None) is isinstance(seen.event, events.CallArrived), "begun once"
        assert before is None or before.phase is not Phase.ENDED, "a step after the call's end"
        down_at = self._down_since_at.get(ids.node_of(seen.call.channel_id))
        fired_at = seen.event.at if isinstance(seen.event, events.TimerFired) else None
        led_on = fired_at is not None and down_at is not None and fired_at > down_at
        assert not led_on, "a timer led a call on that nobody hears"

    def _written(self, seen: Written) -> None:
        call = seen.call
        ends = [effect for effect in seen.effects if isinstance(effect, effects.EndCall)]
        has_ended = call.phase is Phase.ENDED
        assert len(ends) == has_ended, "a call ends once"
        assert not has_ended or (call.outcome is not None and call.ended_at is not None)
        bounded = call.phase not in {Phase.IN_FLOW, Phase.LEAVING}
        assert bounded or call.cursor.timer_id is not None, "the call waits for nothing bounded"
        leg_id = call.cursor.leg_id
        assert leg_id is None or call.call_id in leg_id, "a phone of another call"
        self._no_secret_is_recorded(seen)
        self._calls[call.call_id] = call
        if isinstance(seen.event, events.ChannelEnded):
            self._gone.add(seen.event.channel_id)
        for effect in seen.effects:
            self._decided |= {(type(effect).__name__, subject) for subject in _ids(effect)}

    def _no_secret_is_recorded(self, seen: Written) -> None:
        """See that a paused recording has no key, on a switch that does at once what it is asked."""
        call, at = seen.call, seen.event.at
        if call.recording is None or not call.recording.paused:
            self._paused_at.pop(call.call_id, None)
            return
        paused_at = self._paused_at.setdefault(call.call_id, at)
        if not isinstance(seen.event, events.DigitPressed) or at == paused_at:
            return  # what was keyed ahead was keyed before
        for switch in self.house.switches:
            prompt = not any(switch.faults.refuse.values()) and not switch.faults.slow
            live = switch.exchange.recordings.live.items() if prompt else ()
            heard = [own for own, it in live if call.call_id in own and not it.paused]
            assert not heard, "a key is recorded that must not be"

    def _may_be_asked(self, seen: Asked) -> None:
        request = seen.kind, seen.subject
        was_decided = request in self._decided or seen.kind in OF_NO_CALL
        assert was_decided, f"{seen} was done before it was written"
        assert seen.kind not in ONCE or request not in self._asked, f"{seen} was asked for twice"
        self._asked.add(request)
        if seen.kind not in LETTING_GO:
            assert self._gone.isdisjoint(seen.about), f"{seen} is about who has gone"

    def _no_call_is_kept(self) -> None:
        """See that the calls of a node that stays away are not waited for for ever."""
        limits = self.house.limits or Limits()
        bound = timedelta(seconds=limits.node_lost_s + limits.request_s)  # what is asked is asked
        for call in self.house.engine.calls() if self.house.alive else ():
            down_at = self._down_again_at.get(ids.node_of(call.channel_id))
            since_at = None if down_at is None else max(down_at, self.house.born_at)
            assert since_at is None or self.house.now() - since_at <= bound, "waited for for ever"

    def _no_bridge_is_left(self, now_s: float) -> None:
        """See that no bridge stands empty for long on a switch that does what it is asked."""
        for switch in self.house.switches:
            for bridge_id, bridge in switch.exchange.bridges.items():
                if bridge.channels or self.well_since_s is None:
                    self._empty_since_s.pop(bridge_id, None)
                else:
                    since_s = self._empty_since_s.setdefault(bridge_id, now_s)
                    assert now_s - since_s <= EMPTY_AT_MOST_S, f"{bridge_id} was left behind"


def _ids(effect: Effect) -> list[Any]:
    return [value for value in dataclasses.asdict(effect).values() if isinstance(value, str)]
