"""The ``return`` node."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from ivrengine.core import events
from ivrengine.flow.fields import Name
from ivrengine.flow.node import Move, Node, Return, Turn


class ReturnNode(Node):
    """Ends a sub-flow; the flow that called it goes on where its `call` node says for this return."""

    type: Literal["return"]
    by: Name = Field(description="One of the flow's `returns`.")

    def enter(self, turn: Turn) -> Move:
        """Go back at once."""
        return Return(by=self.by)

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Expect nothing: the node is left in the turn in which it is entered."""

    def exits(self) -> Mapping[str, str | None]:
        """Return none: what comes then is in another flow."""
        return {}

    @property
    def needs_caller(self) -> bool:
        """Say that it is of use without a caller too."""
        return False
