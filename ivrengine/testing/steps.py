"""What the engine of a test's world decided, step by step, instead of a journal on a disk."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator

from ivrengine.core import effects, events, rows
from ivrengine.core.call import Call
from ivrengine.core.ids import BrandId, CallId, FlowHash
from ivrengine.core.missed import CallMissed


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An event, what it led to, and the call as it stood then."""

    event: events.CallEvent
    effects: tuple[effects.Effect, ...]
    call: Call


class Steps:
    """A ledger in memory; ``told`` hears of each step before anything of it is done."""

    def __init__(self, told: Callable[[Step], None]) -> None:
        self.all: list[Step] = []
        self._told = told

    def decided(self) -> Iterator[effects.Effect]:
        """Yield everything that was decided so far."""
        for step in self.all:
            yield from step.effects

    def has_room(self) -> bool:
        """Say that there is always room."""
        return True

    def append_step(
        self, event: events.CallEvent, effects: tuple[effects.Effect, ...], call: Call
    ) -> int:
        """Keep a step."""
        step = Step(event=event, effects=effects, call=call)
        self.all.append(step)
        self._told(step)
        return len(self.all)

    def append_missed(
        self, stream_id: CallId, brand: BrandId, event: CallMissed, call: Call | None
    ) -> None:
        """Keep nothing: no call passes by the engine of a test."""

    def append_number(self, row: rows.NumberRow) -> None:
        """Keep nothing: a test has no vault."""

    def append_flow(self, row: rows.FlowRow) -> None:
        """Keep nothing: a test ends with the versions that it began with."""

    def retire_flows(self, but: Iterable[tuple[BrandId, FlowHash]]) -> None:
        """Forget nothing, for the same reason."""
