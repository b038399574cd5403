"""The ``say`` node."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ivrengine.core import events
from ivrengine.core.call import DigitMode
from ivrengine.core.effects import Spoken
from ivrengine.flow.fields import (
    Cel,
    Currency,
    Name,
    PromptUse,
    VariableName,
    Zone,
    contradiction,
    zone_of,
)
from ivrengine.flow.node import Expression, Fail, Leave, MayFail, Move, Stay, Turn
from ivrengine.flow.nodes.prompting import filled, prompt_over, start_speech, unplayable
from ivrengine.flow.problems import Loc
from ivrengine.flow.spoken.grammar import UnspeakableError
from ivrengine.flow.spoken.words import ACCEPTED, Kind, words
from ivrengine.flow.templates import sentence

_NAME: Final = re.compile(r"\w+")
_UNSPEAKABLE: Final = "value cannot be spoken"


class SayItem(BaseModel):
    """One thing that is said."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: Name | None = Field(default=None, description="A prompt, by its name.")
    with_: Annotated[dict[VariableName, Cel], Field(max_length=16)] = Field(
        default_factory=dict,
        alias="with",
        description="Of `prompt`: for each of its parameters a CEL expression.",
    )
    text: Cel | None = Field(default=None, description="A string, said as it is.")
    number: Cel | None = Field(default=None, description="An int: *bin iki yüz elli*.")
    ordinal: Cel | None = Field(default=None, description="An int from 0 on: *ikinci*, *second*.")
    money: Cel | None = Field(
        default=None,
        description="An int, in hundredths of the `currency`: kuruş, cents. Of a double: `int(owes * 100.0 + 0.5)`.",
    )
    currency: Currency | None = Field(default=None, description="Of `money`: TRY, USD, EUR or GBP.")
    digits: Cel | None = Field(
        default=None,
        description="A string or an int, digit by digit, in groups; blanks and hyphens in a string group it otherwise.",
    )
    date: Cel | None = Field(
        default=None, description="An instant, or a string such as `2026-11-22`."
    )
    weekday: bool = Field(
        default=False, description="Of `date`: whether the day of the week is said."
    )
    time: Cel | None = Field(
        default=None, description="An instant, or a string such as `14:05`: the time of day."
    )
    zone: Zone | None = Field(
        default=None,
        description="Of `date` and `time`: where the clock hangs; else the flow's `timezone`.",
    )
    duration: Cel | None = Field(
        default=None, description="An int of seconds, or a difference of instants."
    )

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        kinds = [kind.value for kind in Kind if getattr(self, kind) is not None]
        said = kinds if self.prompt is None else ["prompt", *kinds]
        if len(said) != 1:
            known = ", ".join(("prompt", *Kind))
            found = " and ".join(f"`{each}`" for each in said) or "none"
            raise contradiction("", f"expected one of {known}, found {found}")
        for key, of, is_given in (
            ("with", {"prompt"}, bool(self.with_)),
            ("currency", {"money"}, self.currency is not None),
            ("weekday", {"date"}, self.weekday),
            ("zone", {"date", "time"}, self.zone is not None),
        ):
            if is_given and said[0] not in of:
                raise contradiction(key, f"`{key}` means nothing to `{said[0]}`")
        if self.money is not None and self.currency is None:
            raise contradiction("", "`money` needs a `currency`, such as TRY")
        return self

    @cached_property  # a caller waits while it is said
    def kind(self) -> Kind | None:
        """As what the item's value is said; None for a prompt."""
        return next((kind for kind in _KINDS if getattr(self, kind) is not None), None)

    @cached_property
    def value(self) -> str:
        """The item's expression; empty for a prompt."""
        kind = self.kind
        return "" if kind is None else getattr(self, kind)

    def speech(self, turn: Turn) -> str | Spoken:
        """Return what is played; raises ``UnspeakableError`` or ``ExpressionError``."""
        if self.prompt is not None:
            return filled(turn, self.prompt, self.with_) if self.with_ else self.prompt
        kind = self.kind
        assert kind is not None
        said = words(
            kind,
            turn.speakable(self.value),
            turn.call.language,
            currency=self.currency or "",
            weekday=self.weekday,
            zone=turn.kit.zone if self.zone is None else zone_of(self.zone),
        )
        return Spoken(text=said)


class Say(MayFail):
    """Says numbers, money, dates and times of the call's own, and prompts between them, then goes on.

    What stands side by side is spoken in one breath, in the language of the call.
    """

    type: Literal["say"]
    say: Annotated[tuple[SayItem, ...], Field(min_length=1, max_length=16)] = Field(
        description="What is said, one after the other."
    )
    barge_in: bool = Field(
        default=True,
        description="Whether a key cuts it short; the key is kept for the next menu or collect.",
    )
    next: Name = Field(description="Where to go when it is over.")

    def enter(self, turn: Turn) -> Move:
        """Find the words and begin to say them."""
        try:
            said = _in_one_breath([item.speech(turn) for item in self.say])
        except UnspeakableError:
            return Fail(reason=_UNSPEAKABLE)
        if not said:
            return Leave(exit="next")
        cursor, effects = start_speech(turn, said)
        digits = DigitMode.INTERRUPT if self.barge_in else DigitMode.BUFFER
        return Stay(cursor=cursor, effects=effects, digits=digits)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Go on when it is said or was cut short."""
        if isinstance(event, events.BargedIn) or prompt_over(turn, event):
            return unplayable(turn, event) or Leave(exit="next")
        return None

    def exits(self) -> Mapping[str, str | None]:
        """Return ``next``, and ``error`` if it leads somewhere."""
        return self.failing({"next": self.next})

    def prompts(self) -> Iterator[tuple[Loc, str | PromptUse]]:
        """Yield the prompts between the words."""
        for index, item in enumerate(self.say):
            if item.prompt is not None and item.with_:
                yield (
                    ("say", index),
                    PromptUse.model_construct(prompt=item.prompt, with_=item.with_),
                )
            elif item.prompt is not None:
                yield ("say", index, "prompt"), item.prompt

    def expressions(self) -> Iterator[Expression]:
        """Yield the values that are said."""
        for index, item in enumerate(self.say):
            if (kind := item.kind) is not None:
                yield Expression(
                    loc=("say", index, kind.value),
                    text=item.value,
                    accepts=ACCEPTED[kind],
                    instead=instead(kind, item.value),
                )


_KINDS: Final = tuple(Kind)


def instead(kind: Kind, text: str) -> Mapping[str, str]:
    """Return, for types of values that people want to say as ``kind`` but which cannot be, what to write for ``text``."""
    if kind is not Kind.MONEY:
        return {}
    factor = text if _NAME.fullmatch(text) else f"({text})"
    return {"double": f"; money is in hundredths (kuruş, cents): `int({factor} * 100.0 + 0.5)`"}


def _in_one_breath(said: list[str | Spoken]) -> tuple[str | Spoken, ...]:
    """Return what is said with neighbouring words as one text; raises ``UnspeakableError`` if that is too long."""
    joined: list[str | Spoken] = []
    for each in (each for each in said if isinstance(each, str) or each.text):
        before = joined[-1] if joined else ""
        if isinstance(each, str) or isinstance(before, str) or each.prompt or before.prompt:
            joined.append(each)
        else:
            joined[-1] = Spoken(text=f"{before.text} {each.text}")
    return tuple(
        each if isinstance(each, str) else Spoken(text=sentence(each.text), prompt=each.prompt)
        for each in joined
    )
