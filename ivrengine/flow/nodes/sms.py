"""The ``sms`` node."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from ivrengine.core import effects, events
from ivrengine.core.call import Value
from ivrengine.flow import fields, sms_parts
from ivrengine.flow.fields import Name, contradiction, unexpected
from ivrengine.flow.node import Expression, Fail, Leave, MayFail, Move, Turn
from ivrengine.flow.problems import Loc

PARTS_MAX: Final = 6
"""A message that takes longer to read belongs into a letter; every part is paid for."""
_WRITTEN: Final = ("string", "int", "double")
"""Types of values that can be written for people; of yes and no, `switch` makes words."""
_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")


def _message(value: str) -> str:
    if set(_PLACEHOLDER.sub("", value)) & set("{}"):
        raise unexpected("a text in which braces hold the names of variables, as in {amount}")
    if not value.strip() or not all(char.isprintable() or char == "\n" for char in value):
        raise unexpected("a text of letters, digits and signs")
    return value


Message = Annotated[str, AfterValidator(_message), Field(max_length=1_000)]


class Sms(MayFail):
    """Sends the caller a text message in the language of the call.

    The message goes into the outbox, and a gateway sends it from there; the call goes on at once. `{amount}` in a text stands
    for the value of the variable `amount` (of type string, int or double). A message is sent in parts, and each part is paid
    for: 160 characters fit into one, 153 into each of several; with one letter such as ş, ğ, ı or İ in it, 70 and 67.
    """

    type: Literal["sms"]
    to: Literal["caller"] = Field(
        default="caller", description="Whose number it goes to: the caller's."
    )
    text: Annotated[dict[fields.Language, Message], Field(min_length=1)] = Field(
        description="The text in every language of the flow."
    )
    parts: int = Field(
        default=3,
        ge=1,
        le=PARTS_MAX,
        description="How many parts the message may take; one that turns out longer is not sent, and the node fails.",
    )
    next: Name = Field(description="Where to go then.")
    no_number: Name = Field(description="Where to go when the caller's number is withheld.")

    @model_validator(mode="after")
    def _not_too_long(self) -> Self:
        for language, text in self.text.items():
            parts = sms_parts.parts_of(_PLACEHOLDER.sub("", text))
            if parts > self.parts:
                sentence = (
                    f"expected a text that fits into {self.parts} parts, found one of {parts} "
                    f"in `{language}`, its variables not counted"
                )
                raise contradiction("text", sentence)
        return self

    def enter(self, turn: Turn) -> Move:
        """Put the message into the outbox, and go on."""
        call = turn.call
        number_id = call.caller.number_id
        if number_id is None:
            return Leave(exit="no_number")
        text = self._filled(turn)
        if sms_parts.parts_of(text) > self.parts:
            return Fail(reason="message too long")
        message = effects.SendMessage(
            message_id=turn.message_id(),
            kind="sms",
            number_id=number_id,
            text=text,
            language=call.language,
        )
        return Leave(exit="next", effects=(message,))

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Expect nothing: the node is left in the turn in which it is entered."""

    def _filled(self, turn: Turn) -> str:
        values = turn.call.variables
        return _PLACEHOLDER.sub(
            lambda found: _written(values[found[1]], turn.call.language),
            self.text[turn.call.language],
        )

    def exits(self) -> Mapping[str, str | None]:
        """Return the exits for a message that goes its way, and for a caller without a number."""
        return self.failing({"next": self.next, "no_number": self.no_number})

    def expressions(self) -> Iterator[Expression]:
        """Yield the variables in the texts, each of which is an expression by itself."""
        for language, text in self.text.items():
            for found in _PLACEHOLDER.finditer(text):
                yield Expression(
                    loc=("text", language),
                    text=found[1],
                    before=text[: found.start(1)],
                    accepts=_WRITTEN,
                )

    def languages(self) -> Iterator[tuple[Loc, str]]:
        """Yield the languages of the text."""
        for language in self.text:
            yield ("text", language), language

    def texts(self) -> Iterator[tuple[Loc, Mapping[str, str]]]:
        """Yield the text, which must be there in every language of the flow."""
        yield ("text",), self.text

    @property
    def needs_caller(self) -> bool:
        """Say that it is of use when the caller has left, too."""
        return False


def _written(value: Value, language: str) -> str:
    """Return a value as it is written in a sentence: an amount with two decimals, behind the language's sign for them."""
    if not isinstance(value, float):
        return str(value)
    if value.is_integer():
        return f"{value:.0f}"
    return f"{value:.2f}".replace(".", "," if language == "tr" else ".")
