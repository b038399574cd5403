"""How long the shipper waits before it tries an unreachable database again: one pure function."""

from typing import Final

FIRST_S: Final = 0.25
"""A restart of the server takes about this long."""
LONGEST_S: Final = 10.0
"""However long the outage, its end is seen within so many seconds; one try in ten seconds costs nobody anything."""
_DOUBLINGS_MAX: Final = 10
"""By then the longest wait is reached; the number of tries itself has no bound, because giving up would lose rows."""


def delay_s(attempt: int, chance: float) -> float:
    """Return the wait before the next try: doubling from ``FIRST_S``, at most ``LONGEST_S``.

    ``attempt`` counts the failures in a row from 0; ``chance`` in [0, 1) spreads the waits over their upper half, so that
    several engines do not come back all at once.
    """
    full = min(LONGEST_S, FIRST_S * 2.0 ** min(attempt, _DOUBLINGS_MAX))
    return full * (0.5 + chance / 2)
