"""The ``switch`` node."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ivrengine.core import events
from ivrengine.flow.expressions import CelType
from ivrengine.flow.fields import Cel, Name
from ivrengine.flow.node import Expression, Leave, MayFail, Move, Turn
from ivrengine.flow.problems import Loc


class Case(BaseModel):
    """One condition and where it leads."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: Cel = Field(description="A CEL condition (bool).")
    to: Name = Field(description="Where to go if it is true.")


class Switch(MayFail):
    """Goes where the first true condition leads."""

    type: Literal["switch"]
    cases: Annotated[tuple[Case, ...], Field(min_length=1, max_length=64)] = Field(
        description="Conditions in the order in which they are tried."
    )
    otherwise: Name = Field(description="Where to go if none is true.")

    def enter(self, turn: Turn) -> Move:
        """Try the conditions in order."""
        for index, case in enumerate(self.cases):
            if turn.holds(case.when):
                return Leave(exit=f"case {index + 1}")
        return Leave(exit="otherwise")

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Expect nothing: the node is left in the turn in which it is entered."""

    def exits(self) -> Mapping[str, str | None]:
        """Return an exit for each case, ``otherwise``, and ``error`` if it leads somewhere."""
        cases = {f"case {index + 1}": case.to for index, case in enumerate(self.cases)}
        return self.failing({**cases, "otherwise": self.otherwise})

    def exit_locs(self) -> Mapping[str, Loc]:
        """Return the places of the cases' targets."""
        return {f"case {index + 1}": ("cases", index, "to") for index in range(len(self.cases))}

    def expressions(self) -> Iterator[Expression]:
        """Yield the conditions."""
        for index, case in enumerate(self.cases):
            yield Expression(loc=("cases", index, "when"), text=case.when, expects=CelType.BOOL)

    @property
    def decides(self) -> bool:
        """Say that the flow's data chooses the exit."""
        return True

    @property
    def needs_caller(self) -> bool:
        """Say that it is of use without a caller too."""
        return False
