"""One node and the engine's picture of it: made true again after each gap in its events, and looked at now and then.

While the node is not heard its calls are frozen: what they wait for is not counted. When it is heard again, its events are
kept back until a snapshot has told what happened meanwhile; then every call goes on from what is really there.
"""

import asyncio
import collections
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, Protocol, assert_never

import structlog

from ivrengine.core import effects, events
from ivrengine.core.ids import ChannelId, NodeName
from ivrengine.core.switching import LinkDown, LinkUp, OfACall, RequestRefusedError, Snapshot
from ivrengine.engine import comparing
from ivrengine.engine.call_task import CallTask
from ivrengine.engine.fault import fault
from ivrengine.engine.limits import Limits
from ivrengine.engine.performing import Release
from ivrengine.engine.switch import Switch
from ivrengine.telemetry.metrics import Metrics

KEPT_BACK_MAX: Final = 20_000
"""Events kept back while a snapshot is taken: three seconds of the most that an Asterisk was ever seen to tell."""
SNAPSHOT_WITHIN_S: Final = 10.0
"""Callers wait for so long at most for a switch whose events come and whose answers do not; then calls go on without."""
SNAPSHOT_AGAIN_S: Final = 0.5
STRANGE_S: Final = 1.0
"""Who is there and known to nobody may have arrived this instant: the event is on its way, and so long may it be."""
CONFIRM_AFTER_S: Final = 5.0
"""What a look finds amiss may just be changing; if it is still so after this, it stays so."""

_log = structlog.get_logger("engine")


class Calls(Protocol):
    """What a node's reconciliation needs of the engine."""

    def on_node(self, node: NodeName) -> Mapping[ChannelId, CallTask]:
        """Return the calls in progress on a node by their callers' channels."""
        ...

    def take(self, event: OfACall) -> None:
        """Take an event to the call that it is about."""
        ...

    def release(self, effect: Release) -> None:
        """Let go of something beside all calls."""
        ...


class Reconciliation:
    """What has to be known of one node beside its calls."""

    def __init__(
        self,
        switch: Switch,
        calls: Calls,
        *,
        limits: Limits,
        metrics: Metrics,
        now: Callable[[], datetime],
    ) -> None:
        """Begin with a node that has not been heard of yet."""
        self.node = switch.node
        self._switch = switch
        self._calls = calls
        self._limits = limits
        self._metrics = metrics
        self._now = now
        self._log = _log.bind(node=switch.node)
        self._unheard_since_at: datetime | None = now()
        self._kept_back: collections.deque[OfACall] | None = None
        self._doubtful: dict[CallTask, int] = {}
        self._strangers: dict[ChannelId, comparing.Stranger] = {}
        self._task: asyncio.Task[None] | None = None
        self._lost: asyncio.TimerHandle | None = None

    @property
    def attends(self) -> bool:
        """Whether the node's events are to be shown to ``attend`` before anybody else."""
        return self._kept_back is not None or bool(self._strangers)

    @property
    def settled(self) -> bool:
        """Whether the node is heard, and it is known what happened before."""
        return self._task is not None and self._kept_back is None

    def left_by_another(self, since_at: datetime) -> None:
        """Learn that the calls there are of an engine that was last alive then; they wait for the node to be heard."""
        self._unheard_since_at = since_at
        self._wait_for_node()

    def up(self, event: LinkUp) -> None:
        """Begin to find out what happened while the node was not heard."""
        self._log.info("link up")
        self._stop_waiting()
        self._unheard_since_at = self._unheard_since_at or event.at
        self._kept_back = collections.deque()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    def down(self, event: LinkDown) -> None:
        """Freeze the calls: nobody tells what becomes of them."""
        self._log.warning("link down", reason=event.reason)
        self._stop_waiting()
        self._unheard_since_at = self._unheard_since_at or event.at
        self._replay()  # what was told is true, whatever came of the rest
        for task in self._calls.on_node(self.node).values():
            task.freeze()
        self._wait_for_node()

    def attend(self, event: OfACall) -> bool:
        """Look at an event, and tell whether it is kept back until it is known what was before it."""
        if self._kept_back is None:
            told = comparing.Told.by([event])
            for channel_id in told.arrived | told.gone:
                self._strangers.pop(channel_id, None)
            return False
        self._kept_back.append(event)
        if len(self._kept_back) >= KEPT_BACK_MAX:
            self._go_on_without("too many events meanwhile")
        return True

    def hold_up_no_more(self) -> None:
        """Keep no event back any longer: the engine stops."""
        if self._kept_back is not None:
            self._go_on_without("engine stopping")

    def close(self) -> None:
        """Watch no longer."""
        self._stop_waiting()

    def _stop_waiting(self) -> None:
        self._strangers = {}
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._lost is not None:
            self._lost.cancel()
            self._lost = None

    def _wait_for_node(self) -> None:
        loop = asyncio.get_running_loop()
        self._lost = loop.call_later(self._limits.node_lost_s, self._give_up_node)

    def _give_up_node(self) -> None:
        """Close the calls of a node that stays away."""
        self._lost = None
        tasks = self._calls.on_node(self.node).values()
        if tasks:
            self._log.error("node lost", calls=len(tasks))
        for task in tasks:
            self._end(task, events.UnheardEnd.NODE_LOST)

    def _end(self, task: CallTask, reason: events.UnheardEnd) -> None:
        at = self._now()
        since_at = self._unheard_since_at or at
        task.end_unheard(reason, at=at, since_at=since_at)

    async def _watch(self) -> None:
        """Compare, and then look now and then; a fault of ours in this keeps no call waiting."""
        try:
            is_settled = await self._compare()
        except Exception as error:  # noqa: BLE001 - counted; the calls go on, and the looks make up for it
            self._log.error("comparing failed", error=fault(error))
            self._go_on_without("fault")
            is_settled = False
        while True:
            try:
                await self._keep_looking(soon=not is_settled)
            except Exception as error:  # noqa: BLE001 - counted; the next look is a minute away
                self._metrics.not_compared.labels(reason="fault").inc()
                self._log.error("looking failed", error=fault(error))
                is_settled = True

    async def _compare(self) -> bool:
        """Tell whether the calls go on from what was found."""
        found = await self._snapshot_within(SNAPSHOT_WITHIN_S)
        if self._kept_back is None:  # there were too many events to wait any longer
            return False
        if found is None:
            self._go_on_without("no snapshot in time")
            return False
        await self._settle(found)
        return True

    async def _snapshot_within(self, limit_s: float) -> Snapshot | None:
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    found = await self._snapshot()
                    if found is not None:
                        return found
                    await asyncio.sleep(SNAPSHOT_AGAIN_S)
        except TimeoutError:
            return None

    async def _snapshot(self) -> Snapshot | None:
        try:
            async with asyncio.timeout(self._limits.request_s):
                return await self._switch.snapshot()
        except (RequestRefusedError, TimeoutError) as error:
            self._log.warning("no snapshot", reason=str(error) or "no answer")
            return None

    async def _settle(self, found: Snapshot) -> None:
        """Let every call go on from what was found, and then hear what was told meanwhile."""
        assert self._kept_back is not None
        told = comparing.Told.by(self._kept_back)
        verdicts = list(comparing.compare(found, self._known(), told))
        self._measure(found, verdicts)
        counts = collections.Counter(type(verdict).__name__ for verdict in verdicts)
        self._log.info("node compared", **counts)
        self._strangers = {
            comparing.caller_of(verdict): verdict
            for verdict in verdicts
            if isinstance(verdict, comparing.Stranger)
        }
        self._carry_out(verdict for verdict in verdicts if verdict not in self._strangers.values())
        for task in self._calls.on_node(self.node).values():
            if task.call is None or task.call.channel_id not in found.channels:
                task.thaw()  # not begun yet, or the event of its end is coming
        self._unheard_since_at = None
        self._doubtful.clear()
        self._replay()
        await asyncio.sleep(STRANGE_S)
        strangers, self._strangers = self._strangers, {}
        self._carry_out(strangers.values())

    def _go_on_without(self, reason: str) -> None:
        """Let the calls go on from what they know; the next look makes up for it."""
        self._metrics.not_compared.labels(reason=reason).inc()
        self._log.error("node not compared", reason=reason)
        self._replay()
        for task in self._calls.on_node(self.node).values():
            task.thaw()
            if task.call is not None:
                self._doubtful[task] = task.call.serial

    def _replay(self) -> None:
        kept_back, self._kept_back = self._kept_back or (), None
        for event in kept_back:
            self._calls.take(event)

    async def _keep_looking(self, *, soon: bool) -> None:
        """Look now and then: whatever was lost on the way, nobody stands in silence for ever, and nothing leaks."""
        suspected: set[comparing.Subject] = set()
        while True:
            await asyncio.sleep(CONFIRM_AFTER_S if soon else self._limits.look_s)
            found = await self._snapshot()
            if found is not None:
                suspected = self._look(found, suspected)
                soon = bool(suspected)

    def _look(self, found: Snapshot, suspected: set[comparing.Subject]) -> set[comparing.Subject]:
        """Act upon what was so the last time, too, and return what is to be seen a second time first."""
        verdicts = list(comparing.compare(found, self._known()))
        self._measure(found, verdicts)
        doubtful = {task for task, serial in self._doubtful.items() if _stands_at(task, serial)}
        in_doubt = {task.call.channel_id for task in doubtful if task.call is not None}
        self._doubtful.clear()
        sure: list[comparing.Verdict] = []
        unsure: set[comparing.Subject] = set()
        for verdict in verdicts:
            key = comparing.subject(verdict)
            if key in suspected or key[1] in in_doubt:
                sure.append(verdict)
            elif not isinstance(verdict, comparing.GoesOn) or verdict.amiss:
                unsure.add(key)
        for verdict in sure:
            self._log.warning("found amiss", what=type(verdict).__name__)
        self._carry_out(sure)
        self._unheard_since_at = None
        return unsure

    def _known(self) -> comparing.Known:
        return {channel: task.call for channel, task in self._calls.on_node(self.node).items()}

    def _carry_out(self, verdicts: Iterable[comparing.Verdict]) -> None:
        tasks = self._calls.on_node(self.node)
        for verdict in verdicts:
            match verdict:
                case comparing.GoesOn():
                    self._resume(tasks.get(verdict.call.channel_id), verdict)
                case comparing.Ended():
                    if verdict.channel_id in tasks:
                        self._end(tasks[verdict.channel_id], verdict.reason)
                case comparing.Left():
                    left = events.ChannelLeft(at=self._now(), channel_id=verdict.channel_id)
                    self._calls.take(left)
                case _:
                    self._see_to(verdict, tasks)

    def _see_to(self, stray: comparing.Stray, tasks: Mapping[ChannelId, CallTask]) -> None:
        """See to what belongs to no call, unless it has turned out meanwhile that it does."""
        match stray:
            case comparing.Unserved(arrival=arrival):
                if arrival.channel_id not in tasks:
                    self._count("unserved")
                    self._calls.take(arrival)
            case comparing.Forsaken(channel_id=caller):
                if caller not in tasks:
                    self._count("caller")
                    self._calls.release(effects.SendToFallback(channel_id=caller))
            case comparing.StrayLeg(channel_id=leg):
                self._count("leg")
                self._calls.release(effects.HangUp(channel_id=leg))
            case comparing.StrayMonitor(channel_id=monitor):
                self._count("monitor")
                self._calls.release(effects.StopMonitoring(monitor_id=monitor))
            case comparing.StrayBridge(bridge_id=bridge):
                self._count("bridge")
                self._calls.release(effects.DestroyBridge(bridge_id=bridge))
            case _:
                assert_never(stray)

    def _count(self, what: str) -> None:
        self._metrics.strays.labels(what=what).inc()

    def _resume(self, task: CallTask | None, verdict: comparing.GoesOn) -> None:
        if task is None:  # it ended meanwhile
            return
        at = self._now()
        resumed = events.Resumed(
            at=at,
            since_at=self._unheard_since_at or at,
            answered=verdict.answered,
            leg=verdict.leg,
            joined=verdict.joined,
            astray=verdict.astray,
        )
        task.resume(resumed, verdict.call.cursor.leg_id)

    def _measure(self, found: Snapshot, verdicts: list[comparing.Verdict]) -> None:
        kinds = collections.Counter(type(verdict) for verdict in verdicts)
        strange = comparing.Unserved, comparing.Forsaken, comparing.StrayLeg
        strangers = sum(kinds[kind] for kind in strange)
        astray = sum(it.astray is not None for it in verdicts if isinstance(it, comparing.GoesOn))
        unwanted = kinds[comparing.StrayBridge] + astray
        node, metrics = self.node, self._metrics
        metrics.channels.labels(node, "ours").set(len(found.channels) - strangers)
        metrics.channels.labels(node, "unknown").set(strangers)
        metrics.bridges.labels(node, "ours").set(len(found.bridges) - unwanted)
        metrics.bridges.labels(node, "unknown").set(unwanted)


def _stands_at(task: CallTask, serial: int) -> bool:
    return task.call is not None and task.call.serial == serial
