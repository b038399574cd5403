"""How many calls a switch may be given at present: pure, one step a second, between a floor and the configured maximum.

Additive increase, multiplicative decrease: a machine past its knee collapses rather than slows down (787 calls/s served, of
1,000 offered 200), so what it is given must fall faster than it grows. The dialplan sheds the rest before it costs anything.
"""

import dataclasses
from typing import Final

LAG_S_MAX: Final = 0.2
"""At worst within a second: some caller's key waited that long before anything of it was seen."""
REQUEST_S_MAX: Final = 0.25
"""Nine of ten requests are answered by then; Asterisk answers in 2 ms, near its knee in tens, beyond it in hundreds."""
CALM: Final = 0.5
"""Below this part of both bounds there is room for more; between, the limit stays (no swinging to and fro)."""
RATE_CUT: Final = 0.7
CALLS_CUT: Final = 0.95
"""Calls in progress end by themselves: the rate does most, and to refuse everyone for seconds would be an outage of its own."""
GROWTH: Final = 0.05
"""Of the maximum, each second: all of it again after 20 calm ones."""
FLOOR: Final = 0.1
"""Of the maximum. Whatever is measured (another program on the machine, a slow disk), so much is always taken."""
START: Final = 0.25
"""Of the maximum of new calls a second: what is given at once, before anything is known of what the machine can do."""
HEADROOM: Final = 1.5
"""Beyond ``START`` a limit grows to this much of what really came lately: one that nobody came near says nothing of what the
machine can do, and a flood that meets it is in the machine before anything is measured (as of congestion windows, RFC 7661)."""
FORGETTING: Final = 0.98
"""Of the most that came within a second lately, each second: half of it is forgotten after 35."""
STRAINED_S: Final = 2
"""So many strained seconds make a cut: one alone is a pause of something else, and the first after a cut is of before it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """The most that a switch is ever given."""

    calls_max: int
    calls_per_s_max: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was seen of a switch and its engine within the last second."""

    lag_s: float
    """How late the event loop was at worst."""
    request_s: float | None
    """How long nine of ten requests took at most; None for too few of them to say."""
    calls: int
    """In progress there."""
    arrived: int
    """New within the second."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """The limits of this second, before rounding."""

    calls: float
    calls_per_s: float
    strained_s: int = 0
    """Seconds of strain since the last cut or calm one."""
    came_per_s: float = 0.0
    """The most that came within a second lately."""

    @property
    def calls_max(self) -> int:
        """Calls in progress, beyond which new ones are shed."""
        return int(self.calls)

    @property
    def calls_per_s_max(self) -> int:
        """New calls a second, beyond which they are shed."""
        return int(self.calls_per_s)


def at_first(ceiling: Ceiling) -> Admitted:
    """Return the limits before anything was measured."""
    return Admitted(calls=ceiling.calls_max, calls_per_s=max(START * ceiling.calls_per_s_max, 1.0))


def adapted(admitted: Admitted, measured: Measured, ceiling: Ceiling) -> Admitted:
    """Return the limits for the next second."""
    came_per_s = max(FORGETTING * admitted.came_per_s, measured.arrived)
    admitted = dataclasses.replace(admitted, came_per_s=came_per_s)
    strain = max(measured.lag_s / LAG_S_MAX, (measured.request_s or 0.0) / REQUEST_S_MAX)
    if strain > 1.0:
        strained_s = admitted.strained_s + 1
        if strained_s >= STRAINED_S:
            return _cut(admitted, measured, ceiling)
        return dataclasses.replace(admitted, strained_s=strained_s)
    growth = GROWTH if strain < CALM else 0.0
    calls = admitted.calls + growth * ceiling.calls_max
    calls_per_s = admitted.calls_per_s + growth * ceiling.calls_per_s_max
    tried = max(START * ceiling.calls_per_s_max, HEADROOM * came_per_s)
    return Admitted(
        calls=_within(calls, ceiling.calls_max),
        calls_per_s=_within(min(calls_per_s, tried), ceiling.calls_per_s_max),
        came_per_s=came_per_s,
    )


def _cut(admitted: Admitted, measured: Measured, ceiling: Ceiling) -> Admitted:
    """Cut from what was really given, not from a limit that nobody came near."""
    calls = CALLS_CUT * min(admitted.calls, measured.calls)
    calls_per_s = RATE_CUT * min(admitted.calls_per_s, measured.arrived)
    return Admitted(
        calls=_within(calls, ceiling.calls_max),
        calls_per_s=_within(calls_per_s, ceiling.calls_per_s_max),
        came_per_s=admitted.came_per_s,
    )


def _within(limit: float, maximum: int) -> float:
    return min(max(limit, FLOOR * maximum, 1.0), maximum)
