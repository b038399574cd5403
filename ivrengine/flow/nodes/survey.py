"""The ``survey`` node."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ivrengine.core import effects, events
from ivrengine.core.call import Cursor
from ivrengine.core.ids import CallerKey
from ivrengine.flow.fields import (
    Name,
    PromptUse,
    Seconds,
    VariableName,
    contradiction,
    unexpected,
)
from ivrengine.flow.node import Leave, Move, Stay, Turn
from ivrengine.flow.nodes.asking import Asking
from ivrengine.flow.nodes.prompting import prompt_over, unplayable
from ivrengine.flow.problems import Loc

SCORE_MAX: Final = 99
"""Two keys are as much as anybody rates with."""
LOOKUP_S: Final = 1.0
"""The store takes milliseconds; nobody listens to silence for longer than this to be asked a favour."""
_GRACE_S: Final = 1.0
"""The engine ends the look-up itself; only if it does not, the node does, so much later."""
_NEXT_KEY_S: Final = 2.0
"""So long a 1 may become a 10: who means a 1 hears nothing meanwhile."""
_ENTERED: Final = "#"
_LOOKUP: Final = "look-up"


class Scale(BaseModel):
    """The answers that there are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: int = Field(alias="from", ge=0, le=SCORE_MAX, description="The lowest answer.")
    high: int = Field(alias="to", ge=1, le=SCORE_MAX, description="The highest answer.")
    name: Name = Field(default="free", description="What the scale is called in reports.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low >= self.high:
            raise contradiction("to", f"expected more than {self.low}, found `{self.high}`")
        return self


def _scale(name: str, low: int, high: int) -> Scale:
    return Scale.model_validate({"name": name, "from": low, "to": high})


_SCALES: Final[Mapping[str, Scale]] = {
    "nps": _scale("nps", 0, 10),
    "csat": _scale("csat", 1, 5),
    "ces": _scale("ces", 1, 7),
}


def _named(value: object) -> object:
    """Read a name as the scale that everybody calls so."""
    if not isinstance(value, str):
        return value
    if value not in _SCALES:
        raise unexpected(f"{', '.join(_SCALES)}, or a mapping such as {{from: 1, to: 3}}")
    return _SCALES[value]


AnyScale = Annotated[
    Scale, BeforeValidator(_named, json_schema_input_type=Literal["nps", "csat", "ces"] | Scale)
]


class Survey(Asking):
    """Asks one question of a survey, and keeps the answer.

    The scale is `nps` (0 to 10), `csat` (1 to 5), `ces` (1 to 7), or one of your own (`{from: 1, to: 3}`). An answer of one
    key counts at once; where one more key could make another answer of it (a 1 on the scale to 10), two seconds are waited
    for it, or until `#`.

    With `not_again_within` a caller who was asked a question of the same survey in another call not so long ago is not asked
    again, whether they answered or not. Callers who hide their number are always asked; if the store cannot say, nobody is.
    """

    type: Literal["survey"]
    survey: Name = Field(description="The survey that the question is of.")
    question: Name = Field(description="The question's name in reports.")
    scale: AnyScale = Field(description="What answers there are.")
    not_again_within: Seconds | None = Field(
        default=None,
        ge=3600,
        le=1000 * 86_400,
        description="For how long a caller who was asked is left in peace, such as `90d`.",
    )
    into: VariableName | None = Field(
        default=None, description="A variable of type int that takes the answer, too."
    )
    next: Name = Field(description="Where to go with the answer.")
    skipped: Name | None = Field(
        default=None, description="Where to go with a caller who is not asked; `next` if not given."
    )

    @model_validator(mode="after")
    def _skips_somebody(self) -> Self:
        if self.skipped is not None and self.not_again_within is None:
            sentence = "expected `not_again_within` beside it: without that nobody is skipped"
            raise contradiction("skipped", sentence)
        return self

    def enter(self, turn: Turn) -> Move:
        """Ask, or look up first whether the caller was asked before."""
        key = turn.call.caller.key
        if self.not_again_within is None or key is None:
            return self._put(turn)
        return self._look_up(turn, key, timedelta(seconds=self.not_again_within))

    def _look_up(self, turn: Turn, key: CallerKey, within: timedelta) -> Stay:
        cursor = Cursor(stage=_LOOKUP, request_id=turn.request_id(), timer_id=turn.timer_id())
        find = effects.FindAnswers(
            request_id=turn.request_id(),
            brand=turn.call.brand,
            survey=self.survey,
            caller_key=key,
            call_id=turn.call.call_id,
            since_at=turn.at - within,
            deadline_s=LOOKUP_S,
        )
        limit = effects.StartTimer(timer_id=turn.timer_id(), delay_s=LOOKUP_S + _GRACE_S)
        return Stay(cursor=cursor, effects=(find, limit))

    def _put(self, turn: Turn) -> Stay:
        """Put the question: from now on the caller counts as asked."""
        asked = self.ask(turn)
        return dataclasses.replace(asked, effects=(self._kept(None), *asked.effects))

    def _kept(self, score: int | None) -> effects.KeepAnswer:
        scale = self.scale
        return effects.KeepAnswer(
            survey=self.survey,
            question=self.question,
            scale=scale.name,
            low=scale.low,
            high=scale.high,
            score=score,
        )

    def resume(self, turn: Turn, event: events.Resumed) -> Move:
        """Look up anew, or ask the same question again."""
        is_looking = turn.call.cursor.stage == _LOOKUP
        return self.enter(turn) if is_looking else super().resume(turn, event)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Take the answer, or ask again when there was none or one beside the scale."""
        if turn.call.cursor.stage == _LOOKUP:
            return self._on_looked_up(turn, event)
        if prompt_over(turn, event):
            return unplayable(turn, event) or self.question_over(turn)
        cursor = turn.call.cursor
        match event:
            case events.DigitPressed(digit=key):
                return self._take(turn, cursor.digits, key)
            case events.TimerFired(timer_id=fired) if fired == cursor.timer_id:
                is_silent = not cursor.digits
                return self.after_silence(turn) if is_silent else self._close(turn, cursor.digits)
            case _:
                return None

    def _on_looked_up(self, turn: Turn, event: events.CallEvent) -> Move | None:
        cursor = turn.call.cursor
        match event:
            case events.AnswersFound(request_id=asked) if asked == cursor.request_id:
                return self._put(turn) if event.asked_at is None else Leave(exit="skipped")
            case events.LookupFailed(request_id=asked) if asked == cursor.request_id:
                return Leave(exit="skipped")
            case events.TimerFired(timer_id=fired) if fired == cursor.timer_id:
                return Leave(exit="skipped")
            case _:
                return None

    def _take(self, turn: Turn, before: str, key: str) -> Move | None:
        if (
            key == _ENTERED
        ):  # alone it is pressed out of habit, after an answer that counted at once
            return self._close(turn, before) if before else None
        digits = before + key
        can_grow = any(
            len(answer) > len(digits) and answer.startswith(digits)
            for answer in map(str, range(self.scale.low, self.scale.high + 1))
        )
        if can_grow:
            return self.listen(turn, digits=digits, wait_s=_NEXT_KEY_S)
        return self._close(turn, digits)

    def _close(self, turn: Turn, digits: str) -> Move:
        scale = self.scale
        score = int(digits) if digits.isdecimal() else -1
        if not scale.low <= score <= scale.high:
            return self.after_mistake(turn)
        assign = {} if self.into is None else {self.into: score}
        return Leave(exit="next", effects=(self._kept(score),), assign=assign)

    def exits(self) -> Mapping[str, str | None]:
        """Return the exits for an answer, for silence and wrong keys, and for a caller who is not asked."""
        skipped = {} if self.not_again_within is None else {"skipped": self.skipped or self.next}
        return {"next": self.next, **skipped, **self.asked_exits()}

    def exit_locs(self) -> Mapping[str, Loc]:
        """Return the places of the targets that stand elsewhere than under the exit's name."""
        skipped: Loc = ("next",) if self.skipped is None else ("skipped",)
        return {**self.asked_locs(), "skipped": skipped}

    def idle_exits(self) -> Collection[str]:
        """Return the exits of a caller who presses nothing, or is not asked."""
        return (*super().idle_exits(), "skipped")

    def prompts(self) -> Iterator[tuple[Loc, str | PromptUse]]:
        """Yield the prompts of the question."""
        yield from self.asked_prompts()

    def assigns(self) -> Iterator[tuple[Loc, str]]:
        """Yield the variable that takes the answer."""
        if self.into is not None:
            yield ("into",), self.into
