"""The ``collect`` node."""

from collections.abc import Iterator, Mapping
from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from ivrengine.core import events
from ivrengine.flow.fields import Digit, Name, Seconds
from ivrengine.flow.node import Leave, Loc, Move, Turn
from ivrengine.flow.nodes.asking import Asking
from ivrengine.flow.nodes.prompting import prompt_over

DIGITS_MAX = 32
"""The longest number people key in (an IBAN has 26 characters); it bounds what one node can collect."""


class Collect(Asking):
    """Asks the caller to key in a number, and keeps it in a variable."""

    type: Literal["collect"]
    into: Name = Field(description="The variable (of type string or int) that takes the digits.")
    min_digits: int = Field(default=1, ge=1, le=DIGITS_MAX, description="Fewer are not accepted.")
    max_digits: int = Field(
        ge=1, le=DIGITS_MAX, description="After so many the node does not wait for more."
    )
    terminator: Digit | Literal["none"] = Field(
        default="#", description="The key that ends the entry early; none for no such key."
    )
    inter_digit_timeout_s: Seconds = Field(
        default=3.0,
        alias="inter_digit_timeout",
        ge=0.5,
        le=30,
        description="How long to wait for the next key before the entry counts as ended.",
    )
    next: Name = Field(description="Where to go with the digits.")
    no_input: Name = Field(description="Where to go when nothing was pressed at the last asking.")
    no_match: Name = Field(
        description="Where to go when too few digits were pressed at the last asking."
    )

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Self:
        if self.min_digits > self.max_digits:
            raise PydanticCustomError(
                "digit_bounds",
                "expected min_digits of at most max_digits ({most}), found {least}",
                {"least": self.min_digits, "most": self.max_digits},
            )
        return self

    def enter(self, turn: Turn) -> Move:
        """Ask."""
        return self.ask(turn, attempt=1)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Take digits until there are enough, the terminator comes, or the caller pauses too long."""
        cursor = turn.call.cursor
        if prompt_over(turn, event):
            return self.question_over(turn)
        match event:
            case events.DigitPressed(digit=digit) if digit == self.terminator:
                return self._close(turn)
            case events.DigitPressed(digit=digit):
                return self._take(turn, cursor.digits + digit)
            case events.TimerFired(timer_id=fired) if fired == cursor.timer_id:
                return self._close(turn) if cursor.digits else self.again(turn, "no_input")
            case _:
                return None

    def _take(self, turn: Turn, digits: str) -> Move:
        if len(digits) >= self.max_digits:
            return self._accept(turn, digits)
        return self.listen(turn, digits=digits, wait_s=self.inter_digit_timeout_s)

    def _close(self, turn: Turn) -> Move:
        digits = turn.call.cursor.digits
        enough = len(digits) >= self.min_digits
        return self._accept(turn, digits) if enough else self.again(turn, "no_match")

    def _accept(self, turn: Turn, digits: str) -> Move:
        if not digits.isdecimal():  # a * or # in the middle of a number is a slip
            return self.again(turn, "no_match")
        return Leave(exit="next", assign={self.into: digits})

    def exits(self) -> Mapping[str, str | None]:
        """Return the exits for an entry, for silence, and for too short an entry."""
        return {"next": self.next, "no_input": self.no_input, "no_match": self.no_match}

    def prompts(self) -> Iterator[tuple[Loc, str]]:
        """Yield the prompts of the question."""
        yield from self.asked_prompts()

    def assigns(self) -> Iterator[tuple[Loc, str]]:
        """Yield the variable that takes the digits."""
        yield ("into",), self.into
