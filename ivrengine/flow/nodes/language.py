"""The ``language`` node."""

from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from ivrengine.core import events
from ivrengine.flow import fields
from ivrengine.flow.node import Leave, Move, Node, Turn
from ivrengine.flow.problems import Loc


class Language(Node):
    """Changes the language in which the call is held from here on."""

    type: Literal["language"]
    to: fields.Language = Field(description="One of the languages that the flow lists.")
    next: fields.Name = Field(description="Where to go then.")

    def enter(self, turn: Turn) -> Move:
        """Change it and go on."""
        return Leave(exit="next", language=self.to)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Expect nothing: the node is left in the turn in which it is entered."""

    def exits(self) -> Mapping[str, str | None]:
        """Return the one exit, ``next``."""
        return {"next": self.next}

    def languages(self) -> Iterator[tuple[Loc, str]]:
        """Yield the language."""
        yield ("to",), self.to
