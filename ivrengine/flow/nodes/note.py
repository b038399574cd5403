"""The ``note`` node."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal

from pydantic import Field

from ivrengine.core import effects, events
from ivrengine.core.call import Value
from ivrengine.flow.fields import Cel, Name
from ivrengine.flow.node import Expression, Fail, Leave, MayFail, Move, Turn

NOTES_MAX: Final = 16
"""A node that notes more describes the caller, not the call."""
TEXT_MAX: Final = 200
"""Characters of a noted text: a line that people read at a glance."""


class Note(MayFail):
    """Notes something about the call: why somebody calls, what came of it.

    Notes stand in the table `call_attributes`, and `ivrengine calls show` tells them; a later note of the same name takes the
    place of an earlier one.
    """

    type: Literal["note"]
    values: Annotated[dict[Name, Cel], Field(min_length=1, max_length=NOTES_MAX)] = Field(
        alias="set",
        description="For each note a CEL expression; a text is put in quotes twice: `\"'dues'\"`. A text of more than 200 "
        "characters is not noted, and the node fails.",
    )
    next: Name = Field(description="Where to go then.")

    def enter(self, turn: Turn) -> Move:
        """Note and go on."""
        values = {name: turn.evaluate(text) for name, text in self.values.items()}
        if not all(map(_is_short, values.values())):
            return Fail(reason="note too long")
        notes = tuple(
            effects.SetAttribute(name=name, value=value) for name, value in values.items()
        )
        return Leave(exit="next", effects=notes)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Expect nothing: the node is left in the turn in which it is entered."""

    def exits(self) -> Mapping[str, str | None]:
        """Return ``next``, and ``error`` if it leads somewhere."""
        return self.failing({"next": self.next})

    def expressions(self) -> Iterator[Expression]:
        """Yield what is noted."""
        for name, text in self.values.items():
            yield Expression(loc=("set", name), text=text)

    @property
    def needs_caller(self) -> bool:
        """Say that it is of use without a caller too."""
        return False


def _is_short(value: Value) -> bool:
    return not isinstance(value, str) or len(value) <= TEXT_MAX
