"""The HTTP client that aioari is given: bounded, with time-outs, and with failures that say what can be done about them.

Asterisk closes connections beyond its ``sessionlimit`` (100 unless configured) without an answer, and idle ones after
15 s; aiohttp left alone opens 100, keeps them 15 s, and does not send a POST again that met such a close.
"""

import asyncio
import dataclasses
import secrets
import ssl
import urllib.parse
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import aiohttp
import msgspec
import structlog
import yarl

from ivrengine.asterisk import lane
from ivrengine.asterisk.frames import Frames
from ivrengine.asterisk.node import Node
from ivrengine.core.events import Failure
from ivrengine.core.switching import RequestRefusedError

CONNECTIONS_MAX: Final = 32
"""With the event socket well below Asterisk's default of 100; more than 32 at a time made no request faster."""
KEEP_ALIVE_S: Final = 10.0
"""Below the 15 s after which Asterisk closes an idle connection, lest a request meet that close."""
REQUEST_LIMIT_S: Final = 3.0
"""Waiting for a connection included; Asterisk answers in 1 ms, and a caller hears three seconds of silence as a fault."""
IN_FLIGHT_MAX: Final = 1_000
"""Requests on their way or waiting for a connection; Asterisk could not answer more of them within the limit."""
HEARTBEAT_S: Final = 8.0
"""Ping after so much silence; without a pong within half of it the event socket is dead (Asterisk itself never pings).

So a line that passes nothing on is noticed within 12 s; with 10 s here it was 15.8 s (trial 4 allows 15)."""
CLOSE_LIMIT_S: Final = 2.0
FRAME_BYTES_MAX: Final = 1 << 20
"""An event has 500 bytes, and can have some dozens of channel variables."""
DETAIL_MAX: Final = 160

_FAILURES: Final[Mapping[int, Failure]] = {
    HTTPStatus.UNAUTHORIZED: Failure.UNAVAILABLE,
    HTTPStatus.FORBIDDEN: Failure.UNAVAILABLE,
    HTTPStatus.NOT_FOUND: Failure.GONE,
    HTTPStatus.CONFLICT: Failure.NOT_READY,
    HTTPStatus.PRECONDITION_FAILED: Failure.NOT_READY,
    HTTPStatus.UNPROCESSABLE_ENTITY: Failure.NOT_READY,
    HTTPStatus.SERVICE_UNAVAILABLE: Failure.UNAVAILABLE,
}
"""Every other status is a refusal: Asterisk answers 400 or 500 with a reason and has done nothing."""
_OUTLIVED: Final = "409 Bridge not in Stasis application"
"""A bridge that was removed a moment ago: Asterisk still has its last snapshot (``find_bridge`` in res/ari/resource_bridges.c).

All bridges that we name are ours, so it can be no other.
"""
_log = structlog.get_logger(__name__)


class AnsweredError(RequestRefusedError):
    """Asterisk answered, and the answer was no."""

    def __init__(self, status: int, detail: str) -> None:
        failure = _FAILURES.get(status, Failure.REFUSED)
        super().__init__(Failure.GONE if detail == _OUTLIVED else failure, detail)
        self.status = status


class NoAnswerError(RequestRefusedError):
    """No answer came; ``sent`` says that the request may have been done, ``timed_out`` that it still may be."""

    def __init__(self, detail: str, *, sent: bool = False, timed_out: bool = False) -> None:
        super().__init__(Failure.UNAVAILABLE, detail)
        self.sent = sent
        self.timed_out = timed_out


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What aioari reads of an HTTP answer."""

    status: int
    body: str

    async def text(self) -> str:
        """Return the body; empty for a command, which spares aioari building objects that nobody looks at."""
        return self.body


class Wire:
    """All connections to one Asterisk: what aioari calls its ``http_client``."""

    def __init__(
        self, node: Node, *, opened: Callable[[Frames], None], garbled: Callable[[], None]
    ) -> None:
        self._origin = node.origin
        login = aiohttp.encode_basic_auth(node.username, node.password)
        self._headers = {"Authorization": login}
        self._opened = opened
        self._garbled = garbled
        self._session: aiohttp.ClientSession | None = None
        self._lanes: dict[lane.Way, lane.Lane] = {}
        self._in_flight = 0

    async def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        data: str | None = None,
    ) -> Answer:
        """Send what aioari asks for, and return the answer; errors as of ``send``."""
        return await self.send(method, path_of(url, params), headers=headers, data=data)

    async def send(
        self,
        method: str,
        path: str,
        *,
        way: lane.Way = lane.Way.HTTP,
        headers: Mapping[str, str] | None = None,
        data: str | None = None,
    ) -> Answer:
        """Send a request and return its answer, or raise ``AnsweredError`` or ``NoAnswerError``.

        ``path`` is encoded and has the query. What can be sent twice without doing anything twice (GET, DELETE) is, when no
        answer came. Who sends a POST must find out first whether it was done.
        """
        try:
            return await self._once(method, path, way, headers, data)
        except NoAnswerError as lost:
            if not lost.sent or method not in {"GET", "DELETE"}:
                raise
        try:
            return await self._once(method, path, way, headers, data)
        except AnsweredError as refused:
            if method == "DELETE" and refused.status == HTTPStatus.NOT_FOUND:
                return Answer(HTTPStatus.NO_CONTENT, "")  # The first one was done after all.
            raise

    async def ws_connect(self, url: str, params: Mapping[str, str]) -> Frames:
        """Open the event socket of one application.

        Never of all (``subscribeAll``): closing such a socket deadlocks ARI (asterisk issue 2170).
        """
        if params.keys() != {"app"}:
            raise ValueError(f"an event socket takes one parameter, app, not {sorted(params)}")
        frames = await self._socket(path_of(url, params), CLOSE_LIMIT_S)
        self._lanes[lane.Way.EVENTS] = frames.lane
        self._opened(frames)
        return frames

    async def keep_second(self, application: str) -> None:
        """Open the second socket and use it until it closes; raises ``AnsweredError`` or ``NoAnswerError``.

        An application that nothing is told to: what matters is that its requests are run by a thread of their own.
        """
        name = f"{application}-lane-{secrets.token_hex(4)}"  # one name has one socket
        # Closed without politeness: that the link is down must be told at once.
        frames = await self._socket(f"/ari/events?app={name}", 0.01)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(frames.read_answers())
                if await frames.lane.prove():
                    self._lanes[lane.Way.SECOND] = frames.lane
                else:
                    await frames.close()
        finally:
            await frames.close()

    async def _socket(self, path: str, close_limit_s: float) -> Frames:
        try:
            socket = await self._open().ws_connect(
                yarl.URL(self._origin + path, encoded=True),
                heartbeat=HEARTBEAT_S,
                max_msg_size=FRAME_BYTES_MAX,
                timeout=aiohttp.ClientWSTimeout(ws_close=close_limit_s),
            )
        except aiohttp.WSServerHandshakeError as error:
            raise AnsweredError(error.status, "Asterisk refused the event socket") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _no_answer(error) from error
        return Frames(socket, self._garbled)

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _once(
        self,
        method: str,
        path: str,
        way: lane.Way,
        headers: Mapping[str, str] | None,
        data: str | None,
    ) -> Answer:
        if self._in_flight >= IN_FLIGHT_MAX:
            raise NoAnswerError(f"{IN_FLIGHT_MAX} requests wait for this Asterisk already")
        self._in_flight += 1
        try:
            socket = self._lanes.get(way)
            if socket is None or not socket.proved:
                status, body = await self._over_http(method, path, headers, data)
            elif way is lane.Way.EVENTS:
                status, body = await self._over_events(socket, method, path)
            else:
                status, body = await self._over_second(socket, method, path)
        finally:
            self._in_flight -= 1
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise AnsweredError(status, f"{status} {_reason(body)}".rstrip())
        return Answer(status, body if method == "GET" else "")

    async def _over_events(self, socket: lane.Lane, method: str, path: str) -> tuple[int, str]:
        try:
            answer = await socket.ask(method, path, REQUEST_LIMIT_S)
        except lane.LostError as lost:
            raise NoAnswerError(str(lost), sent=True, timed_out=lost.timed_out) from None
        return answer.status_code, answer.message_body

    async def _over_second(self, socket: lane.Lane, method: str, path: str) -> tuple[int, str]:
        if not socket.held_up:
            try:
                answer = await socket.ask(method, path, lane.MOVE_AFTER_S)
            except lane.LostError:
                pass  # counted as one request, by its outcome over HTTP
            else:
                return answer.status_code, answer.message_body
        return await self._over_http(method, path, None, None)

    async def _over_http(
        self, method: str, path: str, headers: Mapping[str, str] | None, data: str | None
    ) -> tuple[int, str]:
        try:
            async with self._open().request(
                method,
                yarl.URL(self._origin + path, encoded=True),
                headers=headers,
                data=data,
                allow_redirects=False,
            ) as response:
                return response.status, await response.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _no_answer(error) from error

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS_MAX, keepalive_timeout=KEEP_ALIVE_S
                ),
                headers=self._headers,
                timeout=aiohttp.ClientTimeout(total=REQUEST_LIMIT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            # Else aiohttp repeats a DELETE by itself, and what was done the first time looks as if it had been gone.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session


def path_of(url: str, params: Mapping[str, object] | None = None) -> str:
    """Return the path and encoded query behind host and port: those are the settings', whatever Asterisk says of itself.

    aioari takes them from there as if no proxy was, and does not encode the query of the event socket.
    """
    path = url.partition("://")[2].partition("/")[2]
    return f"/{path}?{urllib.parse.urlencode(params)}" if params else f"/{path}"


class _Refusal(msgspec.Struct):
    """The body of an ARI error: one of both, as the place in Asterisk has it."""

    message: str = ""
    error: str = ""


_REFUSAL: Final = msgspec.json.Decoder(_Refusal)


def _reason(body: str) -> str:
    """Return Asterisk's own words for the log; they name channels and recordings, never numbers."""
    try:
        refusal = _REFUSAL.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return ""
    words = (refusal.message or refusal.error)[:DETAIL_MAX]
    return "".join(letter if letter.isprintable() else "?" for letter in words)


_NOT_SENT: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ClientConnectorDNSError, "its host name cannot be resolved"),
    (aiohttp.ClientSSLError, "it does not speak TLS with us"),
    (aiohttp.ClientConnectorError, "nothing listens there"),
    (aiohttp.ConnectionTimeoutError, "no connection in time"),
)
"""Failures before anything was sent; order matters, the narrow classes come first."""


_CERTIFICATES: Final[Mapping[int, str]] = {
    9: "is not valid yet; is the clock right?",
    10: "has expired",
    18: "is signed by nobody whom this machine trusts",
    19: "is signed by nobody whom this machine trusts",
    20: "is signed by nobody whom this machine trusts",
    62: "is for another name",
    64: "is for another address",
}
"""What can be wrong with a TLS certificate, by OpenSSL's numbers (x509_vfy.h)."""


def _certificate_words(error: Exception) -> str:
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    return f"its TLS certificate {_CERTIFICATES.get(code, 'is not valid')}"


def _no_answer(error: Exception) -> NoAnswerError:
    """Return what went wrong on the way, in words."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return NoAnswerError(_certificate_words(error.certificate_error))
    for kind, words in _NOT_SENT:
        if isinstance(error, kind):
            return NoAnswerError(words)
    match error:
        case TimeoutError():
            words = f"no answer within {REQUEST_LIMIT_S:g} s"
            return NoAnswerError(words, sent=True, timed_out=True)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return NoAnswerError("the connection was closed without an answer", sent=True)
        case _:
            # Not by the exception's class: one trouble shows itself as several, and would be told several times.
            return NoAnswerError("what came was no HTTP answer", sent=True)
