"""The ``hours`` node."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from ivrengine.core import events
from ivrengine.core.call import Value
from ivrengine.flow.fields import Name, VariableName
from ivrengine.flow.node import Fail, Leave, MayFail, Move, Turn
from ivrengine.flow.problems import Loc


class Hours(MayFail):
    """Goes one way while a schedule is open, another while it is closed, and a way of its own for each reason if wanted."""

    type: Literal["hours"]
    schedule: Name = Field(description="One of the brand's schedules.")
    open: Name = Field(description="Where to go while it is open.")
    closed: Name = Field(description="Where to go while it is closed.")
    reasons: Annotated[dict[Name, Name], Field(max_length=64)] = Field(
        default_factory=dict,
        description="Where to go instead of `closed`, by the reason of the day: `holiday`, `half-day`, or the reason of an "
        "exception of the schedule. A reason holds all day, also early in the morning.",
    )
    next_open: VariableName | None = Field(
        default=None,
        description="The string variable that gets when it opens next, as `2026-11-23T09:00:00+03:00`; empty while it is open, "
        "and if it does not open within 400 days.",
    )

    def enter(self, turn: Turn) -> Move:
        """Look at the schedule."""
        schedule = turn.kit.schedules.get(self.schedule)
        if schedule is None:  # of an earlier version of the flow, whose schedule is gone
            return Fail(reason="no such schedule")
        standing = schedule.standing(turn.at)
        if standing.is_open:
            return Leave(exit="open", assign=self._assigned(""))
        begins = None if self.next_open is None else schedule.next_open(turn.at)
        by = _exit(standing.reason) if standing.reason in self.reasons else "closed"
        return Leave(exit=by, assign=self._assigned("" if begins is None else begins.isoformat()))

    def _assigned(self, text: str) -> Mapping[str, Value]:
        return {} if self.next_open is None else {self.next_open: text}

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Expect nothing: the node is left in the turn in which it is entered."""

    def exits(self) -> Mapping[str, str | None]:
        """Return ``open``, ``closed``, an exit for each reason, and ``error`` if it leads somewhere."""
        reasons = {_exit(reason): to for reason, to in self.reasons.items()}
        return self.failing({"open": self.open, "closed": self.closed, **reasons})

    def exit_locs(self) -> Mapping[str, Loc]:
        """Return the places of the reasons' targets."""
        return {_exit(reason): ("reasons", reason) for reason in self.reasons}

    def assigns(self) -> Iterator[tuple[Loc, str]]:
        """Yield the variable that gets the time."""
        if self.next_open is not None:
            yield ("next_open",), self.next_open

    @property
    def needs_caller(self) -> bool:
        """Say that it is of use without a caller too."""
        return False


def _exit(reason: str) -> str:
    return f"closed {reason}"
