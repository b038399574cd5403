"""What ``ivrengine demo`` shows at one instant: gathered from the engine, the simulated switch and the store."""

import dataclasses
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ivrengine.core import switching
from ivrengine.core.call import Call, Outcome, Phase
from ivrengine.core.events import ChannelEnded, ChannelLeft
from ivrengine.core.ids import CallId, ChannelId
from ivrengine.core.rows import CallRow
from ivrengine.sim.hearing import TALK
from ivrengine.sim.phones import Phone, PhoneCall
from ivrengine.sim.read_aloud import ReadAloud
from ivrengine.sim.switch import SimSwitch
from ivrengine.telemetry.metrics import ROW_KINDS, Metrics, total

HISTORY_S: Final = 60
"""The little curve shows the last minute."""
SHORT_ID: Final = 6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CallLine:
    """A call in progress."""

    call: str
    caller: str
    did: str
    flow: str
    node: str
    phase: Phase
    does: str
    """What the caller hears: a prompt's text in quotes, or a few words."""
    here_s: float
    key: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PhoneLine:
    """A phone."""

    name: str
    state: str
    """``idle``, ``rings`` or ``talks``."""
    since_s: float
    call: str
    """The call that it rings for."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EndedLine:
    """A finished call, as the store has it."""

    call: str
    caller: str
    flow: str
    node: str
    outcome: str
    lasted_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything that is on the screen."""

    elapsed_s: float
    calls: Sequence[CallLine]
    arrived: int
    outcomes: Mapping[str, int]
    rows: int
    store: str
    phones: Sequence[PhoneLine]
    ended: Sequence[EndedLine]
    history: Sequence[int]


class Watch:
    """Keeps what the engine does not: when each call reached its node, and the last key of each caller."""

    def __init__(
        self,
        *,
        now_s: Callable[[], float],
        phones: Sequence[Phone],
        names: Mapping[str, str],
        aloud: ReadAloud,
    ) -> None:
        """Look at these phones, which people know by the ``names`` of their endpoints."""
        self.switch: SimSwitch | None = None
        """The simulated switch, as soon as there is one."""
        self._now_s = now_s
        self._aloud = aloud
        self._began_s = now_s()
        self._phones = phones
        self._names = names
        self._keys: dict[ChannelId, str] = {}
        self._here: dict[CallId, tuple[str, float]] = {}
        self._phone_since: dict[str, tuple[str, float]] = {}
        self._history: deque[int] = deque(maxlen=HISTORY_S)
        self._sampled_s = now_s()
        self.arrived = 0
        self.ended: Sequence[CallRow] = ()
        """The calls that the store has as finished, the latest first."""

    def tap(
        self, listener: Callable[[switching.SwitchEvent], None]
    ) -> Callable[[switching.SwitchEvent], None]:
        """Return a listener that looks at each event before it passes it on."""

        def listen(event: switching.SwitchEvent) -> None:
            match event:
                case switching.Arrival():
                    self.arrived += 1
                case switching.DigitHeard():
                    self._keys[event.channel_id] = event.digit
                case ChannelEnded() | ChannelLeft():
                    self._keys.pop(event.channel_id, None)
                case _:
                    pass
            listener(event)

        return listen

    def picture(self, calls: Sequence[Call], metrics: Metrics, store: str) -> Picture:
        """Return what is to be seen now."""
        now_s = self._now_s()
        self._remember(calls, now_s)
        return Picture(
            elapsed_s=now_s - self._began_s,
            calls=[self._call_line(call, now_s) for call in calls],
            arrived=self.arrived,
            outcomes={outcome: _ended(metrics, outcome) for outcome in Outcome},
            rows=sum(_shipped(metrics, kind) for kind in ROW_KINDS),
            store=store,
            phones=[
                self._phone_line(phone, now_s, {call.cursor.leg_id: call for call in calls})
                for phone in self._phones
            ],
            ended=[_ended_line(row) for row in self.ended],
            history=tuple(self._history),
        )

    def _remember(self, calls: Sequence[Call], now_s: float) -> None:
        if now_s >= self._sampled_s + 1:
            self._sampled_s = now_s
            self._history.append(len(calls))
        before = self._here
        self._here = {
            call.call_id: (
                before[call.call_id]
                if before.get(call.call_id, ("", 0.0))[0] == call.node
                else (call.node, now_s)
            )
            for call in calls
        }

    def _call_line(self, call: Call, now_s: float) -> CallLine:
        return CallLine(
            call=call.call_id[-SHORT_ID:],
            caller=call.caller.mask,
            did=call.did,
            flow=call.flow.name,
            node=call.node,
            phase=call.phase,
            does=self._does(call),
            here_s=now_s - self._here[call.call_id][1],
            key=self._keys.get(call.channel_id, ""),
        )

    def _does(self, call: Call) -> str:
        match call.phase:
            case Phase.IN_FLOW:
                silent = "leaves a message" if call.cursor.recording_id else "may press keys"
                return self._hears(call.channel_id) or silent
            case Phase.DIALING:
                return "hears music while a phone rings"
            case Phase.TALKING:
                return self._hears(call.channel_id) or "talks"
            case Phase.LEAVING | Phase.AFTERWARDS | Phase.ENDED:
                return "leaves"

    def _hears(self, channel_id: ChannelId) -> str:
        channel = self.switch and self.switch.exchange.channels.get(channel_id)
        if not channel or not channel.party.ear.heard:
            return ""
        last = channel.party.ear.heard[-1]
        spoken = self._aloud.spoken(last.sound)
        if last.until_s is not None:
            return ""
        if spoken is not None:
            return f"“{spoken.text}”"
        other = last.sound.removeprefix(TALK)
        return f"talks with {self._names.get(other, other)}"

    def _phone_line(
        self, phone: Phone, now_s: float, by_leg: Mapping[ChannelId | None, Call]
    ) -> PhoneLine:
        state = _phone_state(phone.calls[0]) if phone.calls else "idle"
        call = by_leg.get(phone.calls[0].leg.channel_id) if phone.calls else None
        if self._phone_since.get(phone.endpoint, ("", 0.0))[0] != state:
            self._phone_since[phone.endpoint] = (state, now_s)
        since_s = now_s - self._phone_since[phone.endpoint][1]
        return PhoneLine(
            name=self._names.get(phone.endpoint, phone.endpoint),
            state=state,
            since_s=since_s,
            call=call.call_id[-SHORT_ID:] if call else "",
        )


def _phone_state(call: PhoneCall) -> str:
    return "talks" if call.up else "rings"


def _ended(metrics: Metrics, outcome: str) -> int:
    return int(total(metrics, "calls_ended_total", outcome=outcome))


def _shipped(metrics: Metrics, kind: str) -> int:
    name = "ivrengine_rows_shipped_total"
    return int(metrics.registry.get_sample_value(name, {"kind": kind}) or 0)


def _ended_line(row: CallRow) -> EndedLine:
    lasted_s = (row.ended_at - row.arrived_at).total_seconds() if row.ended_at else 0.0
    return EndedLine(
        call=row.call_id[-SHORT_ID:],
        caller=row.caller_mask,
        flow=row.flow,
        node=row.node,
        outcome=row.outcome or "",
        lasted_s=lasted_s,
    )
