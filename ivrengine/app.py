"""The composition root: puts an engine, its journal, its flows, its prompts, its store and its switches together, and runs them.

The only module that knows all of them; ``serve``, the demo and the tests differ in the doors they bring.
"""

import asyncio
import contextlib
import dataclasses
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

import structlog

from ivrengine.core.switching import SwitchEvent
from ivrengine.engine.announcing import Announcer
from ivrengine.engine.clock import EngineClock, wall
from ivrengine.engine.engine import Engine
from ivrengine.engine.inquiring import Fetching, Nowhere
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_depth import Depth
from ivrengine.engine.journal_reading import Reader, Recovered, recover
from ivrengine.engine.lag import LagProbe
from ivrengine.engine.limits import Limits
from ivrengine.engine.performing import Sounds
from ivrengine.engine.recognition import Recogniser
from ivrengine.engine.stopping import Stopping, Then
from ivrengine.engine.switch import Switch
from ivrengine.engine.tenure import Tenure, take
from ivrengine.fetching.web import Web
from ivrengine.flow.book import Book
from ivrengine.numbers.keyfile import create_keys, load_keys
from ivrengine.numbers.seal import Sealer
from ivrengine.settings.model import Settings
from ivrengine.store.database import Database
from ivrengine.store.lookups import Lookups
from ivrengine.store.shipper import Shipper
from ivrengine.telemetry import metrics
from ivrengine.telemetry.door import Latencies

SHIP_OUT_S: Final = 5.0
"""A stopping engine ships what it can for so long; the journal keeps the rest for the next start."""

_log = structlog.get_logger(__name__)


class Door(Protocol):
    """A switch with the prompts as it can play them, and the task that keeps it going."""

    @property
    def switch(self) -> Switch:
        """The switch."""
        ...

    @property
    def sounds(self) -> Sounds:
        """Where the switch finds prompts."""
        ...

    async def run(self) -> None:
        """Keep the switch's events coming until cancelled; an end by itself ends the engine."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """What a door is given of the engine behind it."""

    tenure: Tenure
    listener: Callable[[SwitchEvent], None]
    now: Callable[[], datetime]
    wall: Callable[[], datetime]
    """The wall clock, which may jump: to see whether a heartbeat, which has Asterisk's time, is old."""
    metrics: metrics.Metrics
    latencies: Latencies
    """Where a door notes how long requests take, so that no more calls are admitted than it can carry."""


MakeDoors = Callable[[Inside], Sequence[Door]]
"""Makes the doors of an engine."""


class DoorClosedError(Exception):
    """A door ended by itself: the engine hears nothing from there any more, and stops rather than limp."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running engine, for those who watch it."""

    engine: Engine
    tenure: Tenure
    journal: Journal
    shipper: Shipper
    clock: EngineClock
    limits: Limits
    lag: LagProbe
    metrics: metrics.Metrics


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    book: Book,
    make_doors: MakeDoors,
    *,
    counted: metrics.Metrics | None = None,
    tenure: Tenure | None = None,
    stopping: Stopping | None = None,
    fetching: Fetching | None = None,
) -> AsyncIterator[Running]:
    """Run an engine while the context is open; leaving it stops the engine politely and ships what is left.

    ``counted`` are metrics that somebody reads before the engine runs, ``tenure`` is the right to the journal if it is held
    already, and ``stopping`` says how the engine stops; it makes its own of what is not given. ``fetching`` is the door to
    other systems; without it flows can ask none.

    Raises ``JournalInUseError``, ``JournalError``, ``KeyFileError``, ``DatabaseUrlError``; inside the context
    ``DoorClosedError`` (in a group) if a switch is lost for good.
    """
    async with contextlib.AsyncExitStack() as stack:
        tenure = tenure or take(journal_folder(settings))
        stack.callback(tenure.close)
        found, recovered = await _assembled(
            settings, book, stack, counted or metrics.new(), tenure, fetching or Nowhere()
        )
        stopping = stopping or Stopping()
        inside = Inside(
            tenure=tenure,
            listener=found.engine.listen,
            now=found.clock.now,
            wall=wall,
            metrics=found.metrics,
            latencies=Latencies(),
        )
        doors = make_doors(inside)
        for door in doors:
            found.engine.attach(door.switch, door.sounds)
        found.engine.recover(recovered)
        shipping = await stack.enter_async_context(_shipping(found.shipper, stopping))
        work = [
            *map(_keep_open, doors),
            found.journal.keep_synced(),
            found.lag.run(),
            *_announcing(found, inside, doors),
        ]
        tasks = await stack.enter_async_context(_alongside(work))
        async with asyncio.TaskGroup() as group:
            watches = [group.create_task(_watch(task)) for task in (*tasks, shipping)]
            try:
                yield found
            except BaseException:
                stopping.hurry()  # what cannot go on has no time to give
                raise
            finally:
                await found.engine.stop(stopping)
                for watch in watches:
                    watch.cancel()


async def _assembled(
    settings: Settings,
    book: Book,
    stack: contextlib.AsyncExitStack,
    counted: metrics.Metrics,
    tenure: Tenure,
    fetching: Fetching,
) -> tuple[Running, Recovered]:
    """Return the engine with its journal and shipper, the journal open for writing, and what the last engine left there."""
    folder = journal_folder(settings)
    bell = _Bell(counted.journal_bytes.inc)
    journal = Journal(
        folder,
        segment_bytes=settings.journal.segment_bytes,
        fsync=settings.journal.fsync,
        grew=bell.ring,
        tenure=tenure,
    )
    stack.callback(journal.close)
    recovered = await asyncio.to_thread(recover, folder)
    if recovered.unreadable:
        _log.error("calls of the last engine not readable", calls=recovered.unreadable)
    clock = EngineClock.starting_now(asyncio.get_running_loop().time, floor=recovered.last_at)
    journal.begin(recovered, clock.now())
    reader = Reader(folder, lambda: journal.segment, counted.journal_torn_lines.inc)
    stack.callback(reader.close)
    store = database(settings)
    stack.push_async_callback(store.close)
    shipper = _shipper(settings, reader, counted, store)
    bell.hang(shipper.wake)
    limits = _limits(settings)
    lag = LagProbe(counted.loop_late_seconds.observe)
    _measure(counted, Depth(folder, reader.acknowledged), clock, lag)
    lookups = Lookups(store)
    stack.push_async_callback(lookups.close)
    engine = _engine(
        settings, journal, book, clock, counted, limits, fetching=fetching, lookups=lookups
    )
    parts = Running(
        engine=engine,
        tenure=tenure,
        journal=journal,
        shipper=shipper,
        clock=clock,
        limits=limits,
        lag=lag,
        metrics=counted,
    )
    return parts, recovered


def _engine(  # noqa: PLR0913 - all that an engine is put together from
    settings: Settings,
    journal: Journal,
    book: Book,
    clock: EngineClock,
    counted: metrics.Metrics,
    limits: Limits,
    *,
    fetching: Fetching,
    lookups: Lookups,
) -> Engine:
    recognise = Recogniser(
        _sealer(settings),
        lambda: engine.book,
        retention=timedelta(days=settings.numbers_retention_days),
    )
    engine = Engine(
        journal=journal,
        book=book,
        recognise=recognise,
        now=clock.now,
        metrics=counted,
        limits=limits,
        fetching=fetching,
        lookups=lookups,
    )
    return engine


def outside(settings: Settings) -> Web:
    """Return the door to the systems that the settings allow, to be entered and given to ``running``."""
    return Web(
        settings.outside(), settings.secrets, chance=random.random, ca_file=settings.http.ca_file
    )


def _measure(counted: metrics.Metrics, depth: Depth, clock: EngineClock, lag: LagProbe) -> None:
    """Let what is measured only when somebody looks be measured then."""

    def age_s() -> float:
        oldest_at = depth.oldest_at()
        return 0.0 if oldest_at is None else (clock.now() - oldest_at).total_seconds()

    counted.journal_unshipped_bytes.set_function(depth.size_bytes)
    counted.journal_unshipped_rows.set_function(depth.rows)
    counted.journal_unshipped_age_seconds.set_function(age_s)
    counted.loop_late_most_seconds.set_function(lambda: lag.worst_lately_s)


def _announcing(
    found: Running, inside: Inside, doors: Sequence[Door]
) -> Sequence[Coroutine[None, None, None]]:
    """Return the work of telling each door's switch that the engine lives."""
    announcer = Announcer(
        found.engine,
        engine=inside.tenure.engine,
        limits=found.limits,
        now=inside.now,
        lag=found.lag,
        request_s=inside.latencies.nine_of_ten_s,
        metrics=inside.metrics,
    )
    return [announcer.run(door.switch) for door in doors]


class _Bell:
    """What the journal rings when it has grown; the shipper, which needs the journal to be made, is hung on it later."""

    def __init__(self, count: Callable[[float], None]) -> None:
        self._count = count
        self._wake: Callable[[], None] | None = None

    def hang(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def ring(self, grown_by: int) -> None:
        self._count(grown_by)
        if self._wake is not None:
            self._wake()


def database(settings: Settings) -> Database:
    """Return the database of the settings, to be closed; raises ``DatabaseUrlError``."""
    url = None if settings.database_url is None else settings.database_url.get_secret_value()
    return Database(url, settings.data_dir)


def _shipper(
    settings: Settings, reader: Reader, counted: metrics.Metrics, store: Database
) -> Shipper:
    return Shipper(
        reader,
        store.connect,
        metrics=counted,
        parked_file=settings.data_dir / "parked.jsonl",
        explain=store.explain,
    )


def journal_folder(settings: Settings) -> Path:
    """Return where the journal is: what belongs to one engine at a time."""
    return settings.data_dir / "journal"


def _sealer(settings: Settings) -> Sealer:
    path = settings.keys_path
    return Sealer(load_keys(path) if path.exists() else create_keys(path))


def _limits(settings: Settings) -> Limits:
    given = settings.limits.model_dump(exclude_none=True)
    return dataclasses.replace(Limits(), **given)


@contextlib.asynccontextmanager
async def _shipping(shipper: Shipper, stopping: Stopping) -> AsyncIterator[asyncio.Task[None]]:
    """Ship beside everything else; at the end ship what the journal still holds, for a while."""
    task = asyncio.create_task(shipper.run())
    try:
        yield task
    finally:
        shipper.finish()
        hand_over = stopping.then is Then.HAND_OVER
        _, late = await asyncio.wait([task], timeout=0 if hand_over else SHIP_OUT_S)
        if late and not hand_over:
            _log.warning("rows left in the journal", reason="the store was not reached in time")
        task.cancel()
        await asyncio.wait([task])


@contextlib.asynccontextmanager
async def _alongside(
    work: Sequence[Coroutine[None, None, None]],
) -> AsyncIterator[Sequence[asyncio.Task[None]]]:
    """Do all of it until the context is left, even if one of them fails: a stopping engine needs its doors."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(task: asyncio.Task[None]) -> None:
    """Let the failure of what goes on for as long as the engine be the engine's."""
    await asyncio.shield(task)


async def _keep_open(door: Door) -> None:
    await door.run()
    raise DoorClosedError(
        f"the node {door.switch.node} is lost for good: another engine took its application over"
    )
