"""What calls ask other systems: beside the call, within a deadline, and answered by one event in any case."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Final, Protocol

import structlog

from ivrengine.core import asking, effects, events
from ivrengine.core.asking import Reply, UnansweredError
from ivrengine.core.events import Unanswered
from ivrengine.core.ids import RequestId
from ivrengine.engine.fault import fault
from ivrengine.flow import answers
from ivrengine.telemetry.metrics import Metrics

AT_ONCE_MAX: Final = 200
"""Questions under way at once, of all calls: what another system of the house is not drowned by. The rest wait, within
their deadlines; a call asks one thing at a time, so that no more wait than there are calls."""

Inquiry = asking.Inquiry | effects.FindAnswers
"""What is answered from outside the call: by other systems, and by the store."""
Answer = events.Answered

_METHODS: Final[Mapping[type[Inquiry], str]] = {
    effects.Fetch: "GET",
    effects.Submit: "POST",
    effects.FindAnswers: "look-up",
}


class Fetching(Protocol):
    """The door to other systems."""

    async def fetch(self, inquiry: asking.Inquiry) -> Reply:
        """Ask, a ``Fetch`` as often as it may be retried, within the inquiry's deadline; raises ``UnansweredError``."""
        ...


class Nowhere:
    """No other system may be asked."""

    async def fetch(self, inquiry: asking.Inquiry) -> Reply:
        """Refuse."""
        raise UnansweredError(Unanswered.REFUSED)


class Lookups(Protocol):
    """What the store can be asked."""

    async def last_asked_at(self, inquiry: effects.FindAnswers) -> datetime | None:
        """Return when the caller was last asked; raises ``UnansweredError`` if the store cannot say."""
        ...


class NoStore:
    """Nothing is kept where it could be looked up."""

    async def last_asked_at(self, inquiry: effects.FindAnswers) -> datetime | None:
        """Say nothing."""
        raise UnansweredError(Unanswered.REFUSED)


class Inquirer:
    """Asks for all calls of an engine, and holds the door to its deadlines."""

    def __init__(
        self,
        fetching: Fetching,
        *,
        lookups: Lookups | None = None,
        metrics: Metrics,
        now: Callable[[], datetime],
        log: structlog.stdlib.BoundLogger,
    ) -> None:
        self._fetching = fetching
        self._lookups = lookups or NoStore()
        self._metrics = metrics
        self._now = now
        self._log = log
        self._at_once = asyncio.Semaphore(AT_ONCE_MAX)

    async def ask(self, inquiry: Inquiry) -> Answer:
        """Return what the inquiry came to; raises nothing but its own cancellation."""
        method = _METHODS[type(inquiry)]
        loop = asyncio.get_running_loop()
        began, outcome = loop.time(), "given up"
        self._metrics.inquiries_open.inc()
        try:
            answer = await self._answer(inquiry)
            outcome = _outcome(answer)
        finally:
            self._metrics.inquiries_open.dec()
            self._metrics.inquiries.labels(method=method, outcome=outcome).inc()
            self._metrics.inquiry_seconds.labels(method=method).observe(loop.time() - began)
        return answer

    async def _answer(self, inquiry: Inquiry) -> Answer:
        try:
            async with asyncio.timeout(inquiry.deadline_s), self._at_once:
                match inquiry:
                    case effects.FindAnswers():
                        return await self._looked_up(inquiry)
                    case _:
                        return await self._fetched(inquiry)
        except UnansweredError as error:
            return self._failed(inquiry, error.reason, error.status)
        except TimeoutError:
            return self._failed(inquiry, Unanswered.TIMEOUT)
        except Exception as error:  # noqa: BLE001 - a fault of a door is this call's affair only
            self._metrics.inquiries_failed.inc()
            self._log.error("inquiry failed", error=fault(error))
            return self._failed(inquiry, Unanswered.FAULT)

    async def _fetched(self, inquiry: asking.Inquiry) -> events.Fetched:
        reply = await self._fetching.fetch(inquiry)
        try:
            values = answers.values_of(reply.content, inquiry.wants)
        except answers.ShapeError:
            raise UnansweredError(Unanswered.WRONG_SHAPE, reply.status) from None
        return events.Fetched(
            at=self._now(), request_id=inquiry.request_id, status=reply.status, values=values
        )

    async def _looked_up(self, inquiry: effects.FindAnswers) -> events.AnswersFound:
        asked_at = await self._lookups.last_asked_at(inquiry)
        return events.AnswersFound(at=self._now(), request_id=inquiry.request_id, asked_at=asked_at)

    def _failed(
        self, inquiry: Inquiry, reason: Unanswered, status: int | None = None
    ) -> events.FetchFailed | events.LookupFailed:
        at, request_id = self._now(), inquiry.request_id
        if isinstance(inquiry, effects.FindAnswers):
            return events.LookupFailed(at=at, request_id=request_id, reason=reason)
        return events.FetchFailed(at=at, request_id=request_id, reason=reason, status=status)


def _outcome(answer: Answer) -> str:
    match answer:
        case events.FetchFailed(reason=reason) | events.LookupFailed(reason=reason):
            return reason
        case _:
            return "answered"


class Inquiries:
    """What one call has asked, and not yet decided upon or given up: one thing at a time, by its cursor."""

    def __init__(
        self,
        inquirer: Inquirer,
        spawn: Callable[[Coroutine[None, None, None]], asyncio.Task[None]],
        post: Callable[[Answer], None],
    ) -> None:
        """Ask by ``inquirer`` in tasks of ``spawn``, and ``post`` each answer."""
        self._inquirer = inquirer
        self._spawn = spawn
        self._post = post
        self._open: dict[RequestId, asyncio.Task[None]] = {}

    def open(self, inquiry: Inquiry) -> None:
        """Ask."""
        self._open[inquiry.request_id] = self._spawn(self._answered(inquiry))

    def is_open(self, request_id: RequestId | None) -> bool:
        """Tell whether an inquiry was made, and its answer is not decided upon yet."""
        return request_id in self._open

    def close(self, request_id: RequestId) -> None:
        """Let go of one that was answered, or is given up; one that is not open is no mistake."""
        task = self._open.pop(request_id, None)
        if task is not None:
            task.cancel()

    def close_all(self) -> None:
        """Let go of all: the call is over."""
        for request_id in [*self._open]:
            self.close(request_id)

    async def _answered(self, inquiry: Inquiry) -> None:
        self._post(await self._inquirer.ask(inquiry))
