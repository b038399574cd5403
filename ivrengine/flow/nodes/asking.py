"""What ``menu`` and ``collect`` share: ask with a prompt, listen for keys, and ask again a bounded number of times."""

from collections.abc import Collection, Iterator, Mapping

from pydantic import Field

from ivrengine.core import effects, events
from ivrengine.core.call import Cursor, DigitMode
from ivrengine.flow.defaults import ATTEMPTS_MAX, Reacting, Reaction
from ivrengine.flow.fields import Prompts, PromptUse, Seconds
from ivrengine.flow.node import Leave, MayFail, Move, Stay, Turn
from ivrengine.flow.nodes.prompting import UNCOUNTED, prompt_places, start_prompt
from ivrengine.flow.problems import Loc


class Asking(MayFail):
    """The fields that a node which asks for keys has, and the turns of asking."""

    prompt: Prompts = Field(description="The question: a prompt's name, or a list of names.")
    invalid_prompt: Prompts | None = Field(
        default=None,
        description="Played before the question when an answer was not understood and `no_match` has no reprompt.",
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
    no_input: Reacting = Field(
        description="Where to go when nothing was pressed at the last asking, and what is played before that."
    )
    no_match: Reacting = Field(
        description="Where to go when what was pressed at the last asking had no meaning, and what is played before that."
    )

    @property
    def hides(self) -> bool:
        """Tell whether nobody may know which digits are keyed here."""
        return False

    def idle_exits(self) -> Collection[str]:
        """Return the exits of a caller who presses nothing."""
        return ("no_input", "error")

    def ask(
        self,
        turn: Turn,
        prompts: Prompts | None = None,
        *,
        counted: Cursor = UNCOUNTED,
        afresh: bool = False,
    ) -> Stay:
        """Play the question, or what is played in its place; ``afresh``: no key that was pressed before counts."""
        cursor, start = start_prompt(turn, prompts or self.prompt, counted=counted)
        keep = self.type_ahead and not afresh and not self.hides
        taking = DigitMode.HIDE if self.hides else DigitMode.TAKE
        waiting = DigitMode.DROP if self.hides else DigitMode.BUFFER
        return Stay(
            cursor=cursor,
            effects=start if keep else (effects.DropDigits(), *start),
            digits=taking if self.barge_in else waiting,
        )

    def resume(self, turn: Turn, event: events.Resumed) -> Move:
        """Ask the same question again: nobody knows what was pressed meanwhile, and what was taken may be half of it."""
        return self.ask(turn, counted=turn.call.cursor)

    def listen(
        self,
        turn: Turn,
        *,
        digits: str = "",
        wait_s: float | None = None,
        before: tuple[effects.Effect, ...] = (),
    ) -> Stay:
        """Wait for the next key; ``digits`` are those taken so far. Whatever played or ran before is ended by ``step``."""
        timer_id, counted = turn.timer_id(), turn.call.cursor
        start = effects.StartTimer(timer_id=timer_id, delay_s=wait_s or self.timeout_s)
        return Stay(
            cursor=Cursor(
                stage="listen",
                attempt=counted.attempt,
                no_inputs=counted.no_inputs,
                no_matches=counted.no_matches,
                digits=digits,
                timer_id=timer_id,
            ),
            effects=(*before, start),
            digits=DigitMode.HIDE if self.hides else DigitMode.TAKE,
        )

    def question_over(self, turn: Turn) -> Stay:
        """Begin to listen after the prompt has ended by itself; what was pressed during it may not count."""
        keep = self.type_ahead or self.barge_in
        return self.listen(turn, before=() if keep else (effects.DropDigits(),))

    def after_silence(self, turn: Turn) -> Stay | Leave:
        """Ask once more after nothing was pressed, or leave when it has been asked often enough."""
        count = turn.call.cursor.no_inputs + 1
        return self._again(turn, "no_input", self.no_input.reprompt(count), no_inputs=1)

    def after_mistake(self, turn: Turn) -> Stay | Leave:
        """Ask once more after what was pressed had no meaning, or leave when it has been asked often enough."""
        count = turn.call.cursor.no_matches + 1
        apology = None if self.invalid_prompt is None else self.invalid_prompt + self.prompt
        prompts = self.no_match.reprompt(count) or apology
        return self._again(turn, "no_match", prompts, no_matches=1)

    def _again(
        self,
        turn: Turn,
        exit_name: str,
        prompts: Prompts | None,
        *,
        no_inputs: int = 0,
        no_matches: int = 0,
    ) -> Stay | Leave:
        before = turn.call.cursor
        if before.attempt >= self.attempts:
            return Leave(exit=exit_name)
        counted = Cursor(
            attempt=before.attempt + 1,
            no_inputs=before.no_inputs + no_inputs,
            no_matches=before.no_matches + no_matches,
        )
        return self.ask(turn, prompts, counted=counted, afresh=bool(no_matches))

    def asked_prompts(self) -> Iterator[tuple[Loc, str | PromptUse]]:
        """Yield the prompts of the question and of what follows silence and wrong answers, with their places."""
        yield from prompt_places("prompt", self.prompt)
        yield from prompt_places("invalid_prompt", self.invalid_prompt or ())
        yield from _reprompt_places("no_input", self.no_input)
        yield from _reprompt_places("no_match", self.no_match)

    def asked_exits(self) -> Mapping[str, str | None]:
        """Return the exits of silence and wrong answers, and of failure if there is one."""
        return self.failing({"no_input": self.no_input.to, "no_match": self.no_match.to})

    def asked_locs(self) -> Mapping[str, Loc]:
        """Return the places of those exits' targets."""
        return {"no_input": ("no_input", "to"), "no_match": ("no_match", "to")}


def _reprompt_places(key: str, reaction: Reaction) -> Iterator[tuple[Loc, str | PromptUse]]:
    for index, uses in enumerate(reaction.reprompts):
        for loc, use in prompt_places(str(index), uses):
            yield (key, "reprompts", index, *loc[1:]), use
