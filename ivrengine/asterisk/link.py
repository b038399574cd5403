"""The link to one Asterisk: found, judged, listened to, watched, and found again when it breaks."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final, Protocol

import structlog

from ivrengine.asterisk import backoff, frames, translate, version, wire
from ivrengine.asterisk.lease import Lease, SupersededError
from ivrengine.asterisk.meter import Meter
from ivrengine.asterisk.node import Node
from ivrengine.core.ids import NodeName
from ivrengine.core.switching import LinkDown, LinkUp, RequestRefusedError

HEALTH_EVERY_S: Final = 5.0
"""With its limit below, a deadlocked ARI is known within 10 s."""
HEALTH_LIMIT_S: Final = 2.0
LET_GO_LIMIT_S: Final = 0.5
"""Not said in time, it shows all the same: the heartbeat stands still."""
SECOND_AGAIN_S: Final = 30.0
"""A second socket that closes alone is a rare thing and no trouble: there is no hurry."""
REASONS_MAX: Final = 16
"""Reasons remembered as told: there are fewer sentences, but some quote what the other side said."""
STEADY_S: Final = 30.0
"""A link that held so long was a good one: after it the waits begin anew."""
ADVICE: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "refuses the user {user} or the password; compare ari.conf",
    HTTPStatus.FORBIDDEN: "forbids the user {user} to do this from here; is it read_only, "
    "or is this address refused by deny or acl in ari.conf?",
    HTTPStatus.NOT_FOUND: "answers, but there is no ARI; is it an Asterisk, with ari.conf enabled?",
    HTTPStatus.SERVICE_UNAVAILABLE: "is starting or stopping",
}

Json = Mapping[str, Any]
Operation = Callable[..., Awaitable[Json]]
"""One operation of ARI, called with its parameters by their ARI names; what a command answers is empty."""

_log = structlog.get_logger(__name__)


class Api(Protocol):
    """What the link needs of the ARI library."""

    async def load(self) -> Mapping[str, Operation]:
        """Learn from Asterisk which operations there are (``channels.answer``)."""
        ...

    async def listen(self, application: str) -> None:
        """Read events until the event socket closes."""
        ...


class UnfitError(Exception):
    """What answers there is no Asterisk that we would talk to; the message is a sentence about it."""


class Link:
    """Keeps one event socket to one Asterisk and carries requests; tells of ``LinkUp`` and ``LinkDown``."""

    def __init__(
        self,
        node: Node,
        *,
        api: Callable[[wire.Wire], Api],
        tell: Callable[[LinkUp | LinkDown], None],
        now: Callable[[], datetime],
        meter: Meter,
        chance: Callable[[], float],
        lease: Lease | None = None,
    ) -> None:
        """Connect when the lease is ours; at once without one."""
        self.node = node
        self._lease = lease
        self.name = NodeName(node.name)
        self.up = False
        self.healthy = False
        self.replaced = False
        self.trouble: str | None = None
        """Why there is no link, in a sentence; None while there is one."""
        self._said: set[str] = set()
        """What was logged of this trouble: attempts that fail in two ways by turns are no news each time."""
        self._tell = tell
        self._now = now
        self._meter = meter
        self._chance = chance
        self._wire = wire.Wire(node, opened=self._opened, garbled=self._garbled)
        self._api = api(self._wire)
        self._operations: Mapping[str, Operation] = {}
        self._frames: frames.Frames | None = None
        self._up_event = asyncio.Event()

    async def run(self) -> None:
        """Keep the link up until cancelled; return only if another engine took our application over."""
        try:
            await self._keep_up()
        finally:
            self.up = False
            await self._let_go()
            await self._wire.close()

    async def _let_go(self) -> None:
        if self._lease is not None and not self.replaced:
            with contextlib.suppress(RequestRefusedError, TimeoutError):
                async with asyncio.timeout(LET_GO_LIMIT_S):
                    await self._lease.release(self.call)

    async def call(self, operation: str, **arguments: object) -> Json:
        """Do one request; whatever goes wrong is a ``RequestRefusedError``."""
        if self.replaced:
            raise wire.NoAnswerError("another connection took our application over")
        if operation not in self._operations:
            raise wire.NoAnswerError("not connected yet")
        clock = asyncio.get_running_loop().time
        began = clock()
        outcome = "failed"
        try:
            answer = await self._operations[operation](**arguments)
            outcome = "done"
        except RequestRefusedError as refused:
            outcome = refused.failure.value
            raise
        finally:
            self._meter.requested(self.name, operation, outcome, clock() - began)
        return answer

    async def read(self, path: str) -> str:
        """Return the body of what ARI answers to a GET, for lists of which aioari would build objects."""
        if self.replaced:
            raise wire.NoAnswerError("another connection took our application over")
        answer = await self._wire.send("GET", f"/ari/{path}")
        return answer.body

    def give_up(self) -> None:
        """Stop acting at once: our application belongs to another connection now. It is not fought for."""
        self.replaced = True
        self._went_down(
            f"another connection took the application {self.node.application} over: "
            "another engine answers its calls now, and is not fought"
        )
        if self._frames is not None:
            self._frames.stop()

    async def _keep_up(self) -> None:
        clock = asyncio.get_running_loop().time
        waits: Iterator[float] = backoff.delays_s(self._chance)
        while not self.replaced:
            began = clock()
            reason = await self._once()
            if self.replaced:
                return
            self._went_down(reason)
            if clock() - began > STEADY_S:
                waits = backoff.delays_s(self._chance)
            await asyncio.sleep(next(waits))

    async def _once(self) -> str:
        """Connect and listen until it is over; return why it is, as a sentence."""
        try:
            self._operations = await self._load()
            if self._lease is not None:
                await self._lease.obtain(self.call)
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(self._watch())
                try:
                    reason = await self._listen()
                    if not self.replaced:
                        # Before the second socket takes its time to close.
                        self._went_down(reason)
                    return reason
                finally:
                    watching.cancel()
        except UnfitError as unfit:
            return str(unfit)
        except SupersededError:
            self.give_up()
            return ""
        except RequestRefusedError as refused:
            return self._sentence(refused)

    async def _load(self) -> Mapping[str, Operation]:
        try:
            operations = await self._api.load()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UnfitError(f"{self.node.origin} answers, but not as ARI does") from error
        info = await operations["asterisk.getInfo"]()
        try:
            found = str(info["system"]["version"])
        except (KeyError, TypeError) as error:
            raise UnfitError(f"{self.node.origin} does not tell its Asterisk version") from error
        self._judge(found)
        return operations

    def _judge(self, found: str) -> None:
        shortcoming = version.shortcoming(found)
        if shortcoming is None:
            return
        if not self.node.accept_unsafe_version:
            raise UnfitError(
                f"the Asterisk at {self.node.origin} is refused: {shortcoming}; "
                "upgrade it, or accept it with accept_unsafe_version"
            )
        _log.warning("unsafe asterisk accepted", node=self.name, reason=shortcoming)

    async def _listen(self) -> str:
        """Listen until the event socket closes; aioari's ``run`` returns without a word when it does."""
        try:
            await self._api.listen(self.node.application)
        except RequestRefusedError as refused:
            return self._sentence(refused)
        finally:
            self._frames = None
            self._up_event.clear()
        return f"{self.node.origin} closed the event socket"

    def _opened(self, opened: frames.Frames) -> None:
        """Note that events flow; this is before the first of them is read."""
        self._frames = opened
        self.up, self.trouble = True, None
        self._said.clear()
        self._up_event.set()
        _log.info("asterisk linked", node=self.name, application=self.node.application)
        self._meter.linked(self.name, up=True)
        self._tell(LinkUp(at=self._now(), node=self.name))

    def _went_down(self, reason: str) -> None:
        """Tell once that the link is down, and say each new reason once."""
        if reason not in self._said:
            _log.error("asterisk not linked", node=self.name, reason=reason)
            self._said = {reason, *self._said} if len(self._said) < REASONS_MAX else {reason}
        self.trouble = reason
        self._set_health(well=False)
        if self.up:
            self.up = False
            self._meter.linked(self.name, up=False)
            self._tell(LinkDown(at=self._now(), node=self.name, reason=reason))

    def _garbled(self) -> None:
        _log.warning("event dropped", node=self.name, reason="not an event")
        self._meter.dropped(self.name, "not an event")

    async def _watch(self) -> None:
        """Ask for the events we want only, and then look after Asterisk's health."""
        await self._up_event.wait()
        try:
            await self._filter()
        except RequestRefusedError as refused:
            _log.warning("event filter not set", node=self.name, reason=refused.detail)
        async with asyncio.TaskGroup() as group:
            if await self._prove_lane():
                group.create_task(self._keep_second_lane())
            while True:
                await self._check_health()
                await asyncio.sleep(HEALTH_EVERY_S)

    async def _prove_lane(self) -> bool:
        """Send quick commands over the event socket from now on, if this Asterisk answers them there."""
        proved = self._frames is not None and await self._frames.lane.prove()
        if not proved:
            _log.info("requests by http only", node=self.name, reason="no answers over the socket")
        return proved

    async def _keep_second_lane(self) -> None:
        """Keep a second socket for commands that may wait; without it they go over HTTP, which costs but more."""
        while True:
            try:
                await self._wire.keep_second(self.node.application)
            except RequestRefusedError as refused:
                _log.info("no second socket", node=self.name, reason=refused.detail)
            await asyncio.sleep(SECOND_AGAIN_S)

    async def _filter(self) -> None:
        """Leave out the half of the traffic that means nothing to us (``RTPAUDIOQOS`` and the like).

        Not through aioari: it wraps the body into the parameter's name, and Asterisk then accepts it and filters nothing.
        """
        path = f"/ari/applications/{self.node.application}/eventFilter"
        body = json.dumps(
            {"allowed": [{"type": kind} for kind in (*translate.WANTED, frames.ANSWER)]}
        )
        await self._wire.send("PUT", path, headers={"Content-Type": "application/json"}, data=body)

    async def _check_health(self) -> None:
        """Ask for our application: a deadlocked ARI still answers pings, but not this (asterisk issue 2170)."""
        try:
            async with asyncio.timeout(HEALTH_LIMIT_S):
                await self.call("applications.get", applicationName=self.node.application)
        except TimeoutError:
            self._set_health(
                well=False, reason="ARI does not answer: if it stays so, restart Asterisk"
            )
        except RequestRefusedError as refused:
            self._set_health(well=False, reason=self._sentence(refused))
            if isinstance(refused, wire.AnsweredError) and self._frames is not None:
                # It answers and does not know our application: the socket is one that nothing comes through.
                await self._frames.close()
        else:
            self._set_health(well=True)

    def _set_health(self, *, well: bool, reason: str = "") -> None:
        if well != self.healthy:
            self._meter.healthy(self.name, well=well)
            if reason:
                _log.error("asterisk unhealthy", node=self.name, reason=reason)
            elif well:
                _log.info("asterisk healthy", node=self.name)
        self.healthy = well

    def _sentence(self, refused: RequestRefusedError) -> str:
        """Return what is wrong, and where to look."""
        if isinstance(refused, wire.AnsweredError):
            advice = ADVICE.get(refused.status, "refused: {detail}")
            about = advice.format(user=repr(self.node.username), detail=refused.detail)
            return f"{self.node.origin} {about}"
        return f"{self.node.origin} cannot be reached: {refused.detail}"
