"""How long to wait before the next attempt to reach an Asterisk."""

from collections.abc import Callable, Iterator
from typing import Final

FIRST_S: Final = 0.2
"""An Asterisk that closed one socket in passing is back at once: callers wait in silence meanwhile."""
MOST_S: Final = 10.0
"""A restarted Asterisk is found at most this late; one attempt in 10 s costs neither side anything."""


def delays_s(chance: Callable[[], float]) -> Iterator[float]:
    """Yield waits without end: doubling up to ``MOST_S``, each shortened at random to as little as half.

    ``chance`` returns numbers in [0, 1). The jitter keeps several engines, or one engine's nodes, from knocking in step.
    """
    longest = FIRST_S
    while True:
        yield longest * (1 - chance() / 2)
        longest = min(longest * 2, MOST_S)
