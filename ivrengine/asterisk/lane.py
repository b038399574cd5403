"""Requests over event sockets: a quarter of what they cost over HTTP.

Asterisk (20.14, 21.9, 22.4 and later) runs the requests of one socket one after another, and one that waits holds up those
behind it. So each kind of command has its way: what Asterisk does at once goes over the socket of the events, answering over
a second one that nothing else uses, and what may wait long for its channel over HTTP.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

import msgspec

PROOF_LIMIT_S: Final = 2.0
"""The first answer takes a millisecond; without one by then, answers do not come this way (an event filter without them)."""
MOVE_AFTER_S: Final = 1.0
"""An answer takes 2 ms, under a load that Asterisk hardly bears 500; the caller hears the ringing tone meanwhile."""


class Way(Enum):
    """How a request gets to Asterisk, while the sockets can be used; all go over HTTP when they cannot."""

    EVENTS = "over the event socket"
    SECOND = "over the second socket, and over HTTP if that is held up"
    HTTP = "over HTTP"


WAYS: Final = {
    "channels.answer": Way.SECOND,
    "channels.hangup": Way.EVENTS,
    "channels.playWithId": Way.EVENTS,
    "channels.startMoh": Way.EVENTS,
    "channels.stopMoh": Way.EVENTS,
    "playbacks.stop": Way.EVENTS,
}
"""By operation, others over HTTP. ``EVENTS``: Asterisk queues them for the channel and answers at once. ``SECOND``: it waits for
the channel's thread, which mostly is idle then; done twice they do no harm, so they can be moved."""


ROOT: Final = "/ari/"


class LostError(Exception):
    """No answer came over the socket; the request may have been done, and if it only came too late it still may be."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__("no answer over the event socket")
        self.timed_out = timed_out


class Response(msgspec.Struct):
    """A frame that answers a request of ours."""

    request_id: str
    status_code: int
    message_body: str = ""


class _Request(msgspec.Struct, tag="RESTRequest", tag_field="type"):
    transaction_id: str
    request_id: str
    method: str
    uri: str


_encoder: Final = msgspec.json.Encoder()


class Lane:
    """The requests of one event socket; not to be used before ``prove`` has shown that answers come."""

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self.proved = False
        self.held_up = False
        """Whether an answer is overdue: Asterisk is then still at that request, and comes to no later one."""
        self._send = send
        self._waiting: dict[str, asyncio.Future[Response]] = {}
        self._asked = 0

    async def prove(self) -> bool:
        """Ask something harmless, and tell whether the answer came."""
        try:
            answer = await self.ask("GET", "/ari/asterisk/ping", PROOF_LIMIT_S)
        except LostError:
            return False
        self.proved = answer.status_code == HTTPStatus.OK
        return self.proved

    async def ask(self, method: str, path: str, limit_s: float) -> Response:
        """Send a request and return its answer; raises ``LostError``."""
        self._asked += 1
        request_id = str(self._asked)
        request = _Request("", request_id, method, path.removeprefix(ROOT))
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Response] = loop.create_future()
        self._waiting[request_id] = answer
        # Not ``asyncio.timeout``: 5 µs of each request, and there is nothing to cancel but this future.
        limit = loop.call_later(limit_s, self._give_up, answer)
        try:
            await self._send(_encoder.encode(request).decode())
            return await answer
        except OSError:  # aiohttp: the socket is closing
            raise LostError(timed_out=False) from None
        finally:
            limit.cancel()
            del self._waiting[request_id]

    def hear(self, frame: Mapping[str, Any]) -> bool:
        """Take a frame that answers a request; return False if it is none that makes sense."""
        try:
            response = msgspec.convert(frame, Response)
        except msgspec.ValidationError:
            return False
        self.held_up = False
        waiting = self._waiting.get(response.request_id)
        if waiting is not None and not waiting.done():  # else it came after its limit
            waiting.set_result(response)
        return True

    def close(self) -> None:
        """Let everybody who waits know that no answer will come."""
        self.proved = False
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(LostError(timed_out=False))

    def _give_up(self, answer: asyncio.Future[Response]) -> None:
        self.held_up = True
        if not answer.done():
            answer.set_exception(LostError(timed_out=True))
