"""One call's task and mailbox: takes its events one by one, decides, journals, performs.

Serial within the call, parallel across calls; nothing here is shared with another call, so there are no locks.
"""

import asyncio
import collections
import dataclasses
import itertools
import traceback
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, TypeGuard, assert_never, get_args

import structlog

from ivrengine.core import effects, events
from ivrengine.core.call import Call, DigitMode, Phase
from ivrengine.core.ids import ChannelId, TimerId
from ivrengine.core.switching import DigitHeard, RequestRefusedError
from ivrengine.engine.journal import Journal
from ivrengine.engine.limits import Limits
from ivrengine.engine.performing import Performer, Release, Request, without_undone
from ivrengine.flow import step
from ivrengine.flow.model import Flow
from ivrengine.telemetry.metrics import Metrics

_RELEASES: Final = get_args(Release)
_UNKNOWN_CAUSE: Final = 0
"""Q.850 knows no 0: the switch was not heard when the channel ended."""

Mail = events.CallEvent | DigitHeard


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every call task of an engine shares."""

    journal: Journal
    performer: Performer
    limits: Limits
    metrics: Metrics
    now: Callable[[], datetime]
    release: Callable[[Release], None]
    """Goes on asking a switch that did not answer, beside the call and after its end."""
    log: structlog.stdlib.BoundLogger


class CallTask:
    """Runs one call from its arrival (or its recovery) to its end."""

    def __init__(self, flow: Flow | None, around: Surroundings, call: Call | None = None) -> None:
        """Run on ``flow``; a call given here was recovered, and ``flow`` is None if its version is not at hand."""
        self._flow = flow
        self._around = around
        self._call = call
        self._mailbox: collections.deque[Mail] = collections.deque()
        self._wake = asyncio.Event()
        self._drowned = False
        self._in_doubt = False
        self._digits: collections.deque[str] = collections.deque()
        self._timers: dict[TimerId, asyncio.TimerHandle] = {}

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
        self._wake.set()

    def doubt(self) -> None:
        """Say that events of this call may have been lost: its switch was not heard for a while."""
        self._in_doubt = True
        self._wake.set()

    def held(self) -> list[Release]:
        """Return what lets go of the leg and the bridge that the call holds in its switch."""
        call = self._call
        if call is None:
            return []
        held: list[Release] = []
        if call.cursor.leg_id is not None:
            held.append(effects.HangUp(channel_id=call.cursor.leg_id))
        if call.cursor.bridge_id is not None:
            held.append(effects.DestroyBridge(bridge_id=call.cursor.bridge_id))
        return held

    async def run(self) -> Call:
        """Take event after event until the call has ended, and return it as it was then."""
        try:
            while self._call is None or self._call.phase is not Phase.ENDED:
                await self._take(await self._next())
        finally:
            for timer in self._timers.values():
                timer.cancel()
        return self._call

    async def _next(self) -> Mail:
        """Wait for mail; no call waits without a bound: not for its timer, then for a look at its channels."""
        while not self._mailbox:
            self._wake.clear()
            if self._in_doubt:
                await self._look()
                continue
            if self._timers:
                await self._wake.wait()
                continue
            try:
                async with asyncio.timeout(self._around.limits.look_s):
                    await self._wake.wait()
            except TimeoutError:
                self._in_doubt = True
        return self._oldest()

    async def _look(self) -> None:
        """Find out what was not told: whether the channels are there, and, by waiting less, whether a prompt is over.

        Not while a phone rings or the call leaves: looking would end the music, and both are over soon by their timers.
        """
        self._in_doubt = False
        call = self._call
        rings = call is not None and call.phase is Phase.DIALING and call.cursor.bridge_id is None
        if call is None or rings or call.phase is Phase.LEAVING:
            return
        self._hasten(call)
        await self._look_at(call.channel_id)
        if call.cursor.leg_id is not None:
            await self._look_at(call.cursor.leg_id)

    async def _look_at(self, channel_id: ChannelId) -> None:
        assert self._call is not None
        found = await self._around.performer.look(channel_id)
        at = self._around.now()
        match found:
            case events.Failure.GONE if channel_id == self._call.channel_id:
                self.post(
                    events.RequestFailed(
                        at=at, effect="StopMusic", subject=channel_id, failure=found
                    )
                )
            case events.Failure.GONE:
                self.post(events.ChannelEnded(at=at, channel_id=channel_id, cause=_UNKNOWN_CAUSE))
            case events.Failure.NOT_READY:
                self.post(events.ChannelLeft(at=at, channel_id=channel_id))
            case _:  # there, or no answer: the next look tells
                pass

    def _hasten(self, call: Call) -> None:
        """Let the timer that bounds a prompt fire soon, if the prompt's end does not come before."""
        timer_id = call.cursor.timer_id
        timer = None if timer_id is None else self._timers.get(timer_id)
        if call.cursor.playback_id is None or timer_id is None or timer is None:
            return
        soon_s = self._around.limits.prompt_after_gap_s
        if timer.when() > asyncio.get_running_loop().time() + soon_s:
            timer.cancel()
            self._set_timer(timer_id, soon_s)

    def _oldest(self) -> Mail:
        if not self._drowned or self._call is None:
            return self._mailbox.popleft()
        self._drowned = False
        own = self._call.channel_id
        parting = (mail for mail in self._mailbox if _is_parting(mail) and mail.channel_id == own)
        self._mailbox = collections.deque(itertools.islice(parting, 1))
        return events.CallFailed(at=self._around.now(), error="mailbox full")

    async def _take(self, mail: Mail) -> None:
        try:
            pending = self._decide_all(mail)
        except Exception as error:  # noqa: BLE001 - one call's fault must not touch another's
            pending = list(self._decide(self._fault(error)))
        followers = await self._perform_all(pending)
        for follower in reversed(followers):
            self._mailbox.appendleft(follower)

    def _decide_all(self, mail: Mail) -> list[effects.Effect]:
        """Decide the event and whatever the digits typed ahead lead to then; return what is to be done."""
        pending: list[effects.Effect] = []
        event = self._digit_event(mail) if isinstance(mail, DigitHeard) else mail
        rounds = 0
        while event is not None:
            pending += self._decide(event)
            rounds += 1
            event = self._typed_ahead() if rounds < self._around.limits.rounds_max else None
        return without_undone(pending)

    def _digit_event(self, heard: DigitHeard) -> events.CallEvent | None:
        """Return what a key means now: an event at once, or None when it waits or means nothing."""
        call = self._call
        if call is None or call.digit_mode is DigitMode.DROP or heard.channel_id != call.channel_id:
            return None
        if len(self._digits) >= self._around.limits.type_ahead_max:
            self._around.metrics.events_dropped.labels(reason="type-ahead full").inc()
            return None
        self._digits.append(heard.digit)
        return self._typed_ahead(heard.at)

    def _typed_ahead(self, at: datetime | None = None) -> events.CallEvent | None:
        """Return the event that the oldest waiting digit is to the node where the call stands, if it is one."""
        call = self._call
        if call is None or not self._digits:
            return None
        at = at or self._around.now()
        match call.digit_mode:
            case DigitMode.TAKE:
                digit = self._digits.popleft()
                return events.DigitPressed(at=at, channel_id=call.channel_id, digit=digit)
            case DigitMode.INTERRUPT:
                return events.BargedIn(at=at, channel_id=call.channel_id)
            case DigitMode.BUFFER | DigitMode.DROP:
                return None
            case _:
                assert_never(call.digit_mode)

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
        self._call = call
        dropped = any(isinstance(effect, effects.DropDigits) for effect in decided)
        if dropped or call.digit_mode is DigitMode.DROP:  # nor is it for a node after the talk
            self._digits.clear()
        return decided

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
            match effect:
                case effects.StartTimer():
                    self._set_timer(effect.timer_id, effect.delay_s)
                case effects.CancelTimer():
                    self._cancel_timer(effect)
                case effects.DropDigits() | effects.EnterNode() | effects.LeaveNode():
                    pass  # done where the step was decided: the journal entry is the effect
                case effects.EndCall():
                    pass  # ``run`` ends when the call has
                case _:
                    failure = await self._request(effect)
                    failed += [failure] if failure else []
        return failed

    async def _request(self, effect: Request) -> events.CallEvent | None:
        assert self._call is not None
        try:
            async with asyncio.timeout(self._around.limits.request_s):
                await self._around.performer.perform(effect, self._call)
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
            at=self._around.now(), effect=kind, subject=_subject(effect), failure=failure
        )

    def _set_timer(self, timer_id: TimerId, delay_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._timers[timer_id] = loop.call_later(delay_s, self._timer_fired, timer_id)

    def _timer_fired(self, timer_id: TimerId) -> None:
        del self._timers[timer_id]
        self.post(events.TimerFired(at=self._around.now(), timer_id=timer_id))

    def _cancel_timer(self, effect: effects.CancelTimer) -> None:
        timer = self._timers.pop(effect.timer_id, None)
        if timer is not None:
            timer.cancel()


def fault(error: BaseException) -> str:
    """Return an exception's class and place (``KeyError at step.py:88``) without its message, which may quote a caller."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__ + place


def _is_parting(mail: Mail) -> TypeGuard[events.ChannelEnded | events.ChannelLeft]:
    return isinstance(mail, events.ChannelEnded | events.ChannelLeft)


def _subject(effect: Request) -> str:
    """Return the id that a request is about."""
    match effect:
        case effects.Play() | effects.StopPlayback():
            return effect.playback_id
        case (
            effects.CreateBridge()
            | effects.AddToBridge()
            | effects.RemoveFromBridge()
            | effects.DestroyBridge()
        ):
            return effect.bridge_id
        case effects.StartRecording() | effects.StopRecording():
            return effect.recording_id
        case (
            effects.Answer()
            | effects.StartMusic()
            | effects.StopMusic()
            | effects.Dial()
            | effects.HangUp()
            | effects.SendToFallback()
        ):
            return effect.channel_id
        case _:
            assert_never(effect)
