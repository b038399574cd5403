"""The counters of one engine, beside the way of every call; what an operator watches and alarms on.

Labels come from closed sets (never a number, a name that a flow chose, or a call's id), so that the number of series is
known beforehand. A series of a set that the code knows exists from the start, at zero: an alarm on its growth works.
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ivrengine.core.call import Outcome
from ivrengine.core.effects import Effect
from ivrengine.core.events import Failure, UnheardEnd

REFUSED: Final = ("no route", "too many calls", "stopping", "journal")
"""Why an arriving call was sent to the dialplan's fallback at once."""
DROPPED: Final = ("mailbox full", "type-ahead full", "no such call")
"""Why an event did not reach a call's fold."""
STRAYS: Final = ("unserved", "caller", "leg", "bridge")
"""What may be found alive that no call knows: who was never answered, who was, a dialled phone, a bridge."""
ROW_KINDS: Final = ("event", "call", "number", "flow")
"""What is shipped to the store."""
ANSWER_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""An idle Asterisk answers in one or two milliseconds, one at its limit in hundreds."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What is made of the times in which a switch was not heard, and of what should not be there."""

    calls_resumed: Counter
    """Gone on at their node after a time in which their switch was not heard."""
    calls_unheard: Counter
    """Calls of whose end nobody was told, by ``reason``."""
    strays: Counter
    """Found alive on a switch though no call knew of it, and seen to; by ``what`` it was."""
    channels: Gauge
    """Channels with us at the last look, by ``node`` and ``whose`` they are."""
    bridges: Gauge
    """Bridges of ours at the last look, likewise; ``unknown`` ones are leaks."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """All metrics of one engine, in a registry of its own."""

    registry: CollectorRegistry
    calls_in_progress: Gauge
    calls_ended: Counter
    """By ``outcome``."""
    calls_refused: Counter
    """Sent to the fallback on arrival, by ``reason``."""
    calls_failed: Counter
    """Calls whose deciding or performing raised an exception."""
    recovery: Recovery
    events_dropped: Counter
    """By ``reason``."""
    events_heard: Counter
    """Told by a door to the engine, by ``node`` and ``kind`` of event."""
    door_events_dropped: Counter
    """Not told by a door, as nobody could make anything of them: by ``node`` and ``reason``."""
    requests: Counter
    """Asked of a switch, by ``node`` and ``outcome`` (``done`` or the class of the failure)."""
    request_seconds: Histogram
    """From asking to the answer, by ``node`` and ``operation``."""
    requests_failed: Counter
    """Effects that were not done, by kind of ``effect`` and class of ``failure``."""
    node_linked: Gauge
    """1 while the events of a ``node`` reach us."""
    node_healthy: Gauge
    """1 while the ARI of a ``node`` answers in time."""
    reconnects: Counter
    """Connections to an Asterisk made again after one was lost, by ``node``."""
    ami_linked: Gauge
    """1 while the AMI of a ``node`` tells us of phones and trunks."""
    ami_reconnects: Counter
    """Connections to an AMI made again after one was lost, by ``node``."""
    trunk_up: Gauge
    """1 while a ``trunk`` of the settings carries calls, 0 while it does not; none while its ``node`` tells nothing of it."""
    phones: Gauge
    """Phones of a ``node`` by their ``state``."""
    fallback_waiting: Gauge
    """Callers in the fallback queue of a ``node``."""
    journal_bytes: Counter
    journal_torn_lines: Counter
    """Lines of the journal that were cut by a crash or damaged, met by the shipper."""
    rows_shipped: Counter
    """By ``kind``."""
    rows_parked: Counter
    """Rows that the store refuses whatever is tried, kept aside for a person; by ``kind``."""
    gaps: Counter
    """Numbers found missing within a stream in the store."""
    shipping_failed: Counter
    """Batches that did not reach the store, and are tried again."""


def new() -> Metrics:
    """Return the metrics of an engine that has not done anything yet."""
    registry = CollectorRegistry()

    def counter(name: str, text: str, *labels: str) -> Counter:
        return Counter(f"ivrengine_{name}", text, labels, registry=registry)

    def gauge(name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"ivrengine_{name}", text, labels, registry=registry)

    metrics = Metrics(
        registry=registry,
        calls_in_progress=gauge("calls_in_progress", "Calls in progress."),
        calls_ended=counter("calls_ended", "Calls that ended.", "outcome"),
        calls_refused=counter("calls_refused", "Calls sent to the fallback on arrival.", "reason"),
        calls_failed=counter("calls_failed", "Calls that met an exception."),
        recovery=_recovery(counter, gauge),
        events_dropped=counter("events_dropped", "Events that no call took.", "reason"),
        events_heard=counter("events_heard", "Events told to the engine.", "node", "kind"),
        door_events_dropped=counter(
            "door_events_dropped", "Events that a door could not tell.", "node", "reason"
        ),
        requests=counter("requests", "Requests to a switch.", "node", "outcome"),
        request_seconds=Histogram(
            "ivrengine_request_seconds",
            "From a request to its answer.",
            ("node", "operation"),
            buckets=ANSWER_S,
            registry=registry,
        ),
        node_linked=gauge("node_linked", "Whether a node's events reach us.", "node"),
        node_healthy=gauge("node_healthy", "Whether a node's ARI answers in time.", "node"),
        requests_failed=counter(
            "requests_failed", "Requests that a switch did not do.", "effect", "failure"
        ),
        reconnects=counter("reconnects", "Connections to Asterisk made again.", "node"),
        ami_linked=gauge("ami_linked", "Whether a node's AMI tells us of phones.", "node"),
        ami_reconnects=counter("ami_reconnects", "Connections to AMI made again.", "node"),
        trunk_up=gauge("trunk_up", "Whether a trunk carries calls.", "node", "trunk"),
        phones=gauge("phones", "Phones by what they do.", "node", "state"),
        fallback_waiting=gauge("fallback_waiting", "Callers in the fallback queue.", "node"),
        journal_bytes=counter("journal_bytes", "Bytes written to the journal."),
        journal_torn_lines=counter(
            "journal_torn_lines", "Lines of the journal that are not whole."
        ),
        rows_shipped=counter("rows_shipped", "Rows that reached the store.", "kind"),
        rows_parked=counter("rows_parked", "Rows that the store refuses.", "kind"),
        gaps=counter("gaps", "Numbers missing within a stream in the store."),
        shipping_failed=counter("shipping_failed", "Batches to be tried again."),
    )
    return _begun_at_zero(metrics)


def _recovery(counter: Callable[..., Counter], gauge: Callable[..., Gauge]) -> Recovery:
    return Recovery(
        calls_resumed=counter("calls_resumed", "Calls that went on after a gap."),
        calls_unheard=counter("calls_unheard", "Calls that ended unheard.", "reason"),
        strays=counter("strays", "Found alive though no call knew of it.", "what"),
        channels=gauge("channels", "Channels with us at the last look.", "node", "whose"),
        bridges=gauge("bridges", "Bridges of ours at the last look.", "node", "whose"),
    )


def _begun_at_zero(metrics: Metrics) -> Metrics:
    effects = tuple(kind.__name__ for kind in get_args(Effect))
    _each(metrics.calls_ended, Outcome)
    _each(metrics.calls_refused, REFUSED)
    _each(metrics.events_dropped, DROPPED)
    _each(metrics.recovery.calls_unheard, UnheardEnd)
    _each(metrics.recovery.strays, STRAYS)
    _each(metrics.rows_shipped, ROW_KINDS)
    _each(metrics.rows_parked, ROW_KINDS)
    for effect in effects:
        for failure in Failure:
            metrics.requests_failed.labels(effect, failure)
    return metrics


def _each(metric: Counter, values: Iterable[str]) -> None:
    for value in values:
        metric.labels(value)
