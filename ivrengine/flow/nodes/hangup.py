"""The ``hangup`` node."""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from ivrengine.core import events
from ivrengine.core.call import DigitMode, Outcome
from ivrengine.flow.fields import Prompts, PromptUse
from ivrengine.flow.node import Finish, Move, Node, Stay, Turn
from ivrengine.flow.nodes.prompting import prompt_over, prompt_places, start_prompt
from ivrengine.flow.problems import Loc


class Hangup(Node):
    """Ends the call, after a last prompt if there is one."""

    type: Literal["hangup"]
    prompt: Prompts | None = Field(default=None, description="What to play before the end.")

    def enter(self, turn: Turn) -> Move:
        """Say goodbye, or hang up at once."""
        if self.prompt is None:
            return Finish(outcome=Outcome.COMPLETED)
        cursor, effects = start_prompt(turn, self.prompt)
        return Stay(cursor=cursor, effects=effects, digits=DigitMode.DROP)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Hang up when the goodbye is over."""
        return Finish(outcome=Outcome.COMPLETED) if prompt_over(turn, event) else None

    def exits(self) -> Mapping[str, str | None]:
        """Return none: the call ends here."""
        return {}

    def prompts(self) -> Iterator[tuple[Loc, str | PromptUse]]:
        """Yield the goodbye."""
        yield from prompt_places("prompt", self.prompt or ())

    @property
    def needs_caller(self) -> bool:
        """Say that without a caller it is the end, if there is nothing to say."""
        return self.prompt is not None
