"""What calls do in their flows, counted; flows by the names of the loaded book, so that no label comes from a call."""

import functools
from collections.abc import Iterable

from ivrengine.core.call import Outcome
from ivrengine.core.ids import BrandId
from ivrengine.telemetry.metrics import Metrics

OTHER = ("other", "other")
"""Brand and flow of a call whose flow left the settings while it was in progress."""


class FlowMeter:
    """Counts calls and visits by flow; the series that are met at every node are kept."""

    def __init__(self, metrics: Metrics) -> None:
        self._known: set[tuple[str, str]] = set()
        # Labels from closed sets: the flows that were loaded, the outcomes, the types of nodes.
        self._ended = functools.cache(metrics.calls_ended.labels)
        self._visits = functools.cache(metrics.node_visits.labels)
        for outcome in Outcome:
            self._ended(*OTHER, outcome)

    def know(self, brand: BrandId, flow: str, types: Iterable[str]) -> None:
        """Let a flow that was loaded have series of its own, from zero on."""
        self._known.add((brand, flow))
        for outcome in Outcome:
            self._ended(brand, flow, outcome)
        for kind in types:
            self._visits(brand, flow, kind)

    def ended(self, brand: BrandId, flow: str, outcome: Outcome) -> None:
        """Count a call that has ended, by its flow's name, whichever version it was on."""
        self._ended(*self._named(brand, flow), outcome).inc()

    def visited(self, brand: BrandId, flow: str, kind: str) -> None:
        """Count a node that a call has entered."""
        self._visits(*self._named(brand, flow), kind).inc()

    def _named(self, brand: BrandId, flow: str) -> tuple[str, str]:
        name = (brand, flow)
        return name if name in self._known else OTHER
