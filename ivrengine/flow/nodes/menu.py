"""The ``menu`` node."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ivrengine.core import events
from ivrengine.flow.fields import Key, Name, PromptUse, one_or_many
from ivrengine.flow.node import Leave, Move, Turn
from ivrengine.flow.nodes.asking import Asking
from ivrengine.flow.nodes.prompting import prompt_over, unplayable
from ivrengine.flow.problems import Loc


class Menu(Asking):
    """Asks the caller to press one key, and goes where that key leads."""

    type: Literal["menu"]
    choices: Annotated[dict[Key, Name], Field(min_length=1)] = Field(
        description="What each key leads to."
    )
    unspoken: Annotated[
        tuple[Key, ...],
        BeforeValidator(one_or_many, json_schema_input_type=Key | list[Key]),
        Field(max_length=12),
    ] = Field(
        default=(),
        description="Keys that no prompt mentions, on purpose: `check` does not ask for them.",
    )

    def enter(self, turn: Turn) -> Move:
        """Ask."""
        return self.ask(turn)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Take the key, or ask again when there was none or a wrong one."""
        if prompt_over(turn, event):
            return unplayable(turn, event) or self.question_over(turn)
        match event:
            case events.DigitPressed(digit=digit):
                return Leave(exit=digit) if digit in self.choices else self.after_mistake(turn)
            case events.TimerFired(timer_id=fired) if fired == turn.call.cursor.timer_id:
                return self.after_silence(turn)
            case _:
                return None

    def exits(self) -> Mapping[str, str | None]:
        """Return an exit for each key, and those for silence and for wrong keys."""
        return {**self.choices, **self.asked_exits()}

    def exit_locs(self) -> Mapping[str, Loc]:
        """Return the places of the keys' targets."""
        return {**self.asked_locs(), **{digit: ("choices", digit) for digit in self.choices}}

    def prompts(self) -> Iterator[tuple[Loc, str | PromptUse]]:
        """Yield the prompts of the question."""
        yield from self.asked_prompts()
