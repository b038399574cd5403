"""The ``transfer`` node."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from pydantic import Field

from ivrengine.core import effects, events
from ivrengine.core.call import Cursor, DigitMode, Outcome, Phase
from ivrengine.core.ids import ChannelId
from ivrengine.flow.fields import Name, Seconds
from ivrengine.flow.node import Finish, Leave, Loc, Move, Node, Stay, Turn

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
        leg_id, timer_id = turn.leg_id(), turn.timer_id()
        limit_s = self.ring_timeout_s + _SWITCH_GRACE_S
        return Stay(
            cursor=Cursor(stage="ring", leg_id=leg_id, timer_id=timer_id),
            effects=(
                effects.StartMusic(channel_id=turn.call.channel_id, music=self.music),
                effects.Dial(
                    channel_id=leg_id, phone=self.to, ring_timeout_s=self.ring_timeout_s
                ),
                effects.StartTimer(timer_id=timer_id, delay_s=limit_s),
            ),
            digits=DigitMode.DROP,
            phase=Phase.DIALING,
        )

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Follow the phone: ringing, picked up, talking, gone."""
        leg_id = turn.call.cursor.leg_id
        assert leg_id is not None
        if turn.call.cursor.stage == "talk":
            return self._while_talking(turn, event, leg_id)
        return self._while_ringing(turn, event, leg_id)

    def _while_ringing(self, turn: Turn, event: events.CallEvent, leg_id: ChannelId) -> Move | None:
        match event:
            case events.LegAnswered(channel_id=answered) if answered == leg_id:
                return self._connect(turn, leg_id)
            case events.ChannelEnded(channel_id=ended, cause=cause) if ended == leg_id:
                return self._give_up(turn, _EXIT_OF_CAUSE.get(cause, "failed"))
            case events.RequestFailed(effect="Dial", subject=failed) if failed == leg_id:
                return self._give_up(turn, "failed")
            case events.TimerFired(timer_id=fired) if fired == turn.call.cursor.timer_id:
                return self._give_up(turn, "no_answer", effects.HangUp(channel_id=leg_id))
            case _:
                return None

    def _connect(self, turn: Turn, leg_id: ChannelId) -> Stay:
        caller_id, bridge_id = turn.call.channel_id, turn.bridge_id()
        return Stay(
            cursor=Cursor(stage="talk", leg_id=leg_id, bridge_id=bridge_id),
            effects=(
                effects.StopMusic(channel_id=caller_id),
                effects.CreateBridge(bridge_id=bridge_id),
                effects.AddToBridge(bridge_id=bridge_id, channel_ids=(caller_id, leg_id)),
            ),
            digits=DigitMode.DROP,
            phase=Phase.TALKING,
        )

    def _while_talking(self, turn: Turn, event: events.CallEvent, leg_id: ChannelId) -> Move | None:
        bridge_id = turn.call.cursor.bridge_id
        assert bridge_id is not None
        destroy = effects.DestroyBridge(bridge_id=bridge_id)
        match event:
            case (
                events.ChannelEnded(channel_id=gone) | events.ChannelLeft(channel_id=gone)
            ) if gone == leg_id:
                return self._talk_over(destroy)
            case events.RequestFailed(effect="CreateBridge" | "AddToBridge", subject=failed) if (
                failed == bridge_id
            ):
                hang_up = effects.HangUp(channel_id=leg_id)
                return Leave(exit="failed", effects=(destroy, hang_up))
            case _:
                return None

    def _talk_over(self, destroy: effects.Effect) -> Move:
        if self.next is None:
            return Finish(outcome=Outcome.TRANSFERRED, effects=(destroy,))
        return Leave(exit="next", effects=(destroy,))

    def _give_up(self, turn: Turn, exit_name: str, *before: effects.Effect) -> Leave:
        stop = effects.StopMusic(channel_id=turn.call.channel_id)
        return Leave(exit=exit_name, effects=(*before, stop))

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

    @property
    def waits_for_caller(self) -> bool:
        """Say that a person ends the talk."""
        return True
