"""How late the event loop runs: a task that wants to be woken again and again, and notes how much later it was."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

EVERY_S: Final = 0.1
"""Ten looks a second cost nothing that can be measured."""
WINDOW_S: Final = 1.0
LONG_WINDOW_S: Final = 60.0
"""Longer than from one scrape to the next: no stall is missed by a graph."""


class LagProbe:
    """Measures while ``run`` runs."""

    def __init__(self, note: Callable[[float], None] = lambda _late_s: None) -> None:
        """Tell ``note`` each lateness, in seconds."""
        self._note = note
        self._late_s: deque[float] = deque(maxlen=round(LONG_WINDOW_S / EVERY_S))

    @property
    def worst_s(self) -> float:
        """How late the loop was at worst in the last second; 0 before anything was measured."""
        looks = round(WINDOW_S / EVERY_S)
        return max(list(self._late_s)[-looks:], default=0.0)

    @property
    def worst_lately_s(self) -> float:
        """Likewise, within the last minute."""
        return max(self._late_s.copy(), default=0.0)

    async def run(self) -> None:
        """Measure until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            wanted = clock() + EVERY_S
            await asyncio.sleep(EVERY_S)
            late_s = max(0.0, clock() - wanted)
            self._late_s.append(late_s)
            self._note(late_s)
