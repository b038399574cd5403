"""What ``menu`` and ``collect`` share: ask with a prompt, listen for keys, and ask again a bounded number of times."""

from collections.abc import Collection

from pydantic import Field

from ivrengine.core import effects, events
from ivrengine.core.call import Cursor, DigitMode
from ivrengine.flow.fields import Prompts, Seconds
from ivrengine.flow.node import Leave, Loc, Node, Stay, Turn
from ivrengine.flow.nodes.prompting import prompt_places, start_prompt

ATTEMPTS_MAX = 10
"""Nobody presses a right key at the eleventh asking; it bounds how long one node can hold a line without input."""


class Asking(Node):
    """The fields that a node which asks for keys has, and the turns of asking."""

    prompt: Prompts = Field(description="The question: a prompt's name, or a list of names.")
    invalid_prompt: Prompts | None = Field(
        default=None, description="Played before the question when an answer was not understood."
    )
    timeout_s: Seconds = Field(
        default=5.0,
        alias="timeout",
        ge=0.5,
        le=60,
        description="How long to wait for the first key after the prompt.",
    )
    attempts: int = Field(
        default=3, ge=1, le=ATTEMPTS_MAX, description="How often to ask before taking an exit."
    )
    barge_in: bool = Field(default=True, description="Whether a key cuts the prompt short.")
    type_ahead: bool = Field(
        default=True,
        description="Whether keys pressed before this node, or during a prompt without barge-in, count.",
    )

    def idle_exits(self) -> Collection[str]:
        """Return the one exit of a caller who presses nothing."""
        return ("no_input",)

    def ask(self, turn: Turn, attempt: int, *, misunderstood: bool = False) -> Stay:
        """Start the question for the ``attempt``-th time."""
        apology = (self.invalid_prompt or ()) if misunderstood else ()
        cursor, start = start_prompt(turn, apology + self.prompt, attempt=attempt)
        counts = self.type_ahead and not misunderstood
        return Stay(
            cursor=cursor,
            effects=start if counts else (effects.DropDigits(), *start),
            digits=DigitMode.TAKE if self.barge_in else DigitMode.BUFFER,
        )

    def resume(self, turn: Turn, event: events.Resumed) -> Stay:
        """Ask the same question again: nobody knows what was pressed meanwhile, and what was taken may be half of it."""
        return self.ask(turn, turn.call.cursor.attempt)

    def listen(
        self,
        turn: Turn,
        *,
        digits: str = "",
        wait_s: float | None = None,
        before: tuple[effects.Effect, ...] = (),
    ) -> Stay:
        """Wait for the next key; ``digits`` are those taken so far. Whatever played or ran before is ended by ``step``."""
        timer_id = turn.timer_id()
        start = effects.StartTimer(timer_id=timer_id, delay_s=wait_s or self.timeout_s)
        return Stay(
            cursor=Cursor(
                stage="listen", attempt=turn.call.cursor.attempt, digits=digits, timer_id=timer_id
            ),
            effects=(*before, start),
            digits=DigitMode.TAKE,
        )

    def question_over(self, turn: Turn) -> Stay:
        """Begin to listen after the prompt has ended by itself; what was pressed during it may not count."""
        keep = self.type_ahead or self.barge_in
        return self.listen(turn, before=() if keep else (effects.DropDigits(),))

    def again(self, turn: Turn, exit_name: str) -> Stay | Leave:
        """Ask once more, or leave by the named exit when it has been asked often enough."""
        attempt = turn.call.cursor.attempt
        if attempt >= self.attempts:
            return Leave(exit=exit_name)
        return self.ask(turn, attempt + 1, misunderstood=exit_name != "no_input")

    def asked_prompts(self) -> list[tuple[Loc, str]]:
        """Return the prompts of the question, with their places."""
        places = list(prompt_places("prompt", self.prompt))
        return places + list(prompt_places("invalid_prompt", self.invalid_prompt or ()))
