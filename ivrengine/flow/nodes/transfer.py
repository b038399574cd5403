"""The ``transfer`` node."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Final, Literal, assert_never

from pydantic import Field

from ivrengine.core import effects, events, ids
from ivrengine.core.call import Cursor, DigitMode, Phase
from ivrengine.flow.fields import Name, Seconds
from ivrengine.flow.node import Leave, Move, Node, Stay, Turn
from ivrengine.flow.problems import Loc

_EXIT_OF_CAUSE: Final = {16: "no_answer", 17: "busy", 18: "no_answer", 19: "no_answer"}
"""Q.850 causes of a phone that did not pick up; every other cause is ``failed``."""
_SWITCH_GRACE_S: Final = 3.0
"""The switch ends the ringing itself; only if it does not, the node does, so much later."""


class Transfer(Node):
    """Rings a phone and puts the caller through; music plays to the caller meanwhile."""

    type: Literal["transfer"]
    to: Name = Field(description="A phone of the brand's directory in the routing file.")
    ring_timeout_s: Seconds = Field(
        default=20.0, alias="ring_timeout", ge=1, le=120, description="How long the phone rings."
    )
    music: Name = Field(default="default", description="The class of music on hold.")
    next: Name | None = Field(
        default=None,
        description="Where the caller goes when the other side hangs up; without it the call ends.",
    )
    busy: Name = Field(description="Where to go when the phone is busy.")
    no_answer: Name = Field(description="Where to go when nobody picks up in time.")
    failed: Name = Field(description="Where to go when the phone refuses or cannot be reached.")

    def enter(self, turn: Turn) -> Move:
        """Ring the phone."""
        leg_id = turn.leg_id()
        ring_s = self.ring_timeout_s
        return self._ring(
            turn, leg_id, effects.Dial(channel_id=leg_id, phone=self.to, ring_timeout_s=ring_s)
        )

    def _ring(self, turn: Turn, leg_id: ids.ChannelId, *dial: effects.Dial) -> Stay:
        timer_id = turn.timer_id()
        limit_s = self.ring_timeout_s + _SWITCH_GRACE_S
        return Stay(
            cursor=Cursor(stage="ring", leg_id=leg_id, timer_id=timer_id),
            effects=(
                effects.StartMusic(channel_id=turn.call.channel_id, music=self.music),
                *dial,
                effects.StartTimer(timer_id=timer_id, delay_s=limit_s),
            ),
            digits=DigitMode.DROP,
            phase=Phase.DIALING,
        )

    def resume(self, turn: Turn, event: events.Resumed) -> Move:
        """Go on with the phone as it is found; a phone is never dialled a second time."""
        cursor = turn.call.cursor
        talked = cursor.stage == "talk"
        match event.leg:
            case _ if event.joined:
                return self._talk(cursor)
            case events.LegSeen.UP:
                return self._connect(turn, cursor.bridge_id)
            case events.LegSeen.RINGING if cursor.stage == "ring" and cursor.leg_id is not None:
                return self._ring(turn, cursor.leg_id)
            case events.LegSeen.NONE | events.LegSeen.RINGING:
                return Leave(exit="next") if talked else self._give_up(turn, "failed")
            case _:
                assert_never(event.leg)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Follow the phone: ringing, picked up, talking, gone. Leg and bridge are let go of when the call leaves the node."""
        match turn.call.cursor.stage:
            case "ring":
                return self._while_ringing(turn, event)
            case "connect":
                return self._while_connecting(turn, event)
            case _:
                return Leave(exit="next") if _leg_is_gone(turn, event) else None

    def _while_ringing(self, turn: Turn, event: events.CallEvent) -> Move | None:
        cursor = turn.call.cursor
        match event:
            case events.LegAnswered(channel_id=leg) if leg == cursor.leg_id:
                return self._connect(turn)
            case events.ChannelEnded(channel_id=leg, cause=cause) if leg == cursor.leg_id:
                return self._give_up(turn, _EXIT_OF_CAUSE.get(cause, "failed"))
            case events.ChannelLeft(channel_id=leg) if leg == cursor.leg_id:
                return self._give_up(turn, "failed")
            case events.RequestFailed(effect="Dial", subject=leg) if leg == cursor.leg_id:
                return self._give_up(turn, "failed")
            case events.TimerFired(timer_id=fired) if fired == cursor.timer_id:
                return self._give_up(turn, "no_answer")
            case _:
                return None

    def _give_up(self, turn: Turn, exit_name: str) -> Leave:
        stop = effects.StopMusic(channel_id=turn.call.channel_id)
        return Leave(exit=exit_name, effects=(stop,))

    def _connect(self, turn: Turn, known: ids.BridgeId | None = None) -> Stay:
        """Put both into a bridge: a new one, or the one that may be there already.

        There the phone may be waiting alone. It is taken out first, or its coming in would not be told a second time.
        """
        caller_id, leg_id = turn.call.channel_id, turn.call.cursor.leg_id
        assert leg_id is not None
        bridge_id = known or turn.bridge_id()
        alone = () if known is None else (leg_id,)
        return Stay(
            cursor=Cursor(stage="connect", leg_id=leg_id, bridge_id=bridge_id),
            effects=(
                effects.StopMusic(channel_id=caller_id),
                effects.CreateBridge(bridge_id=bridge_id),
                *(effects.RemoveFromBridge(bridge_id=bridge_id, channel_ids=(it,)) for it in alone),
                effects.AddToBridge(bridge_id=bridge_id, channel_ids=(caller_id, leg_id)),
            ),
            digits=DigitMode.DROP,
            phase=Phase.DIALING,
        )

    def _talk(self, cursor: Cursor) -> Stay:
        talk = dataclasses.replace(cursor, stage="talk", timer_id=None)
        return Stay(cursor=talk, digits=DigitMode.DROP, phase=Phase.TALKING)

    def _while_connecting(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Wait until the phone is in the bridge: only then has the caller talked to anyone."""
        cursor = turn.call.cursor
        match event:
            case events.BridgeJoined(channel_id=leg) if leg == cursor.leg_id:
                return self._talk(cursor)
            case events.RequestFailed(effect="CreateBridge" | "AddToBridge", subject=bridge) if (
                bridge == cursor.bridge_id
            ):
                return Leave(exit="failed")
            case _:
                return Leave(exit="failed") if _leg_is_gone(turn, event) else None

    def exits(self) -> Mapping[str, str | None]:
        """Return the exits for each way in which the transfer can end."""
        return {
            "next": self.next,
            "busy": self.busy,
            "no_answer": self.no_answer,
            "failed": self.failed,
        }

    def phones(self) -> Iterator[tuple[Loc, str]]:
        """Yield the phone that is rung."""
        yield ("to",), self.to

    def idle_exits(self) -> Collection[str]:
        """Return the exits of a phone that nobody picked up; a talk is ended by a person."""
        return ("busy", "no_answer", "failed")


def _leg_is_gone(turn: Turn, event: events.CallEvent) -> bool:
    match event:
        case events.ChannelEnded(channel_id=gone) | events.ChannelLeft(channel_id=gone):
            return gone == turn.call.cursor.leg_id
        case _:
            return False
