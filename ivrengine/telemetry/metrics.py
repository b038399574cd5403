"""The counters of one engine, beside the way of every call; what an operator watches and alarms on.

Labels come from closed sets (never a number, a name that a flow chose, or a call's id), so that the number of series is
known beforehand. A series of a set that the code knows exists from the start, at zero: an alarm on its growth works.
"""

import dataclasses
from collections.abc import Iterable
from typing import Final, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

from ivrengine.core.call import Outcome
from ivrengine.core.effects import Effect
from ivrengine.core.events import Failure

REFUSED: Final = ("no route", "too many calls", "stopping", "journal")
"""Why an arriving call was sent to the dialplan's fallback at once."""
DROPPED: Final = ("mailbox full", "type-ahead full", "no such call", "arrived twice")
"""Why an event did not reach a call's fold."""
ROW_KINDS: Final = ("event", "number", "flow")
"""What is shipped to the store."""


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
    events_dropped: Counter
    """By ``reason``."""
    events_unknown: Counter
    """Events of an Asterisk that the door has no translation for, by ``node``."""
    requests_failed: Counter
    """By kind of ``effect`` and class of ``failure``."""
    reconnects: Counter
    """Connections to an Asterisk made again after one was lost, by ``node``."""
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

    metrics = Metrics(
        registry=registry,
        calls_in_progress=Gauge(
            "ivrengine_calls_in_progress", "Calls in progress.", registry=registry
        ),
        calls_ended=counter("calls_ended", "Calls that ended.", "outcome"),
        calls_refused=counter("calls_refused", "Calls sent to the fallback on arrival.", "reason"),
        calls_failed=counter("calls_failed", "Calls that met an exception."),
        events_dropped=counter("events_dropped", "Events that no call took.", "reason"),
        events_unknown=counter("events_unknown", "Events without a translation.", "node"),
        requests_failed=counter(
            "requests_failed", "Requests that a switch did not do.", "effect", "failure"
        ),
        reconnects=counter("reconnects", "Connections to Asterisk made again.", "node"),
        journal_bytes=counter("journal_bytes", "Bytes written to the journal."),
        journal_torn_lines=counter(
            "journal_torn_lines", "Lines of the journal that are not whole."
        ),
        rows_shipped=counter("rows_shipped", "Rows that reached the store.", "kind"),
        rows_parked=counter("rows_parked", "Rows that the store refuses.", "kind"),
        gaps=counter("gaps", "Numbers missing within a stream in the store."),
        shipping_failed=counter("shipping_failed", "Batches to be tried again."),
    )
    _begin_at_zero(metrics)
    return metrics


def _begin_at_zero(metrics: Metrics) -> None:
    effects = tuple(kind.__name__ for kind in get_args(Effect))
    _each(metrics.calls_ended, Outcome)
    _each(metrics.calls_refused, REFUSED)
    _each(metrics.events_dropped, DROPPED)
    _each(metrics.rows_shipped, ROW_KINDS)
    _each(metrics.rows_parked, ROW_KINDS)
    for effect in effects:
        for failure in Failure:
            metrics.requests_failed.labels(effect, failure)


def _each(metric: Counter, values: Iterable[str]) -> None:
    for value in values:
        metric.labels(value)
