"""Carries events from the simulated switch to its listener, in the order and with the delays of Asterisk.

What happened to one channel, with its playbacks and recordings, or to one bridge is told in the order in which it
happened. Between those there is no order: each event is late by a little, drawn by seed, so that what happened at about
the same time is shuffled. While the link is down nothing is told, and nothing is kept.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any, Final

from ivrengine.core import switching
from ivrengine.sim import faults

TICK_S: Final = 1e-6
"""Delays are whole microseconds, so that sums of them stay exact enough to compare."""

_Due = tuple[float, int, tuple[str, ...], type[Any], dict[str, Any]]


class Delivery:
    """The way of the events to one listener."""

    def __init__(
        self,
        *,
        listener: Callable[[switching.SwitchEvent], None],
        now: Callable[[], datetime],
        chance: Random,
        jitter_s: float,
        counts: Counter[str],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._now = now
        self._chance = chance
        self._jitter_ticks = round(jitter_s / TICK_S)
        self._counts = counts
        self._due: list[_Due] = []  # a heap, as long as what happened within the longest delay
        self._order = 0
        self._last: dict[str, tuple[float, int]] = {}  # the event at the end of each topic's queue
        self.faults = faults.NONE
        self.link_up = False

    def tell(self, kind: type[Any], *topics: str, **fields: object) -> None:
        """Let the event ``kind(at=…, **fields)`` reach the listener, in order with the others on its topics."""
        if not self.link_up:
            self._counts["unheard"] += 1
            return
        if self._is_lost(kind):
            self._counts["lost"] += 1
            return
        self._send(kind, topics, fields)
        if kind is switching.DigitHeard and self._falls(self.faults.double_digits):
            self._counts["doubled"] += 1
            self._send(kind, topics, fields)

    def at_once(self, event: switching.SwitchEvent) -> None:
        """Tell what does not come over the link: that the link is up or down."""
        self._listener(event)

    def cut(self) -> None:
        """Break the link: what is on its way is never told."""
        self.link_up = False
        self._counts["unheard"] += len(self._due)
        self._due.clear()
        self._last.clear()

    def _falls(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share

    def _is_lost(self, kind: type[Any]) -> bool:
        only = self.faults.lose_only
        return (only is None or kind in only) and self._falls(self.faults.lose)

    def _send(self, kind: type[Any], topics: tuple[str, ...], fields: dict[str, object]) -> None:
        now_s = self._loop.time()
        when = now_s + self._delay_s()
        last = self._last
        self._order += 1
        for topic in topics:
            if topic in last:
                when = max(when, last[topic][0])
        for topic in topics:
            last[topic] = (when, self._order)
        heapq.heappush(self._due, (when, self._order, topics, kind, fields))
        if when - now_s < TICK_S:
            self._loop.call_soon(self._flush, when)
        else:
            self._loop.call_at(when, self._flush, when)

    def _delay_s(self) -> float:
        ticks = int(self._chance.random() * (self._jitter_ticks + 1))
        if self._falls(self.faults.late):
            self._counts["late"] += 1
            ticks += int(self._chance.random() * self.faults.late_s / TICK_S)
        return ticks * TICK_S

    def _flush(self, until: float) -> None:
        """Tell all that is due; ``until`` and not the clock, for a loop may wake us a little early."""
        due = self._due
        while due and due[0][0] <= until:
            when, order, topics, kind, fields = heapq.heappop(due)
            for topic in topics:
                if self._last[topic] == (when, order):
                    del self._last[topic]
            self._counts["events"] += 1
            self._listener(kind(at=self._now(), **fields))
