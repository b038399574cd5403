"""The ``wait`` node."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import Field

from ivrengine.core import effects, events
from ivrengine.core.call import Cursor, DigitMode
from ivrengine.flow.fields import Name, Seconds
from ivrengine.flow.node import Leave, Move, Node, Stay, Turn


class Wait(Node):
    """Lets some time pass, in silence or with music.

    A call that goes on after an interruption waits for what is left of the time.
    """

    type: Literal["wait"]
    for_s: Seconds = Field(alias="for", ge=0.1, le=600, description="How long.")
    music: Name | None = Field(
        default=None,
        description="The class of music on hold that plays meanwhile; silence if none.",
    )
    key: Name | None = Field(
        default=None,
        description="Where to go when a key is pressed; the key is kept for the next node that asks. Without it keys end "
        "nothing, and are kept.",
    )
    next: Name = Field(description="Where to go when the time is over.")

    def enter(self, turn: Turn) -> Move:
        """Begin to wait."""
        return self._wait(turn, self.for_s)

    def resume(self, turn: Turn, event: events.Resumed) -> Move:
        """Wait for what is left; it may be nothing."""
        until_at = turn.call.cursor.until_at
        left_s = 0.0 if until_at is None else (until_at - turn.at).total_seconds()
        return self._wait(turn, left_s) if left_s > 0 else Leave(exit="next")

    def _wait(self, turn: Turn, delay_s: float) -> Stay:
        channel_id, timer_id = turn.call.channel_id, turn.timer_id()
        start: tuple[effects.Effect, ...] = ()
        if self.music is not None:
            start = (effects.StartMusic(channel_id=channel_id, music=self.music),)
        return Stay(
            cursor=Cursor(
                timer_id=timer_id,
                until_at=turn.at + timedelta(seconds=delay_s),
                music_on=None if self.music is None else channel_id,
            ),
            effects=(*start, effects.StartTimer(timer_id=timer_id, delay_s=delay_s)),
            digits=DigitMode.BUFFER if self.key is None else DigitMode.INTERRUPT,
        )

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Go on when the time is over, or at a key if one leads somewhere."""
        match event:
            case events.TimerFired(timer_id=fired) if fired == turn.call.cursor.timer_id:
                return Leave(exit="next")
            case events.BargedIn() if self.key is not None:
                return Leave(exit="key")
            case _:
                return None

    def exits(self) -> Mapping[str, str | None]:
        """Return ``next``, and ``key`` if it leads somewhere."""
        return {"next": self.next} if self.key is None else {"next": self.next, "key": self.key}

    def idle_exits(self) -> tuple[str, ...]:
        """Return the exit of a caller who presses nothing."""
        return ("next",)
