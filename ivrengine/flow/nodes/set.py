"""The ``set`` node."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from ivrengine.core import events
from ivrengine.flow.fields import Cel, Name, VariableName
from ivrengine.flow.node import Expression, Leave, MayFail, Move, Turn
from ivrengine.flow.problems import Loc


class Set(MayFail):
    """Gives variables new values; each is computed from the values before the node."""

    type: Literal["set"]
    assign: Annotated[dict[VariableName, Cel], Field(min_length=1)] = Field(
        description="For each variable a CEL expression of its type."
    )
    next: Name = Field(description="Where to go then.")

    def enter(self, turn: Turn) -> Move:
        """Compute and go on."""
        values = {name: turn.evaluate(text) for name, text in self.assign.items()}
        return Leave(exit="next", assign=values)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Expect nothing: the node is left in the turn in which it is entered."""

    def exits(self) -> Mapping[str, str | None]:
        """Return ``next``, and ``error`` if it leads somewhere."""
        return self.failing({"next": self.next})

    def assigns(self) -> Iterator[tuple[Loc, str]]:
        """Yield the variables that get values."""
        for name in self.assign:
            yield ("assign", name), name

    def expressions(self) -> Iterator[Expression]:
        """Yield the values; the compiler holds each against its variable's type."""
        for name, text in self.assign.items():
            yield Expression(loc=("assign", name), text=text, assigns=name)

    @property
    def needs_caller(self) -> bool:
        """Say that it is of use without a caller too."""
        return False
