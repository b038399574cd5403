"""The counters of one engine, beside the way of every call; what an operator watches and alarms on.

Labels come from closed sets (never a number, a name that a caller chose, or a call's id), so that the number of series is
known beforehand. A series of a set that the code knows exists from the start, at zero: an alarm on its growth works.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
)

from ivrengine.core.effects import Effect
from ivrengine.core.events import Failure, Unanswered, UnheardEnd
from ivrengine.core.missed import MissedKind
from ivrengine.telemetry.build import Build

PREFIX: Final = "ivrengine_"
REFUSED: Final = ("no route", "too many calls", "stopping", "journal")
"""Why an arriving call was sent to the dialplan's fallback at once."""
DROPPED: Final = ("mailbox full", "type-ahead full", "no such call")
"""Why an event did not reach a call's fold."""
STRAYS: Final = ("unserved", "caller", "leg", "bridge")
"""What may be found alive that no call knows: who was never answered, who was, a dialled phone, a bridge."""
NOT_COMPARED: Final = (
    "no snapshot in time",
    "too many events meanwhile",
    "engine stopping",
    "fault",
)
"""Why calls went on after a gap without its being known what happened in it."""
FETCHED: Final = ("served", "unknown", "refused")
"""What becomes of an Asterisk's request for a prompt: handed out, not there, not allowed."""
ROW_KINDS: Final = (
    *("event", "call", "number", "flow"),
    *("message", "attribute", "answer", "recording"),
)
"""What is shipped to the store."""
FAULTS: Final = ("away", "unable", "refused", "journal", "data")
"""Why rows did not reach the store, in the words of ``store.faults``."""
EFFECTS: Final = tuple(kind.__name__ for kind in get_args(Effect))
BATCH_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""A batch takes milliseconds; 30 s are the limit of one command."""
LATE_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""An event loop with nothing else to do is less than a millisecond late; after five seconds the dialplan gives up on it."""
METHODS: Final = ("GET", "POST", "look-up")
INQUIRY_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Another system of the house takes tens of milliseconds; no flow waits for longer than 30 s."""
ANSWER_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""An idle Asterisk answers in one or two milliseconds, one at its limit in hundreds."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What is to be known of a metric beside its name."""

    text: str
    labels: Mapping[str, Iterable[str]]
    """Each label with the values that are known from the start; none if they come later."""
    buckets: Sequence[float] | None


def about(
    text: str, /, *, buckets: Sequence[float] | None = None, **labels: Iterable[str]
) -> About:
    """Return it, written shortly."""
    return About(text=text, labels=labels, buckets=buckets)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """All metrics of one engine, in a registry of its own; the field ``x`` is ``ivrengine_x`` to those who watch."""

    registry: CollectorRegistry
    build: Annotated[Info, about("Which engine this is; commit only of a checkout.")]

    # Flows
    flows_release: Annotated[
        Info, about("What new calls are taken by: a release of the store, or a folder.")
    ]
    flows_outdated: Annotated[
        Gauge, about("1 while the active release of the store is not what new calls are taken by.")
    ]
    releases: Annotated[
        Counter,
        about(
            "Releases that became active, by what the engine made of them.",
            outcome=("in service", "broken", "unwritable", "fault"),
        ),
    ]

    # Calls
    calls_in_progress: Annotated[Gauge, about("Calls in progress.")]
    calls_ended: Annotated[
        Counter,
        about(
            "Calls that ended, by flow (of the loaded book, else other) and outcome.",
            brand=(),
            flow=(),
            outcome=(),
        ),
    ]
    node_visits: Annotated[
        Counter,
        about("Nodes of flows that calls entered, by type of node.", brand=(), flow=(), type=()),
    ]
    calls_refused: Annotated[
        Counter, about("Calls sent to the fallback on arrival.", reason=REFUSED)
    ]
    prompts_fetched: Annotated[
        Counter,
        about("Prompts that were asked for over HTTP (prompts.listen).", outcome=FETCHED),
    ]
    calls_missed: Annotated[
        Counter,
        about("Calls, or how they went on, that only the dialplan saw.", kind=MissedKind),
    ]
    calls_failed: Annotated[Counter, about("Calls that met an exception: each is a fault of ours.")]
    calls_resumed: Annotated[
        Counter,
        about("Calls that went on at their node after a time in which their switch was not heard."),
    ]
    calls_unheard: Annotated[
        Counter, about("Calls of whose end nobody was told.", reason=UnheardEnd)
    ]
    not_compared: Annotated[
        Counter,
        about("Gaps after which calls went on from what they knew.", reason=NOT_COMPARED),
    ]
    strays: Annotated[
        Counter,
        about("Found alive on a switch though no call knew of it, and seen to.", what=STRAYS),
    ]
    channels: Annotated[Gauge, about("Channels with us at the last look.", node=(), whose=())]
    bridges: Annotated[
        Gauge, about("Bridges of ours at the last look; unknown ones are leaks.", node=(), whose=())
    ]
    events_dropped: Annotated[Counter, about("Events that no call took.", reason=DROPPED)]
    inquiries: Annotated[
        Counter,
        about(
            "What calls asked other systems, or looked up in the store; the outcome is answered or why not.",
            method=METHODS,
            outcome=("answered", "given up", *Unanswered),
        ),
    ]
    inquiry_seconds: Annotated[
        Histogram,
        about("From such a question to its end.", buckets=INQUIRY_S, method=METHODS),
    ]
    inquiries_failed: Annotated[
        Counter, about("Such questions that met an exception: each is a fault of ours.")
    ]
    inquiries_open: Annotated[Gauge, about("Questions to other systems without answer yet.")]

    # Asterisk
    admission_calls_max: Annotated[
        Gauge,
        about(
            "Calls that a node may have now; beyond, callers are refused. 0: to people.", node=()
        ),
    ]
    admission_calls_per_s_max: Annotated[
        Gauge, about("New calls that a node may have within a second, likewise.", node=())
    ]
    calls_turned_away: Annotated[
        Counter,
        about(
            "Calls that a node refused without a word or a record: a flood beyond all limits.",
            node=(),
        ),
    ]
    node_linked: Annotated[Gauge, about("1 while a node's events reach us.", node=())]
    node_healthy: Annotated[Gauge, about("1 while a node's ARI answers in time.", node=())]
    reconnects: Annotated[
        Counter, about("Connections to an Asterisk made again after one was lost.", node=())
    ]
    requests: Annotated[
        Counter,
        about(
            "Requests to an Asterisk; the outcome is done or the class of the failure.",
            node=(),
            operation=(),
            outcome=(),
        ),
    ]
    request_seconds: Annotated[
        Histogram, about("From a request to its answer.", buckets=ANSWER_S, node=(), operation=())
    ]
    requests_failed: Annotated[
        Counter,
        about("Effects of calls that a switch did not do.", effect=EFFECTS, failure=Failure),
    ]
    events_heard: Annotated[Counter, about("Events that a node told the engine.", node=(), kind=())]
    door_events_dropped: Annotated[
        Counter, about("Events of a node that nobody could make anything of.", node=(), reason=())
    ]
    ami_linked: Annotated[
        Gauge, about("1 while a node's AMI tells us of phones and trunks.", node=())
    ]
    ami_reconnects: Annotated[
        Counter, about("Connections to an AMI made again after one was lost.", node=())
    ]
    trunk_up: Annotated[
        Gauge,
        about(
            "1 while a trunk carries calls; none while its node tells nothing of it.",
            node=(),
            trunk=(),
        ),
    ]
    phones: Annotated[Gauge, about("Phones of a node by what they do.", node=(), state=())]
    fallback_waiting: Annotated[Gauge, about("Callers in a node's fallback queue.", node=())]

    # The journal and the store
    journal_bytes: Annotated[Counter, about("Bytes written to the journal.")]
    journal_unshipped_bytes: Annotated[Gauge, about("Bytes of the journal not in the store yet.")]
    journal_unshipped_rows: Annotated[
        Gauge, about("Rows not in the store yet; beyond a megabyte reckoned from its first.")
    ]
    journal_unshipped_age_seconds: Annotated[
        Gauge, about("Age of the oldest row not in the store yet.")
    ]
    journal_torn_lines: Annotated[
        Counter, about("Lines of the journal that were cut by a crash or damaged.")
    ]
    rows_shipped: Annotated[Counter, about("Rows that reached the store.", kind=ROW_KINDS)]
    rows_parked: Annotated[
        Counter,
        about(
            "Rows that the store refuses whatever is tried, kept aside for a person.",
            kind=ROW_KINDS,
        ),
    ]
    gaps: Annotated[Counter, about("Numbers found missing within a stream in the store.")]
    shipping_failed: Annotated[
        Counter, about("Batches that did not reach the store, and are tried again.", fault=FAULTS)
    ]
    shipping_seconds: Annotated[Histogram, about("What it took to store a batch.", buckets=BATCH_S)]

    # The process
    loop_late_seconds: Annotated[
        Histogram,
        about(
            "How much later than wanted the event loop woke a timer, ten times a second.",
            buckets=LATE_S,
        ),
    ]
    loop_late_most_seconds: Annotated[Gauge, about("The worst of it within the last minute.")]


def new(build: Build | None = None) -> Metrics:
    """Return the metrics of an engine that has not done anything yet."""
    disable_created_metrics()  # type: ignore[no-untyped-call] # a series beside each counter, of when it began
    registry = CollectorRegistry()
    made = {
        name: _made(name, kind, what, registry=registry)
        for name, (kind, what) in described().items()
    }
    metrics = Metrics(registry=registry, **made)
    this = build or Build.found()
    metrics.build.info({"version": this.version, "python": this.python, "commit": this.commit})
    return metrics


def described() -> Mapping[str, tuple[Any, About]]:
    """Return every metric by its field, with its kind and what is to be known of it."""
    hints = get_type_hints(Metrics, include_extras=True)
    return {
        name: (hint.__origin__, *hint.__metadata__)
        for name, hint in hints.items()
        if get_origin(hint) is Annotated
    }


def _made(name: str, kind: Any, what: About, *, registry: CollectorRegistry) -> Any:  # noqa: ANN401 - any of four
    """Return a metric, with the series whose labels are known."""
    more = {} if what.buckets is None else {"buckets": what.buckets}
    metric = kind(PREFIX + name, what.text, tuple(what.labels), registry=registry, **more)
    if what.labels:
        for values in itertools.product(*what.labels.values()):
            metric.labels(*values)
    return metric


def total(metrics: Metrics, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples that have these labels, whatever others they have."""
    return sum(
        sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == PREFIX + name and labels.items() <= sample.labels.items()
    )
