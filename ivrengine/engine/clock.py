"""The engine clock: wall time at the start, moved on by the event loop's monotonic time; never backwards.

Every ``at`` comes from here, so a step of the wall clock (NTP, an operator) moves no wait and makes no duration negative.
On a virtual-time loop the clock is virtual by itself.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Self

_TICK: Final = timedelta(microseconds=1)


def wall() -> datetime:
    """Return the wall clock's present, aware: for what has another machine's time, as a heartbeat; no wait goes by it."""
    return datetime.now(UTC)


class EngineClock:
    """Tells the time of the engine; ``monotonic`` is the event loop's ``time``."""

    def __init__(
        self, started_at: datetime, monotonic: Callable[[], float], *, floor: datetime | None = None
    ) -> None:
        """Start at ``started_at`` (aware), or at ``floor`` (the journal's last instant) if that is later."""
        self._zero = started_at if floor is None else max(started_at, floor + _TICK)
        self._monotonic = monotonic
        self._zero_s = monotonic()

    @classmethod
    def starting_now(cls, monotonic: Callable[[], float], *, floor: datetime | None = None) -> Self:
        """Return a clock that starts at the wall clock's present, and does not look at it again."""
        return cls(wall(), monotonic, floor=floor)

    def now(self) -> datetime:
        """Return the instant, aware."""
        return self._zero + timedelta(0, self._monotonic() - self._zero_s)
