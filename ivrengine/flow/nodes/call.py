"""The ``call`` node."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from ivrengine.core import events
from ivrengine.flow.fields import Cel, Name, Seconds, VariableName
from ivrengine.flow.node import Descend, Expression, MayFail, Move, Turn
from ivrengine.flow.problems import Loc


class CallFlow(MayFail):
    """Goes through another flow of the brand as a sub-flow, and goes on here when it returns.

    The sub-flow has variables of its own: `with` gives its parameters their values, `results` takes what it hands back.
    """

    type: Literal["call"]
    flow: Name = Field(description="The flow to go through.")
    with_: Annotated[dict[VariableName, Cel], Field(max_length=32)] = Field(
        default_factory=dict,
        alias="with",
        description="For each parameter of the sub-flow a CEL expression of its type.",
    )
    results: Annotated[dict[VariableName, VariableName], Field(max_length=32)] = Field(
        default_factory=dict,
        description="For variables of this flow those of the sub-flow whose values they take, if the return hands them back.",
    )
    returns: Annotated[dict[Name, Name], Field(min_length=1, max_length=32)] = Field(
        description="Where to go for each of the sub-flow's returns."
    )
    max_duration_s: Seconds | None = Field(
        default=None,
        alias="max_duration",
        ge=1,
        le=86_400,
        description="How long the sub-flow may take; a talk is never cut.",
    )
    on_max_duration: Name | None = Field(
        default=None, description="Where to go when that time is over; else it is an error."
    )

    def enter(self, turn: Turn) -> Move:
        """Compute the parameters and begin the sub-flow."""
        values = {name: turn.evaluate(text) for name, text in self.with_.items()}
        return Descend(subflow=self.flow, assign=values, limit_s=self.max_duration_s)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Expect nothing: the call is in the sub-flow's nodes."""

    def exits(self) -> Mapping[str, str | None]:
        """Return an exit for each return, and for the end of the time and an error if they lead somewhere."""
        exits: dict[str, str | None] = dict(self.returns)
        if self.on_max_duration is not None:
            exits["on_max_duration"] = self.on_max_duration
        return self.failing(exits)

    def exit_locs(self) -> Mapping[str, Loc]:
        """Return the places of the returns' targets."""
        return {name: ("returns", name) for name in self.returns}

    def expressions(self) -> Iterator[Expression]:
        """Yield the parameters' values; the linker holds each against its parameter's type."""
        for name, text in self.with_.items():
            yield Expression(loc=("with", name), text=text)

    def assigns(self) -> Iterator[tuple[Loc, str]]:
        """Yield the variables that take what comes back."""
        for name in self.results:
            yield ("results", name), name

    def idle_exits(self) -> Collection[str]:
        """Return all exits: what the sub-flow waits for is not known here."""
        return self.exits().keys()

    def subflow(self) -> str | None:
        """Return the sub-flow's name."""
        return self.flow

    @property
    def decides(self) -> bool:
        """Say that the sub-flow's own data may choose the exit."""
        return True
