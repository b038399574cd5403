"""One call's task and mailbox: takes its events one by one, decides, journals, performs.

Serial within the call, parallel across calls; nothing here is shared with another call, so there are no locks.
"""

import asyncio
import collections
import dataclasses
import itertools
from collections.abc import Callable, Collection, Coroutine
from datetime import datetime
from typing import Final, TypeGuard, get_args

import structlog

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Phase
from ivrengine.core.ids import ChannelId, PlaybackId, TimerId
from ivrengine.core.switching import DigitHeard, RequestRefusedError
from ivrengine.engine import keys
from ivrengine.engine.fault import fault
from ivrengine.engine.inquiring import Inquirer, Inquiries
from ivrengine.engine.ledger import Ledger
from ivrengine.engine.limits import Limits
from ivrengine.engine.patience import at_most
from ivrengine.engine.performing import Performer, Release, Request, subject_of, without_undone
from ivrengine.flow.model import Flow
from ivrengine.flow.running import step
from ivrengine.telemetry.flows import FlowMeter
from ivrengine.telemetry.metrics import Metrics

_RELEASES: Final = get_args(Release)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What a switch was found to have of the call after a gap."""

    event: events.Resumed
    leg_id: ChannelId | None
    """The leg that the event is about."""
    gap: int
    """The number of the gap: if there has been another since, this is history."""


Mail = events.CallEvent | DigitHeard | _Found
_Parting = events.ChannelEnded | events.ChannelLeft | events.EndedUnheard


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every call task of an engine shares."""

    journal: Ledger
    performer: Performer
    limits: Limits
    metrics: Metrics
    counts: FlowMeter
    now: Callable[[], datetime]
    release: Callable[[Release], None]
    """Goes on asking a switch that did not answer, beside the call and after its end."""
    log: structlog.stdlib.BoundLogger
    resuming: asyncio.Semaphore
    """So many calls may do at once what their going on after a gap takes."""
    inquirer: Inquirer
    spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]]
    """Does something beside the call; the engine ends it when it stops."""


class CallTask:
    """Runs one call from its arrival (or its recovery) to its end."""

    def __init__(
        self,
        flow: Flow | None,
        around: Surroundings,
        call: Call | None = None,
        unfinished: Collection[PlaybackId] = (),
    ) -> None:
        """Run on ``flow``; a call given here was recovered, and ``flow`` is None if its version is not at hand.

        ``unfinished`` are the playbacks of a recovered call that may still be heard.
        """
        self._flow = flow
        self._around = around
        self._call = call
        self._mailbox: collections.deque[Mail] = collections.deque()
        self._waiting: asyncio.Future[None] | None = None
        self._drowned = False
        self._deaf = False
        self._gaps = 0
        self._held_back: list[events.CallEvent] = []
        self._sounding = set(unfinished)
        self._noted_end: tuple[datetime, int | None] | None = None
        self.unheard_end: events.UnheardEnd | None = None
        """Why the call ended, if nobody was told that it did."""
        self._typed = keys.TypedAhead(around.limits.type_ahead_max)
        self._timers: dict[TimerId, asyncio.TimerHandle] = {}
        self._inquiries = Inquiries(around.inquirer, around.spawn, self._post_heard)

    @property
    def call(self) -> Call | None:
        """The call as it stands; None before its first step."""
        return self._call

    def post(self, mail: Mail) -> None:
        """Put an event into the mailbox; never blocks. A mailbox that overflows fails the call, not the engine."""
        if len(self._mailbox) >= self._around.limits.mailbox_max:
            self._drowned = True
            self._around.metrics.events_dropped.labels(reason="mailbox full").inc()
            if not _is_parting(mail):
                return
        self._mailbox.append(mail)
        self._wake()

    def freeze(self) -> None:
        """Count no wait from now on: what it waits for may happen, and nobody tells."""
        self._deaf = True
        self._gaps += 1

    def thaw(self) -> None:
        """Go on waiting; what was over meanwhile is over now."""
        self._deaf = False
        held_back, self._held_back = self._held_back, []
        for event in held_back:
            self.post(event)

    def resume(self, event: events.Resumed, leg_id: ChannelId | None) -> None:
        """Go on after a gap from what the switch was found to have; ``leg_id`` is the leg that was looked for."""
        # beside the mailbox's bound: one for each gap or look
        self._mailbox.append(_Found(event=event, leg_id=leg_id, gap=self._gaps))
        self._wake()

    def end_unheard(self, reason: events.UnheardEnd, *, at: datetime, since_at: datetime) -> None:
        """Learn that the caller's channel is gone since some time after ``since_at``."""
        if self._call is not None:
            channel_id = self._call.channel_id
            noted_at, cause = self._noted_end or (since_at, None)
            since_at = max(since_at, min(noted_at, at))
            self.post(
                events.EndedUnheard(
                    at=at, channel_id=channel_id, since_at=since_at, reason=reason, cause=cause
                )
            )

    def note_end(self, at: datetime, cause: int) -> None:
        """Learn what the dialplan wrote down of the end, should the channel turn out to be gone."""
        self._noted_end = at, cause or None

    def held(self) -> list[Release]:
        """Return what lets go of the leg, the bridge and the recording that the call holds in its switch."""
        call = self._call
        if call is None:
            return []
        held: list[Release] = []
        if call.cursor.leg_id is not None:
            held.append(effects.HangUp(channel_id=call.cursor.leg_id))
        if call.cursor.bridge_id is not None:
            held.append(effects.DestroyBridge(bridge_id=call.cursor.bridge_id))
        if call.recording is not None and call.recording.monitor_id is not None:
            held.append(effects.StopMonitoring(monitor_id=call.recording.monitor_id))
        return held

    async def run(self) -> Call:
        """Take event after event until the call has ended, and return it as it was then."""
        try:
            while self._call is None or self._call.phase is not Phase.ENDED:
                await self._take(await self._next())
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._inquiries.close_all()
        return self._call

    async def _next(self) -> Mail:
        """Wait for mail: every wait of a node has a timer, and the engine looks after talks, which have none."""
        if not self._mailbox:
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._oldest()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _oldest(self) -> Mail:
        if not self._drowned or self._call is None:
            return self._mailbox.popleft()
        self._drowned = False
        own = self._call.channel_id
        if any(isinstance(mail, _Found) for mail in self._mailbox):
            self._deaf = False
        parting = (mail for mail in self._mailbox if _is_parting(mail) and mail.channel_id == own)
        self._mailbox = collections.deque(itertools.islice(parting, 1))
        return events.CallFailed(at=self._around.now(), error="mailbox full")

    async def _take(self, mail: Mail) -> None:
        if isinstance(mail, _Found):
            if self._still_holds(mail):
                async with self._around.resuming:
                    await self._do(mail.event)
        else:
            await self._do(mail)

    async def _do(self, mail: events.CallEvent | DigitHeard) -> None:
        try:
            pending = self._decide_all(mail)
        except Exception as error:  # noqa: BLE001 - one call's fault must not touch another's
            pending = list(self._decide(self._fault(error)))
        followers = await self._perform_all(pending)
        for follower in reversed(followers):
            if self._deaf and _may_have_been_done(follower):
                self._held_back.append(follower)
            else:
                self._mailbox.appendleft(follower)

    def _still_holds(self, found: _Found) -> bool:
        """Tell whether what was found is news to the call as it stands now, and end the gap."""
        if found.gap != self._gaps or self._call is None:
            return False
        if found.leg_id != self._call.cursor.leg_id:
            self.thaw()  # it was let go of meanwhile, or dialled: of that we are told
            return False
        self._deaf = False
        # The snapshot tells what became of it all, but for what was asked elsewhere.
        held_back, self._held_back = self._held_back, []
        for event in held_back:
            if isinstance(event, events.Answered):
                self.post(event)
        return True

    def _decide_all(self, mail: events.CallEvent | DigitHeard) -> list[effects.Effect]:
        """Decide the event and whatever the digits typed ahead lead to then; return what is to be done."""
        pending = self._silenced() if isinstance(mail, events.Resumed) else []
        event = self._digit_event(mail) if isinstance(mail, DigitHeard) else self._completed(mail)
        rounds = 0
        while event is not None:
            pending += self._decide(event)
            rounds += 1
            event = self._typed_ahead() if rounds < self._around.limits.rounds_max else None
        return without_undone(pending)

    def _completed(self, event: events.CallEvent) -> events.CallEvent:
        """Return the event with what only the call itself knows."""
        match event, self._call:
            case events.Resumed() | events.EndedUnheard(), Call(cursor=cursor):
                return dataclasses.replace(
                    event, inquiring=self._inquiries.is_open(cursor.request_id)
                )
            case _:
                return event

    def _silenced(self) -> list[effects.Effect]:
        """Return again what was to end prompts that may still be heard: whether it was done is not known."""
        assert self._call is not None
        playing = self._call.cursor.playback_id
        before = sorted(self._sounding - {playing})
        self._sounding &= {playing}
        return [effects.StopPlayback(playback_id=playback_id) for playback_id in before]

    def _digit_event(self, heard: DigitHeard) -> events.CallEvent | None:
        """Return what a key means now: an event at once, or None when it waits or means nothing."""
        call = self._call
        if call is None or not keys.means_something(call, heard):
            return None
        if self._typed.is_full():
            self._around.metrics.events_dropped.labels(reason="type-ahead full").inc()
            return None
        self._typed.heard(heard.digit)
        return self._typed.next(call, heard.at)

    def _typed_ahead(self) -> events.CallEvent | None:
        return self._typed.next(self._call, self._around.now()) if self._call is not None else None

    def _decide(self, event: events.CallEvent) -> tuple[effects.Effect, ...]:
        """Fold the event into the call and journal it; only then does the call stand where the fold says."""
        match event, self._call:
            case events.CallArrived(), None:
                assert self._flow is not None
                call, decided = step.begin(self._flow, event)
            case _, None:
                raise AssertionError("the first event of a call is its arrival")
            case _, Call() as before:
                call, decided = step.step(self._flow, before, event)
            case _:
                raise AssertionError("unreachable")
        self._around.journal.append_step(event, decided, call)
        self._typed.decided(self._call, call, decided)
        self._call = call
        self._note(event)
        return decided

    def _note(self, event: events.CallEvent) -> None:
        self._sounding -= events.silent_by(event)
        match event:
            case events.EndedUnheard():
                self.unheard_end = event.reason
            case events.Resumed():
                self._around.metrics.calls_resumed.inc()
            case _ if isinstance(event, events.Answered):
                self._inquiries.close(event.request_id)
            case _:
                pass

    def _fault(self, error: Exception) -> events.CallFailed:
        """Return what gives the caller to a person after an exception; its message may quote a caller and is kept nowhere."""
        self._around.metrics.calls_failed.inc()
        place = fault(error)
        self._around.log.error("call failed", error=place)
        return events.CallFailed(at=self._around.now(), error=place)

    async def _perform_all(self, pending: list[effects.Effect]) -> list[events.CallEvent]:
        """Do everything in order; return a ``RequestFailed`` for each request that the switch did not do."""
        failed: list[events.CallEvent] = []
        for effect in pending:
            if isinstance(effect, effects.Written):
                continue
            match effect:
                case effects.StartTimer():
                    self._set_timer(effect.timer_id, effect.delay_s)
                case effects.CancelTimer():
                    self._cancel_timer(effect)
                case effects.Fetch() | effects.Submit() | effects.FindAnswers():
                    self._inquiries.open(effect)
                case effects.CancelInquiry():
                    self._inquiries.close(effect.request_id)
                case effects.EnterNode():
                    self._count_visit(effect.node_type)
                case _:
                    if isinstance(effect, effects.Play):
                        self._sounding.add(effect.playback_id)
                    failure = await self._request(effect)
                    failed += [failure] if failure else []
        return failed

    def _count_visit(self, kind: str) -> None:
        if self._call is not None:
            self._around.counts.visited(self._call.brand, self._call.flow.name, kind)

    async def _request(self, effect: Request) -> events.CallEvent | None:
        assert self._call is not None
        try:
            request = self._around.performer.perform(effect, self._call)
            await at_most(self._around.limits.request_s, request)
        except RequestRefusedError as error:
            return self._not_done(effect, error.failure)
        except TimeoutError:
            return self._not_done(effect, events.Failure.UNAVAILABLE)
        except Exception as error:  # noqa: BLE001 - a fault of a door is this call's affair only
            return self._fault(error)
        return None

    def _not_done(self, effect: Request, failure: events.Failure) -> events.RequestFailed:
        kind = type(effect).__name__
        self._around.metrics.requests_failed.labels(effect=kind, failure=failure).inc()
        if failure is events.Failure.UNAVAILABLE and isinstance(effect, _RELEASES):
            self._around.release(effect)
        return events.RequestFailed(
            at=self._around.now(), effect=kind, subject=subject_of(effect), failure=failure
        )

    def _set_timer(self, timer_id: TimerId, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._timers[timer_id] = loop.call_later(delay_s, self._timer_fired, timer_id)

    def _timer_fired(self, timer_id: TimerId) -> None:
        del self._timers[timer_id]
        self._post_heard(events.TimerFired(at=self._around.now(), timer_id=timer_id))

    def _post_heard(self, event: events.CallEvent) -> None:
        """Post what comes from here, once the switch is heard: its like may have been told there before."""
        if self._deaf:
            self._held_back.append(event)
        else:
            self.post(event)

    def _cancel_timer(self, effect: effects.CancelTimer) -> None:
        timer = self._timers.pop(effect.timer_id, None)
        if timer is not None:
            timer.cancel()


def _is_parting(mail: Mail) -> TypeGuard[_Parting]:
    return isinstance(mail, _Parting)


def _may_have_been_done(event: events.CallEvent) -> bool:
    return isinstance(event, events.RequestFailed) and event.failure is events.Failure.UNAVAILABLE
