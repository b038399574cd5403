"""What the engine writes into before it acts: the journal, or in a world for tests whatever keeps the steps."""

from collections.abc import Iterable
from typing import Protocol

from ivrengine.core import effects, events, rows
from ivrengine.core.call import Call
from ivrengine.core.ids import BrandId, CallId, FlowHash
from ivrengine.core.missed import CallMissed


class Ledger(Protocol):
    """Keeps everything in the order in which it is given; what it cannot keep it refuses with ``JournalError``."""

    def has_room(self) -> bool:
        """Tell whether a new call may begin."""
        ...

    def append_step(
        self, event: events.CallEvent, effects: tuple[effects.Effect, ...], call: Call
    ) -> int:
        """Keep a step and return its number in the call's stream."""
        ...

    def append_missed(
        self, stream_id: CallId, brand: BrandId, event: CallMissed, call: Call | None
    ) -> None:
        """Keep a call that only the dialplan saw."""
        ...

    def append_number(self, row: rows.NumberRow) -> None:
        """Keep a sealed number for the vault."""
        ...

    def append_flow(self, row: rows.FlowRow) -> None:
        """Keep a flow version, on which calls may begin from now on."""
        ...

    def retire_flows(self, but: Iterable[tuple[BrandId, FlowHash]]) -> None:
        """Know that calls begin on these versions only."""
        ...
