"""The ``collect`` node."""

from collections.abc import Iterator, Mapping
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from ivrengine.core import events
from ivrengine.flow.fields import Name, PromptUse, Seconds, Terminator, VariableName, contradiction
from ivrengine.flow.node import Leave, Move, Turn
from ivrengine.flow.nodes.asking import Asking
from ivrengine.flow.nodes.prompting import prompt_over, unplayable
from ivrengine.flow.problems import Loc

DIGITS_MAX = 32
"""The longest number people key in (an IBAN has 26 characters); it bounds what one node can collect."""
INT_DIGITS_MAX: Final = 18
"""So many digits always fit a 64-bit int, which is what an int variable holds."""
_TERMINATOR_GRACE_S: Final = 1.0
"""So long a full entry waits for its terminator: who presses it out of habit must not cut the next prompt short with it."""


class Collect(Asking):
    """Asks the caller to key in a number, and keeps it in a variable."""

    type: Literal["collect"]
    into: VariableName = Field(
        description="The variable (of type string or int) that takes the digits."
    )
    min_digits: int = Field(default=1, ge=1, le=DIGITS_MAX, description="Fewer are not accepted.")
    max_digits: int = Field(
        ge=1,
        le=DIGITS_MAX,
        description="More are not accepted; into an int variable at most 18. After so many the node waits for nothing but "
        "the terminator, and for that at most a second.",
    )
    terminator: Terminator = Field(
        default="#",
        description="The key that ends the entry; none for no such key: the entry then ends with its last digit.",
    )
    inter_digit_timeout_s: Seconds = Field(
        default=3.0,
        alias="inter_digit_timeout",
        ge=0.5,
        le=30,
        description="How long to wait for the next key before the entry counts as ended.",
    )
    sensitive: bool = Field(
        default=False,
        description="Whether nobody may know which digits are keyed: they are written nowhere, and the variable holds an `x` for "
        "each. Keys pressed before the question do not count.",
    )
    next: Name = Field(description="Where to go with the digits.")

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min_digits > self.max_digits:
            sentence = f"expected at most max_digits ({self.max_digits}), found `{self.min_digits}`"
            raise contradiction("min_digits", sentence)
        if self.sensitive and self.terminator.isdecimal():
            sentence = (
                f"expected `*`, `#` or none where digits are hidden, found `{self.terminator}`"
            )
            raise contradiction("terminator", sentence)
        return self

    @property
    def hides(self) -> bool:
        """Tell whether nobody may know which digits are keyed here."""
        return self.sensitive

    def enter(self, turn: Turn) -> Move:
        """Ask."""
        return self.ask(turn)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Take digits until the terminator comes, the caller pauses too long, or there are too many."""
        cursor = turn.call.cursor
        if prompt_over(turn, event):
            return unplayable(turn, event) or self.question_over(turn)
        match event:
            case events.DigitPressed(digit=digit) if digit == self.terminator:
                return self._close(turn, cursor.digits)
            case events.DigitPressed(digit=digit):
                return self._take(turn, cursor.digits + digit)
            case events.TimerFired(timer_id=fired) if fired == cursor.timer_id:
                is_silent = not cursor.digits
                return self.after_silence(turn) if is_silent else self._close(turn, cursor.digits)
            case _:
                return None

    def _take(self, turn: Turn, digits: str) -> Move:
        if len(digits) > self.max_digits:
            return self.after_mistake(turn)
        if len(digits) < self.max_digits:
            return self.listen(turn, digits=digits, wait_s=self.inter_digit_timeout_s)
        if self.terminator == "none":
            return self._close(turn, digits)
        return self.listen(turn, digits=digits, wait_s=_TERMINATOR_GRACE_S)

    def _close(self, turn: Turn, digits: str) -> Move:
        # A * or # in the middle of a number is a slip.
        is_number = not digits.strip(events.HIDDEN) if self.sensitive else digits.isdecimal()
        if not is_number or len(digits) < self.min_digits:
            return self.after_mistake(turn)
        as_number = isinstance(turn.call.variables[self.into], int)
        return Leave(exit="next", assign={self.into: int(digits) if as_number else digits})

    def exits(self) -> Mapping[str, str | None]:
        """Return the exits for an entry, for silence, and for too short an entry."""
        return {"next": self.next, **self.asked_exits()}

    def exit_locs(self) -> Mapping[str, Loc]:
        """Return the places of the targets that stand deeper."""
        return self.asked_locs()

    def prompts(self) -> Iterator[tuple[Loc, str | PromptUse]]:
        """Yield the prompts of the question."""
        yield from self.asked_prompts()

    def assigns(self) -> Iterator[tuple[Loc, str]]:
        """Yield the variable that takes the digits."""
        yield ("into",), self.into
