"""How many calls a switch may be given at present: pure, one step a second, between a floor and the configured maximum.

Additive increase, multiplicative decrease: a machine past its knee collapses rather than slows down (787 calls/s served, of
1,000 offered 200), so what it is given must fall faster than it grows. The dialplan sheds the rest before it costs anything.
"""

import dataclasses
import math
from typing import Final

LAG_S_MAX: Final = 0.15
"""At worst within a second: some caller's key waited that long before anything of it was seen."""
REQUEST_S_MAX: Final = 0.15
"""Nine of ten requests are answered by then; Asterisk answers in 2 ms, near its knee in tens, beyond it in hundreds."""
CALM: Final = 0.5
"""Below this part of both bounds there is room for more; between, the limit stays (no swinging to and fro)."""
RATE_CUT: Final = 0.9
SEVERE_CUT: Final = 0.75
CALLS_CUT: Final = 0.95
"""Calls in progress end by themselves: the rate does most, and to refuse everyone for seconds would be an outage of its own."""
GROWTH: Final = 0.05
"""Of the maximum, each second: all of it again after 20 calm ones."""
CAREFUL_GROWTH: Final = 0.01
NEAR: Final = 0.85
"""Of the rate at which there was strain last, or of a higher one that was carried since: from there on growth is careful, lest
strain be met again within seconds. (What strained the machine may have been something else: then it has carried more.)"""
FLOOR: Final = 0.1
"""Of the maximum. Whatever is measured (another program on the machine, a slow disk), so much is always taken."""
START: Final = 0.25
"""Of the maximum of new calls a second: what is given at once, before anything is known of what the machine can do."""
HEADROOM: Final = 1.5
"""Beyond ``START`` a limit grows to this much of what really came lately: one that nobody came near says nothing of what the
machine can do, and a flood that meets it is in the machine before anything is measured (as of congestion windows, RFC 7661)."""
FORGETTING: Final = 0.98
"""Of what came or was carried, each second: half of it is forgotten after 35."""
KNEE_FORGETTING: Final = 0.995
"""Of where there was strain: what is known dearly is forgotten slowly."""
STRAINED_S: Final = 2
"""So many strained seconds make a cut: one alone is a pause of something else, and the first after a cut is of before it."""
SEVERE: Final = 3.0
"""Strain that makes a deeper cut at once: there is a backlog to be worked off."""
SETTLING_S: Final = 3
"""After a cut so many seconds tell more of what was before it."""


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
    settling_s: int = 0
    """Seconds in which strain is still of before the last cut."""
    came_per_s: float = 0.0
    """The most that came within a second lately."""
    comes_per_s: float = 0.0
    """What comes at present, smoothed: a machine that chokes takes nothing for a second and the more in the next."""
    carried_per_s: float = 0.0
    """The most that came within a calm second lately."""
    knee_per_s: float = math.inf
    """The rate at which there was strain last; forgotten with time."""

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
    admitted = dataclasses.replace(
        admitted,
        settling_s=max(admitted.settling_s - 1, 0),
        came_per_s=max(FORGETTING * admitted.came_per_s, measured.arrived),
        comes_per_s=(admitted.comes_per_s + measured.arrived) / 2,
        carried_per_s=FORGETTING * admitted.carried_per_s,
        knee_per_s=admitted.knee_per_s / KNEE_FORGETTING,
    )
    strain = max(measured.lag_s / LAG_S_MAX, (measured.request_s or 0.0) / REQUEST_S_MAX)
    if strain <= CALM:
        carried_per_s = max(admitted.carried_per_s, admitted.comes_per_s)
        return _grown(dataclasses.replace(admitted, carried_per_s=carried_per_s), ceiling)
    if strain <= 1.0:
        return dataclasses.replace(admitted, strained_s=0)
    strained_s = admitted.strained_s + 1
    if admitted.settling_s == 0 and (strained_s >= STRAINED_S or strain >= SEVERE):
        by = SEVERE_CUT if strain >= SEVERE else RATE_CUT
        return _cut(admitted, measured, ceiling, by)
    return dataclasses.replace(admitted, strained_s=strained_s)


def _grown(admitted: Admitted, ceiling: Ceiling) -> Admitted:
    """Grow: fast where there is room, carefully near the knee, and never far beyond what came."""
    near = NEAR * max(admitted.knee_per_s, admitted.carried_per_s)
    growth = CAREFUL_GROWTH if admitted.calls_per_s >= near else GROWTH
    calls = admitted.calls + GROWTH * ceiling.calls_max
    calls_per_s = admitted.calls_per_s + growth * ceiling.calls_per_s_max
    tried = max(START * ceiling.calls_per_s_max, HEADROOM * admitted.came_per_s)
    return dataclasses.replace(
        admitted,
        calls=_within(calls, ceiling.calls_max),
        calls_per_s=_within(min(calls_per_s, tried), ceiling.calls_per_s_max),
        strained_s=0,
    )


def _cut(admitted: Admitted, measured: Measured, ceiling: Ceiling, by: float) -> Admitted:
    """Cut from what was really given, not from a limit that nobody came near."""
    calls = CALLS_CUT * min(admitted.calls, measured.calls)
    given_per_s = min(admitted.calls_per_s, max(admitted.comes_per_s, measured.arrived))
    return dataclasses.replace(
        admitted,
        calls=_within(calls, ceiling.calls_max),
        calls_per_s=_within(by * given_per_s, ceiling.calls_per_s_max),
        strained_s=0,
        settling_s=SETTLING_S,
        knee_per_s=given_per_s,
    )


def _within(limit: float, maximum: int) -> float:
    return min(max(limit, FLOOR * maximum, 1.0), maximum)
