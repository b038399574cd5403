"""The ``split`` node."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ivrengine.core import events
from ivrengine.core.call import Call
from ivrengine.flow.fields import Name, contradiction
from ivrengine.flow.node import Leave, Move, Node, Turn
from ivrengine.flow.problems import Loc

_ALL: Final = 100
_DIGEST_BYTES: Final = 8
"""Of SHA-256: 64 bits favour no way by more than one caller in 10^17."""


class Way(BaseModel):
    """One of the ways of a split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    percent: int = Field(ge=1, le=99, description="How many of a hundred callers go this way.")
    to: Name = Field(description="Where they go.")


class Split(Node):
    """Sends callers different ways, so many of a hundred each; the same caller always goes the same way.

    Who goes where follows from the caller's number alone, so that it outlives restarts and changes of the flow; a caller
    whose number is withheld stays on one way for one call. When percentages change, only as many callers change their way
    as must.
    """

    type: Literal["split"]
    name: Name | None = Field(
        default=None,
        description="What is tried out. Splits of one name agree on every caller, in all flows of the brand; without it the "
        "names of the flow and the node decide, and a new name of either deals the callers out anew.",
    )
    ways: Annotated[dict[Name, Way], Field(min_length=2, max_length=20)] = Field(
        description="The ways by name; their percentages add up to 100."
    )

    @model_validator(mode="after")
    def _add_up(self) -> Self:
        total = sum(way.percent for way in self.ways.values())
        if total != _ALL:
            sentence = f"expected percentages that add up to {_ALL}, found `{total}`"
            raise contradiction("ways", sentence)
        return self

    def enter(self, turn: Turn) -> Move:
        """Send the caller on."""
        left = _place(turn.call, self.name) * _ALL
        *others, last = self.ways.items()
        for name, way in others:
            left -= way.percent
            if left < 0:
                return Leave(exit=name)
        return Leave(exit=last[0])

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Expect nothing: the node is left in the turn in which it is entered."""

    def exits(self) -> Mapping[str, str | None]:
        """Return an exit for each way."""
        return {name: way.to for name, way in self.ways.items()}

    def exit_locs(self) -> Mapping[str, Loc]:
        """Return the places of the ways' targets."""
        return {name: ("ways", name, "to") for name in self.ways}

    @property
    def needs_caller(self) -> bool:
        """Say that it is of use without a caller too."""
        return False


def _place(call: Call, name: str | None) -> float:
    """Return a caller's place among all callers of a split, from 0 to 1."""
    split = name or f"{call.subflow or call.flow.name}/{call.node}"
    who = call.caller.key or call.call_id
    digest = hashlib.sha256(f"{split}\n{who}".encode()).digest()
    return int.from_bytes(digest[:_DIGEST_BYTES]) / (1 << (8 * _DIGEST_BYTES))
