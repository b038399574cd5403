"""What a door to Asterisk tells of itself, counted: fits the narrow port that the door declares for it.

Finding a series by its labels costs as much as all the rest of counting; those met at every event and request are kept.
"""

import functools
from collections import deque
from typing import Final

from ivrengine.core.ids import NodeName
from ivrengine.telemetry.metrics import Metrics

TELLING: Final = frozenset({"channels.playWithId"})
"""What every call asks for and Asterisk does at once; others wait by their nature, behind a prompt or for a person."""
ENOUGH: Final = 20
"""Requests within a second from which on nine of ten mean anything."""
KEPT: Final = 1024
"""More than a node is asked to play within a second."""
NINE_OF_TEN: Final = 0.9


class Latencies:
    """How fast the nodes answer at present."""

    def __init__(self) -> None:
        self._lately: dict[NodeName, deque[float]] = {}

    def note(self, node: NodeName, operation: str, duration_s: float) -> None:
        """Note one request."""
        if operation in TELLING:
            self._lately.setdefault(node, deque(maxlen=KEPT)).append(duration_s)

    def nine_of_ten_s(self, node: NodeName) -> float | None:
        """Return how long nine of ten requests took at most since this was asked last; None for too few of them."""
        lately = sorted(self._lately.pop(node, ()))
        return lately[int(NINE_OF_TEN * len(lately))] if len(lately) >= ENOUGH else None


class DoorMeter:
    """Counts for the doors of one engine."""

    def __init__(self, metrics: Metrics, latencies: Latencies | None = None) -> None:
        self._metrics = metrics
        self._latencies = latencies or Latencies()
        # As many as the settings name nodes.
        self._seen_up: set[NodeName] = set()
        # All three have labels from closed sets, and so have these caches.
        self._requests = functools.cache(metrics.requests.labels)
        self._request_seconds = functools.cache(metrics.request_seconds.labels)
        self._events_heard = functools.cache(metrics.events_heard.labels)
        self._ami_seen_up: set[NodeName] = set()

    def requested(self, node: NodeName, operation: str, outcome: str, duration_s: float) -> None:
        """Count a request to a node."""
        self._requests(node, operation, outcome).inc()
        self._request_seconds(node, operation).observe(duration_s)
        self._latencies.note(node, operation, duration_s)

    def heard(self, node: NodeName, kind: str) -> None:
        """Count an event that the engine was told."""
        self._events_heard(node, kind).inc()

    def dropped(self, node: NodeName, reason: str) -> None:
        """Count an event that nobody was told."""
        self._metrics.door_events_dropped.labels(node, reason).inc()

    def turned_away(self, node: NodeName, calls: int) -> None:
        """Count calls that a node's dialplan refused without a word."""
        self._metrics.calls_turned_away.labels(node).inc(calls)

    def linked(self, node: NodeName, *, up: bool) -> None:
        """Note whether a node's events reach us; the second time they do is a reconnection."""
        self._metrics.node_linked.labels(node).set(up)
        if up and node in self._seen_up:
            self._metrics.reconnects.labels(node).inc()
        if up:
            self._seen_up.add(node)

    def healthy(self, node: NodeName, *, well: bool) -> None:
        """Note whether a node's ARI answers in time."""
        self._metrics.node_healthy.labels(node).set(well)

    def ami_linked(self, node: NodeName, *, up: bool) -> None:
        """Note whether a node's AMI tells us of phones and trunks; the second time it does is a reconnection."""
        self._metrics.ami_linked.labels(node).set(up)
        if up and node in self._ami_seen_up:
            self._metrics.ami_reconnects.labels(node).inc()
        if up:
            self._ami_seen_up.add(node)
