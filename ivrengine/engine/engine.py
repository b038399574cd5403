"""The engine: sends every event of every switch to the call it belongs to (hop 3 of a call's way), and begins and ends calls."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Final, Protocol, assert_never

import structlog

from ivrengine.core import effects, events, ids, switching
from ivrengine.core.call import Call, Caller, Phase
from ivrengine.core.ids import BrandId, CallId, ChannelId, NodeName
from ivrengine.core.rows import FlowRow, NumberRow
from ivrengine.engine.call_task import CallTask, Surroundings, fault
from ivrengine.engine.identity import uuid7
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_reading import Recovered
from ivrengine.engine.limits import Limits
from ivrengine.engine.performing import Door, Performer, Release, Sounds
from ivrengine.engine.sight import Watch
from ivrengine.engine.stopping import Stopping, Then, is_set, play_music
from ivrengine.engine.switch import Switch
from ivrengine.engine.tenure import JournalError
from ivrengine.flow.book import Book
from ivrengine.flow.model import Flow
from ivrengine.telemetry.metrics import Metrics

RELEASE_AGAIN_AFTER_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""Five minutes of asking a switch that does not answer; one that is away for longer has been restarted, or needs a person."""
_OUR_CALL: Final = re.compile(rf"{re.escape(ids.OURS)}([0-9a-f-]{{36}})-")


class Recognise(Protocol):
    """Turns a caller's number into what the core may know of it, and a sealed copy for the vault."""

    def __call__(
        self, brand: BrandId, number: str | None, at: datetime
    ) -> tuple[Caller, NumberRow | None]:
        """Return the caller (withheld if ``number`` is None) and the vault's row, if there is anything to seal."""
        ...


class Engine:
    """All calls in progress on all switches."""

    def __init__(
        self,
        *,
        journal: Journal,
        book: Book,
        recognise: Recognise,
        now: Callable[[], datetime],
        metrics: Metrics,
        limits: Limits | None = None,
    ) -> None:
        """Hold everything a call needs; switches are added with ``attach`` before their events come.

        The journal is open for writing: the flow versions of ``book`` are recorded in it.
        """
        self._journal = journal
        self._recognise = recognise
        self._now = now
        self._metrics = metrics
        self._limits = limits or Limits()
        self._log: structlog.stdlib.BoundLogger = structlog.get_logger("engine")
        self.watch = Watch(metrics)
        """Phones and trunks, as far as anybody tells."""
        self._doors: dict[NodeName, Door] = {}
        self._calls: dict[CallId, CallTask] = {}
        self._by_channel: dict[ChannelId, CallTask] = {}
        self._left_open: dict[NodeName, list[Call]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._left = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._performer = Performer(self._doors.__getitem__, self)
        self._around = Surroundings(
            journal=journal,
            performer=self._performer,
            release=self._release,
            limits=self._limits,
            metrics=metrics,
            now=now,
            log=self._log,
        )
        self.use(book)

    @property
    def book(self) -> Book:
        """What new calls are taken by."""
        return self._book

    def endpoint(self, brand: BrandId, phone: str) -> str | None:
        """Return what a switch must ring for a phone of the brand's directory, as the newest routing file has it."""
        found = self._book.phone(brand, phone)
        return None if found is None else found.endpoint

    def attach(self, switch: Switch, sounds: Sounds) -> None:
        """Make a switch known by its node's name, with the prompts as it can play them."""
        self._doors[switch.node] = Door(switch=switch, sounds=sounds)

    def use(self, book: Book) -> None:
        """Take new calls by this book from now on, and record its flow versions; calls in progress keep theirs."""
        at = self._now()
        for (brand, name), flow in book.flows.items():
            row = FlowRow(
                flow_hash=flow.ref.hash, brand=brand, name=name, text=flow.text, loaded_at=at
            )
            self._journal.append_flow(row)
        self._book = book

    def recover(self, recovered: Recovered) -> None:
        """Keep the calls that were in progress when the last engine died until their switch can be asked about them."""
        for found in recovered.open_calls:
            node = ids.node_of(found.call.channel_id)
            self._left_open.setdefault(node, []).append(found.call)

    def _take_up(self, node: NodeName) -> None:
        """Give the callers of the last engine on this node to a person.

        The switch refuses a channel that is gone meanwhile as gone, and its call is closed as lost.
        """
        for call in self._left_open.pop(node, []):
            task = CallTask(self._flow_of(call), self._around, call)
            self._begin(call.call_id, call.channel_id, task)
            task.post(events.FlowInterrupted(at=self._now(), reason="engine restarted"))

    def _flow_of(self, call: Call) -> Flow | None:
        flow = self._book.flows.get((call.brand, call.flow.name))
        return flow if flow is not None and flow.ref == call.flow else None

    def calls(self) -> Sequence[Call]:
        """Return the calls in progress as they stand, in the order of their arrival."""
        return [task.call for task in self._calls.values() if task.call is not None]

    def listen(self, event: switching.SwitchEvent) -> None:
        """Take an event of a switch: put it into its call's mailbox and return at once."""
        if self._left:
            return  # the next engine learns of it by asking
        match event:
            case switching.Arrival():
                self._arrived(event)
            case switching.LinkUp():
                self._log.info("link up", node=event.node)
                self._doubt(event.node)
                self._take_up(event.node)
            case switching.LinkDown():
                self._log.warning("link down", node=event.node, reason=event.reason)
            case switching.DigitHeard():
                self._deliver(self._by_channel.get(event.channel_id), event)
            case (
                switching.PhoneSeen()
                | switching.TrunkSeen()
                | switching.FallbackSeen()
                | switching.SightLost()
                | switching.SwitchEnding()
            ):
                self.watch.take(event)
            case _:
                self._deliver(self._task_of(event), event)

    def _doubt(self, node: NodeName) -> None:
        """Let the calls on a node find out what was told while nobody listened."""
        for channel_id, task in self._by_channel.items():
            if ids.node_of(channel_id) == node:
                task.doubt()

    def _deliver(
        self, task: CallTask | None, event: events.CallEvent | switching.DigitHeard
    ) -> None:
        if task is None:  # the call has ended: the rest of its events are history
            self._metrics.events_dropped.labels(reason="no such call").inc()
            if isinstance(event, events.LegAnswered):  # dialled late: somebody says hello to nobody
                self._release(effects.HangUp(channel_id=event.channel_id))
            return
        task.post(event)

    def _task_of(self, event: events.CallEvent) -> CallTask | None:
        subject = _subject(event)
        ours = _OUR_CALL.match(ids.local_part(subject))
        if ours is not None:
            return self._calls.get(CallId(ours[1]))
        return self._by_channel.get(ChannelId(subject))

    def _arrived(self, arrival: switching.Arrival) -> None:
        try:
            refusal = self._admit(arrival)
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller must not stay in silence
            self._metrics.calls_failed.inc()
            self._log.error("arrival failed", error=fault(error))
            self._release(effects.SendToFallback(channel_id=arrival.channel_id))
        else:
            if refusal is not None:
                self._refuse(arrival, refusal)

    def _admit(self, arrival: switching.Arrival) -> str | None:
        """Begin a call, or return why there is none."""
        self._take_leave(arrival)
        flow = self._book.route(arrival.did)
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
        self._release(effects.SendToFallback(channel_id=arrival.channel_id))

    def _release(self, effect: Release) -> None:
        """Let go of a channel or bridge beside all calls, asking again while the switch does not answer."""
        self._spawn(self._released(effect))

    async def _released(self, effect: Release) -> None:
        kind = type(effect).__name__
        for wait_s in (*RELEASE_AGAIN_AFTER_S, None):
            failure = await self._try_release(effect)
            match failure:
                case events.Failure.UNAVAILABLE if wait_s is not None:
                    await asyncio.sleep(wait_s)
                case events.Failure.REFUSED if isinstance(effect, effects.SendToFallback):
                    effect = effects.HangUp(channel_id=effect.channel_id)  # rather than silence
                case events.Failure.UNAVAILABLE | events.Failure.REFUSED:
                    self._log.error("not released", effect=kind, failure=failure)
                    return
                case _:  # done, or there is nothing left to let go of
                    return

    async def _try_release(self, effect: Release) -> events.Failure | None:
        try:
            async with asyncio.timeout(self._limits.request_s):
                await self._performer.release(effect)
        except switching.RequestRefusedError as error:
            return error.failure
        except TimeoutError:
            return events.Failure.UNAVAILABLE
        return None

    def _begin(self, call_id: CallId, channel_id: ChannelId, task: CallTask) -> None:
        self._calls[call_id] = task
        self._by_channel[channel_id] = task
        self._metrics.calls_in_progress.set(len(self._calls))
        self._idle.clear()
        self._spawn(self._run(call_id, channel_id, task))

    async def _run(self, call_id: CallId, channel_id: ChannelId, task: CallTask) -> None:
        with structlog.contextvars.bound_contextvars(call_id=call_id):
            try:
                self._close(await task.run())
            except Exception as error:  # noqa: BLE001 - counted; the engine and its other calls live on
                # Not even the way to a person could be decided or recorded: the switch is told directly.
                for release in (*task.held(), effects.SendToFallback(channel_id=channel_id)):
                    self._release(release)
                self._metrics.calls_failed.inc()
                self._log.error("call abandoned by the engine", error=fault(error))
            finally:
                del self._calls[call_id]
                if self._by_channel.get(channel_id) is task:
                    del self._by_channel[channel_id]
                self._metrics.calls_in_progress.set(len(self._calls))
                if not self._calls:
                    self._idle.set()

    def _close(self, call: Call) -> None:
        """Write the one canonical line of a finished call."""
        assert call.ended_at is not None
        assert call.outcome is not None
        self._metrics.calls_ended.labels(outcome=call.outcome).inc()
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
        )

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)

    async def stop(self, stopping: Stopping | None = None) -> None:
        """Let the calls in progress end, then leave the rest to whom ``stopping`` says; new ones go to the fallback at once."""
        stopping = stopping or Stopping()
        self._stopping = True
        if await is_set(self._idle, self._limits.drain_s, unless=stopping.hurried):
            pass
        elif stopping.then is Then.HAND_OVER:
            await self._leave_calls()
        else:
            await self._hand_to_people()
        await self._end_tasks()

    async def _hand_to_people(self) -> None:
        for task in self._calls.values():
            task.post(events.FlowInterrupted(at=self._now(), reason="engine stopping"))
        if not await is_set(self._idle, self._limits.parting_s):
            self._log.warning("calls left behind", calls=len(self._calls))

    async def _leave_calls(self) -> None:
        """Decide nothing any more: as the journal has the calls now, the next engine goes on with them.

        Who hears nothing, or nothing after the prompt that plays, has music meanwhile; it is not journaled, as an engine
        that takes up a call ends it.
        """
        self._left = True
        left = self.calls()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        waiting = [call.channel_id for call in left if call.phase is Phase.IN_FLOW]
        await play_music(waiting, lambda node: self._doors[node].switch)
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


def _subject(event: events.CallEvent) -> str:
    """Return the id by which an event's call is found."""
    match event:
        case events.PlaybackFinished():
            return event.playback_id
        case events.RecordingFinished() | events.RecordingFailed():
            return event.recording_id
        case events.BridgeJoined() | events.BridgeLeft():
            return event.bridge_id
        case (
            events.CallArrived()
            | events.LegRinging()
            | events.LegAnswered()
            | events.DigitPressed()
            | events.BargedIn()
            | events.ChannelEnded()
            | events.ChannelLeft()
            | events.EndedUnheard()
        ):
            return event.channel_id
        case (
            events.TimerFired()
            | events.RequestFailed()
            | events.CallFailed()
            | events.FlowInterrupted()
            | events.Resumed()
        ):
            return ""  # made by the engine for one call, never told by a switch
        case _:
            assert_never(event)
