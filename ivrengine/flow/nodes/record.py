"""The ``record`` node."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from ivrengine.core import effects, events
from ivrengine.core.call import Cursor, DigitMode
from ivrengine.flow.fields import Name, Prompts, PromptUse, contradiction
from ivrengine.flow.node import Fail, Leave, MayFail, Move, Stay, Turn
from ivrengine.flow.nodes.prompting import prompt_over, prompt_places, start_prompt, unplayable
from ivrengine.flow.problems import Loc
from ivrengine.flow.running import recording

_BEGIN_LIMIT_S: Final = 3.0
"""A recording begins within milliseconds; when nobody has said so by then, the word was lost, and the call goes on."""


class Record(MayFail):
    """Records the call: all that the caller says and hears, also the talk with whom they are put through to.

    The recording goes on through all nodes that follow, until it is paused or stopped, or the caller leaves or goes to a
    person of the fallback. Each part of it is kept: a new part begins after an interruption of the engine or of its link.
    Digits that are keyed in secret must not be in it: pause it on every way to a `collect` with `sensitive`.
    """

    type: Literal["record"]
    do: Literal["start", "pause", "resume", "stop"] = Field(
        description="What becomes of the recording. `start` leaves one that runs as it is and lets a paused one go on; `pause`, "
        "`resume` and `stop` change nothing where there is none."
    )
    retention: Name = Field(
        default="standard",
        description="Of `start`: the class of retention under which the recording is kept.",
    )
    announce: Prompts | None = Field(
        default=None,
        description="Of `start`: what is played before the recording begins, for the caller is to know. No key cuts it short.",
    )
    next: Name = Field(description="Where to go then.")

    @model_validator(mode="after")
    def _announced_when_begun(self) -> Self:
        for key in ("announce", "retention"):
            if self.do != "start" and key in self.model_fields_set:
                raise contradiction(key, f"only `do: start` has it, and this is `do: {self.do}`")
        return self

    def enter(self, turn: Turn) -> Move:
        """Do it, after the announcement if there is one."""
        is_new = self.do == "start" and turn.call.recording is None
        if not is_new:
            return Leave(exit="next", effects=self._changes(turn))
        if self.announce is None:
            return self._begin(turn)
        cursor, play = start_prompt(turn, self.announce)
        return Stay(cursor=cursor, effects=play, digits=DigitMode.BUFFER)

    def _changes(self, turn: Turn) -> tuple[effects.Effect, ...]:
        match self.do:
            case "pause":
                return recording.paused(turn.call)
            case "stop":
                return recording.stopped(turn.call, turn.at)
            case _:
                return recording.resumed(turn)

    def _begin(self, turn: Turn) -> Stay:
        timer = effects.StartTimer(timer_id=turn.timer_id(), delay_s=_BEGIN_LIMIT_S)
        return Stay(
            cursor=Cursor(stage="begin", timer_id=timer.timer_id),
            effects=(recording.begun(turn, self.retention), timer),
        )

    def resume(self, turn: Turn, event: events.Resumed) -> Move:
        """Announce again what was not announced to its end; a recording that was begun has been begun again."""
        if turn.call.recording is None:
            return self.enter(turn)
        timer = effects.StartTimer(timer_id=turn.timer_id(), delay_s=_BEGIN_LIMIT_S)
        return Stay(cursor=Cursor(stage="begin", timer_id=timer.timer_id), effects=(timer,))

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Begin when it is announced, and go on when it has begun."""
        if prompt_over(turn, event):
            return unplayable(turn, event) or self._begin(turn)
        if turn.call.cursor.stage != "begin":
            return None
        match event:
            case events.RequestFailed(effect="StartMonitoring") | events.RecordingFailed():
                return Fail(reason="not recorded")
            case events.RecordingStarted():
                return Leave(exit="next")
            case events.TimerFired(timer_id=fired) if fired == turn.call.cursor.timer_id:
                return Leave(exit="next")
            case _:
                return None

    def exits(self) -> Mapping[str, str | None]:
        """Return ``next``, and ``error`` if it leads somewhere."""
        return self.failing({"next": self.next})

    def prompts(self) -> Iterator[tuple[Loc, str | PromptUse]]:
        """Yield the announcement."""
        yield from prompt_places("announce", self.announce or ())
