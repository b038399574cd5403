"""The engine: sends every event of every switch to the call it belongs to (hop 3 of a call's way), and begins and ends calls."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog

from ivrengine.core import effects, events, ids, missed, switching
from ivrengine.core.call import Call, Phase
from ivrengine.core.ids import CallId, ChannelId, NodeName
from ivrengine.engine.call_task import CallTask, Surroundings
from ivrengine.engine.fault import fault
from ivrengine.engine.finding import call_of, subject_of
from ivrengine.engine.identity import uuid7
from ivrengine.engine.inquiring import Fetching, Inquirer, Lookups, Nowhere
from ivrengine.engine.journal_reading import Recovered
from ivrengine.engine.ledger import Ledger
from ivrengine.engine.limits import Limits
from ivrengine.engine.missed import Missed, Recognise
from ivrengine.engine.performing import Sounds
from ivrengine.engine.reconciling import Reconciliation
from ivrengine.engine.releasing import Releases
from ivrengine.engine.sight import Watch
from ivrengine.engine.stock import Stock, let_go
from ivrengine.engine.stopping import Stopping, Then, is_set, play_music
from ivrengine.engine.switch import Switch
from ivrengine.engine.tenure import JournalError
from ivrengine.engine.versions import Versions
from ivrengine.flow.book import Book
from ivrengine.flow.model import Flow
from ivrengine.telemetry.flows import FlowMeter
from ivrengine.telemetry.metrics import Metrics

RESUMING_MAX: Final = 16
"""Calls that go on at once after a gap: 200 of them take about a second, and no new caller waits behind them all."""


class Engine:
    """All calls in progress on all switches."""

    def __init__(  # noqa: PLR0913 - its surroundings, each by its name
        self,
        *,
        journal: Ledger,
        book: Book,
        recognise: Recognise,
        now: Callable[[], datetime],
        metrics: Metrics,
        limits: Limits | None = None,
        fetching: Fetching | None = None,
        lookups: Lookups | None = None,
    ) -> None:
        """Hold everything a call needs; switches are added with ``attach`` before their events come.

        A journal is open for writing by now: the flow versions of ``book`` are recorded in it.
        """
        self._journal = journal
        self._recognise = recognise
        self._now = now
        self._metrics = metrics
        self._counts = FlowMeter(metrics)
        self._limits = limits or Limits()
        self._log: structlog.stdlib.BoundLogger = structlog.get_logger("engine")
        self.watch = Watch(metrics)
        """Phones and trunks, as far as anybody tells."""
        self._stock = Stock(journal, self._counts, now)
        self._calls: dict[CallId, CallTask] = {}
        self._by_channel: dict[ChannelId, CallTask] = {}
        self._missed = Missed(
            journal=journal,
            book=lambda: self.book,
            recognise=recognise,
            in_progress=self._by_channel.get,
            metrics=metrics,
        )
        self._reconciled: dict[NodeName, Reconciliation] = {}
        self._arrivals: Counter[NodeName] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = self._left = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._around = self._surroundings(fetching or Nowhere(), lookups)
        self.release = self._around.release
        self.use(book)

    def _surroundings(self, fetching: Fetching, lookups: Lookups | None) -> Surroundings:
        releases = Releases(self._stock.performer, self._spawn, request_s=self._limits.request_s)
        inquirer = Inquirer(
            fetching, lookups=lookups, metrics=self._metrics, now=self._now, log=self._log
        )
        return Surroundings(
            journal=self._journal,
            performer=self._stock.performer,
            release=releases.release,
            limits=self._limits,
            metrics=self._metrics,
            counts=self._counts,
            now=self._now,
            log=self._log,
            resuming=asyncio.Semaphore(RESUMING_MAX),
            inquirer=inquirer,
            spawn=self._spawn,
        )

    @property
    def book(self) -> Book:
        """What new calls are taken by."""
        return self._stock.book

    def attach(self, switch: Switch, sounds: Sounds) -> None:
        """Make a switch known by its node's name, with the prompts as it can play them."""
        self._stock.attach(switch, sounds)
        self._reconciled[switch.node] = Reconciliation(
            switch, self, limits=self._limits, metrics=self._metrics, now=self._now
        )

    def use(self, book: Book) -> None:
        """Take new calls by this book from now on, and record its flow versions; calls in progress keep theirs."""
        self._stock.take(book)
        self._around = dataclasses.replace(self._around, performer=self._stock.performer)

    async def change_to(self, book: Book, sounds: Mapping[NodeName, Sounds]) -> None:
        """Take new calls by this book and these prompts from now on, without keeping any call waiting meanwhile.

        Calls in progress keep their flows, phones and prompts. Raises ``JournalError``, and then nothing has changed.
        """
        await self._stock.record(book)
        replaced = self._stock.change(book, sounds)
        self._around = dataclasses.replace(self._around, performer=self._stock.performer)
        del book
        await let_go(replaced)

    def recover(self, recovered: Recovered) -> None:
        """Take over the calls that were in progress when the last engine died; the switches are attached by now.

        They wait for their node to be heard. Those of a node that is not one of ours any more end here.
        """
        for channel_id, outcome in recovered.ended.items():
            self._missed.remember(channel_id, outcome)
        versions = Versions(recovered.flows)
        since_at = recovered.last_at or self._now()
        for found in recovered.open_calls:
            call = found.call
            flow = versions.of(call, self.book)
            task = CallTask(flow, self._around, call, found.unfinished)
            self._begin(call.call_id, call.channel_id, task)
            task.freeze()
            if ids.node_of(call.channel_id) not in self._reconciled:
                lost = events.UnheardEnd.NODE_LOST
                task.end_unheard(lost, at=self._now(), since_at=since_at)
        for node in self._reconciled.values():
            if recovered.open_calls:
                node.left_by_another(since_at)

    def calls(self) -> Sequence[Call]:
        """Return the calls in progress as they stand, in the order of their arrival."""
        return [task.call for task in self._calls.values() if task.call is not None]

    def takes_calls(self, node: NodeName) -> bool:
        """Tell whether a call that arrives there now would be taken."""
        return self._reconciled[node].settled and not self._stopping and self._journal.has_room()

    def calls_on(self, node: NodeName) -> int:
        """Return how many calls are in progress on a node."""
        return sum(ids.node_of(channel_id) == node for channel_id in self._by_channel)

    def arrived_on(self, node: NodeName) -> int:
        """Return how many calls have arrived on a node so far."""
        return self._arrivals[node]

    def emergency(self) -> Sequence[str]:
        """Return the numbers whose callers come before others when there are too many."""
        return self.book.routes.emergency

    def listen(self, event: switching.SwitchEvent) -> None:
        """Take an event of a switch: put it into its call's mailbox and return at once."""
        if self._left:
            return  # the next engine learns of it by asking
        match event:
            case switching.LinkUp():
                self._reconciled[event.node].up(event)
            case switching.LinkDown():
                self._reconciled[event.node].down(event)
            case (
                switching.PhoneSeen()
                | switching.TrunkSeen()
                | switching.FallbackSeen()
                | switching.SightLost()
                | switching.SwitchEnding()
            ):
                self.watch.take(event)
            case missed.MissedCall():
                self._missed.take(event)
            case _:
                for node in self._reconciled.values():
                    here = node.attends and ids.node_of(subject_of(event)) == node.node
                    if here and node.attend(event):
                        return
                self.take(event)

    def take(self, event: switching.OfACall) -> None:
        """Take an event to the call that it is about."""
        match event:
            case switching.Arrival():
                self._arrived(event)
            case switching.DigitHeard():
                self._deliver(self._by_channel.get(event.channel_id), event)
            case _:
                self._deliver(self._task_of(event), event)

    def on_node(self, node: NodeName) -> Mapping[ChannelId, CallTask]:
        """Return the calls in progress on a node by their callers' channels."""
        return {
            channel_id: task
            for channel_id, task in self._by_channel.items()
            if ids.node_of(channel_id) == node
        }

    def _deliver(
        self, task: CallTask | None, event: events.CallEvent | switching.DigitHeard
    ) -> None:
        if task is None:  # the call has ended: the rest of its events are history
            self._metrics.events_dropped.labels(reason="no such call").inc()
            if isinstance(event, events.LegAnswered):  # dialled late: somebody says hello to nobody
                self.release(effects.HangUp(channel_id=event.channel_id))
            return
        task.post(event)

    def _task_of(self, event: events.CallEvent) -> CallTask | None:
        subject = subject_of(event)
        ours = call_of(subject)
        return self._by_channel.get(ChannelId(subject)) if ours is None else self._calls.get(ours)

    def _arrived(self, arrival: switching.Arrival) -> None:
        self._arrivals[ids.node_of(arrival.channel_id)] += 1
        try:
            refusal = self._admit(arrival)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must not stay in silence
            self._metrics.calls_failed.inc()
            self._log.error("arrival failed", error=fault(error))
            self.release(effects.SendToFallback(channel_id=arrival.channel_id))
        else:
            if refusal is not None:
                self._refuse(arrival, refusal)

    def _admit(self, arrival: switching.Arrival) -> str | None:
        """Begin a call, or return why there is none."""
        self._take_leave(arrival)
        flow = self.book.route(arrival.did)
        if flow is None:
            return "no route"
        if self._stopping:
            return "stopping"
        if len(self._calls) >= self._limits.calls_max:
            return "too many calls"
        if not self._journal.has_room():
            return "journal"
        return self._accept(arrival, flow)

    def _take_leave(self, arrival: switching.Arrival) -> None:
        """Close the call of a channel that comes again: it has been elsewhere meanwhile, told or not."""
        held = self._by_channel.pop(arrival.channel_id, None)
        if held is not None:
            self._log.warning("channel came again", channel_id=arrival.channel_id)
            held.post(events.ChannelLeft(at=arrival.at, channel_id=arrival.channel_id))

    def _accept(self, arrival: switching.Arrival, flow: Flow) -> str | None:
        call_id = CallId(uuid7(arrival.at))
        caller, sealed = self._recognise(flow.brand, arrival.number, arrival.at)
        if sealed is not None:
            try:
                self._journal.append_number(sealed)
            except JournalError:
                return "journal"
        task = CallTask(flow, self._around)
        self._begin(call_id, arrival.channel_id, task)
        task.post(
            events.CallArrived(
                at=arrival.at,
                call_id=call_id,
                brand=flow.brand,
                did=arrival.did,
                channel_id=arrival.channel_id,
                caller=caller,
                flow=flow.ref,
                language=flow.languages[0],
                waiting_since_at=arrival.waiting_since_at,
            )
        )
        return None

    def _refuse(self, arrival: switching.Arrival, reason: str) -> None:
        """Leave a caller we cannot serve to the dialplan's fallback."""
        self._metrics.calls_refused.labels(reason=reason).inc()
        self._log.warning("call refused", reason=reason, did=arrival.did)
        self.release(effects.SendToFallback(channel_id=arrival.channel_id))

    def _begin(self, call_id: CallId, channel_id: ChannelId, task: CallTask) -> None:
        self._calls[call_id] = task
        self._by_channel[channel_id] = task
        self._metrics.calls_in_progress.set(len(self._calls))
        self._idle.clear()
        self._spawn(self._run(call_id, channel_id, task))

    async def _run(self, call_id: CallId, channel_id: ChannelId, task: CallTask) -> None:
        with structlog.contextvars.bound_contextvars(call_id=call_id):
            try:
                self._close(await task.run(), task.unheard_end)
            except Exception as error:  # noqa: BLE001 - counted; the engine and its other calls live on
                # Not even the way to a person could be decided or recorded: the switch is told directly.
                for release in (*task.held(), effects.SendToFallback(channel_id=channel_id)):
                    self.release(release)
                self._metrics.calls_failed.inc()
                self._log.error("call abandoned by the engine", error=fault(error))
            finally:
                del self._calls[call_id]
                if self._by_channel.get(channel_id) is task:
                    del self._by_channel[channel_id]
                self._metrics.calls_in_progress.set(len(self._calls))
                if not self._calls:
                    self._idle.set()

    def _close(self, call: Call, unheard_end: events.UnheardEnd | None) -> None:
        """Write the one canonical line of a finished call."""
        assert call.ended_at is not None
        assert call.outcome is not None
        self._missed.remember(call.channel_id, call.outcome)
        self._counts.ended(call.brand, call.flow.name, call.outcome)
        if unheard_end is not None:
            self._metrics.calls_unheard.labels(reason=unheard_end).inc()
        self._log.info(
            "call ended",
            brand=call.brand,
            did=call.did,
            caller=call.caller.mask,
            flow=call.flow.name,
            flow_hash=call.flow.hash[:12],
            node=call.node,
            outcome=call.outcome,
            duration_s=round((call.ended_at - call.arrived_at).total_seconds(), 3),
            **({} if unheard_end is None else {"unheard": unheard_end}),
        )

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self, stopping: Stopping | None = None) -> None:
        """Let the calls in progress end, then leave the rest to whom ``stopping`` says; new ones go to the fallback at once."""
        stopping = stopping or Stopping()
        self._stopping = True
        for node in self._reconciled.values():
            node.hold_up_no_more()
        if not await is_set(self._idle, self._limits.drain_s, unless=stopping.hurried):
            leaves = stopping.then is Then.HAND_OVER
            await (self._leave_calls() if leaves else self._hand_to_people())
        for node in self._reconciled.values():
            node.close()
        await self._end_tasks()

    async def _hand_to_people(self) -> None:
        for task in self._calls.values():
            task.post(events.FlowInterrupted(at=self._now(), reason="engine stopping"))
        if not await is_set(self._idle, self._limits.parting_s):
            self._log.warning("calls left behind", calls=len(self._calls))

    async def _leave_calls(self) -> None:
        """Decide nothing any more: the next engine goes on with the calls as the journal has them, and ends their music."""
        self._left = True
        left = self.calls()
        for node in self._reconciled.values():
            node.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        waiting = [call.channel_id for call in left if call.phase is Phase.IN_FLOW]
        await play_music(waiting, self._stock.switch)
        self._log.info("calls left to the next engine", calls=len(left))

    async def _end_tasks(self) -> None:
        """Let the last hand-overs be answered; what is left then is the next engine's."""
        running = set(self._tasks)
        if not running:
            return
        if not self._calls:
            await asyncio.wait(running, timeout=self._limits.parting_s)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
