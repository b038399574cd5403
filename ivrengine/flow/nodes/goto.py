"""The ``goto`` node."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from ivrengine.core import events
from ivrengine.flow.fields import Name
from ivrengine.flow.node import Leave, Move, Node, Turn


class Goto(Node):
    """Goes on elsewhere: a place with a name of its own that can be moved in one line."""

    type: Literal["goto"]
    to: Name = Field(description="The node to go to.")

    def enter(self, turn: Turn) -> Move:
        """Go on at once."""
        return Leave(exit="to")

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Expect nothing: the node is left in the turn in which it is entered."""

    def exits(self) -> Mapping[str, str | None]:
        """Return the one exit, ``to``."""
        return {"to": self.to}

    @property
    def needs_caller(self) -> bool:
        """Say that it is of use without a caller too."""
        return False
