"""What is to go wrong in a simulated switch; all shares are drawn from the switch's seed."""

import dataclasses
from collections.abc import Mapping

from ivrengine.core.events import Failure
from ivrengine.core.switching import SwitchEvent


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Faults to be injected; the default is a switch without any. Shares are between 0 and 1."""

    refuse: Mapping[Failure, float] = dataclasses.field(default_factory=dict)
    """Which share of the requests fails with what; half of the ``UNAVAILABLE`` ones are done all the same."""
    refuse_at: Mapping[int, Failure] = dataclasses.field(default_factory=dict)
    """What the n-th request to the switch (from 1) fails with."""
    refuse_only: frozenset[str] | None = None
    """The requests that ``refuse`` is about, by name (``play``); None for all."""
    slow: float = 0.0
    """Which share of the requests takes up to ``slow_s`` longer."""
    slow_s: float = 1.0
    lose: float = 0.0
    """Which share of the events is never told."""
    lose_only: tuple[type[SwitchEvent], ...] | None = None
    """The kinds of events that ``lose`` is about; None for all."""
    late: float = 0.0
    """Which share of the events comes up to ``late_s`` later, and so does all behind it on the same topics."""
    late_s: float = 0.1
    double_digits: float = 0.0
    """Which share of the keys is told twice."""


NONE = Faults()
"""A switch that works."""
