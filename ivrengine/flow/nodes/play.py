"""The ``play`` node."""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from ivrengine.core import events
from ivrengine.core.call import DigitMode
from ivrengine.flow.fields import Name, Prompts, PromptUse
from ivrengine.flow.node import Leave, MayFail, Move, Stay, Turn
from ivrengine.flow.nodes.prompting import prompt_over, prompt_places, start_prompt, unplayable
from ivrengine.flow.problems import Loc


class Play(MayFail):
    """Plays one or more prompts, then goes on."""

    type: Literal["play"]
    prompt: Prompts = Field(description="What to play: a prompt's name, or a list of names.")
    barge_in: bool = Field(
        default=True,
        description="Whether a key cuts the prompt short; the key is kept for the next menu or collect.",
    )
    next: Name = Field(description="Where to go when the prompt is over.")

    def enter(self, turn: Turn) -> Move:
        """Start the prompt."""
        cursor, effects = start_prompt(turn, self.prompt)
        digits = DigitMode.INTERRUPT if self.barge_in else DigitMode.BUFFER
        return Stay(cursor=cursor, effects=effects, digits=digits)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Go on when the prompt is over or was cut short."""
        if isinstance(event, events.BargedIn) or prompt_over(turn, event):
            return unplayable(turn, event) or Leave(exit="next")
        return None

    def exits(self) -> Mapping[str, str | None]:
        """Return ``next``, and ``error`` if it leads somewhere."""
        return self.failing({"next": self.next})

    def prompts(self) -> Iterator[tuple[Loc, str | PromptUse]]:
        """Yield the prompts to be played."""
        yield from prompt_places("prompt", self.prompt)
