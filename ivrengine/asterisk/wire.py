"""The HTTP client that aioari is given: bounded, with time-outs, and with failures that say what can be done about them.

Asterisk closes connections beyond its ``sessionlimit`` (100 unless configured) without an answer, and idle ones after
15 s; aiohttp left alone opens 100, keeps them 15 s, and does not send a POST again that met such a close.
"""

import dataclasses
import urllib.parse
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final

import aiohttp
import msgspec
import yarl

from ivrengine.asterisk import lane
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
HEARTBEAT_S: Final = 10.0
"""Ping after so much silence; without a pong within half of it the event socket is dead (Asterisk itself never pings)."""
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
_LAST_FRAMES: Final = frozenset(
    {
        aiohttp.WSMsgType.CLOSE,
        aiohttp.WSMsgType.CLOSING,
        aiohttp.WSMsgType.CLOSED,
        aiohttp.WSMsgType.ERROR,
    }
)
_CLOSED: Final = aiohttp.WSMessage(aiohttp.WSMsgType.CLOSED, None, None)


ANSWER: Final = "RESTResponse"
"""The type of a frame that answers a request sent over the event socket."""


class AnsweredError(RequestRefusedError):
    """Asterisk answered, and the answer was no."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(_FAILURES.get(status, Failure.REFUSED), detail)
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


class Frames:
    """An event socket that gives aioari only frames that are events, and tells it plainly when it is closed."""

    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse, garbled: Callable[[], None]
    ) -> None:
        self.lane = lane.Lane(socket.send_str)
        self._socket = socket
        self._garbled = garbled
        self._stopped = False

    def stop(self) -> None:
        """Let the next ``receive`` say that the socket is closed."""
        self._stopped = True

    async def receive(self) -> aiohttp.WSMessage:
        """Return the next frame that is an event, or the end.

        aioari would log a frame that is none with all that is in it, numbers and digits included, and would stop at one
        that is not JSON.
        """
        while not self._stopped:
            message = await self._socket.receive()
            if message.type in _LAST_FRAMES:
                break
            kind = _kind(message.data) if message.type is aiohttp.WSMsgType.TEXT else None
            if kind == ANSWER:
                kind = kind if self.lane.hear(message.data) else None
            elif kind is not None:
                return message
            if kind is None:
                self._garbled()
        self.lane.close()
        return _CLOSED

    async def close(self) -> None:
        """Close the socket; closing it twice is no mistake."""
        self.lane.close()
        await self._socket.close()


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
        self._frames: Frames | None = None
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
        quick: bool = False,
        headers: Mapping[str, str] | None = None,
        data: str | None = None,
    ) -> Answer:
        """Send a request and return its answer, or raise ``AnsweredError`` or ``NoAnswerError``.

        ``path`` is encoded and has the query; a ``quick`` request may go over the event socket. What can be sent twice without
        doing anything twice (GET, DELETE) is, when no answer came. Who sends a POST must find out first whether it was done.
        """
        try:
            return await self._once(method, path, quick, headers, data)
        except NoAnswerError as lost:
            if not lost.sent or method not in {"GET", "DELETE"}:
                raise
        try:
            return await self._once(method, path, quick, headers, data)
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
        target = yarl.URL(self._origin + path_of(url, params), encoded=True)
        try:
            socket = await self._open().ws_connect(
                target,
                heartbeat=HEARTBEAT_S,
                max_msg_size=FRAME_BYTES_MAX,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_LIMIT_S),
            )
        except aiohttp.WSServerHandshakeError as error:
            raise AnsweredError(error.status, "Asterisk refused the event socket") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _no_answer(error) from error
        frames = self._frames = Frames(socket, self._garbled)
        self._opened(frames)
        return frames

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _once(
        self,
        method: str,
        path: str,
        quick: bool,  # noqa: FBT001 - keywords cost time here
        headers: Mapping[str, str] | None,
        data: str | None,
    ) -> Answer:
        if self._in_flight >= IN_FLIGHT_MAX:
            raise NoAnswerError(f"{IN_FLIGHT_MAX} requests wait for this Asterisk already")
        self._in_flight += 1
        try:
            if quick and self._frames is not None and self._frames.lane.proved:
                status, body = await self._over_socket(self._frames.lane, method, path)
            else:
                status, body = await self._over_http(method, path, headers, data)
        finally:
            self._in_flight -= 1
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise AnsweredError(status, f"{status} {_reason(body)}".rstrip())
        return Answer(status, body if method == "GET" else "")

    async def _over_socket(self, way: lane.Lane, method: str, path: str) -> tuple[int, str]:
        try:
            answer = await way.ask(method, path, REQUEST_LIMIT_S)
        except lane.LostError as lost:
            raise NoAnswerError(str(lost), sent=True, timed_out=lost.timed_out) from None
        return answer.status_code, answer.message_body

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


class _Event(msgspec.Struct):
    """The least that makes a frame an event."""

    type: str


_EVENT: Final = msgspec.json.Decoder(_Event)


def _kind(frame: str) -> str | None:
    """Return the type of an event, or of an answer; None for what is neither."""
    try:
        return _EVENT.decode(frame).type
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return None


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
    (aiohttp.ClientConnectorCertificateError, "its TLS certificate is not valid"),
    (aiohttp.ClientSSLError, "it does not speak TLS with us"),
    (aiohttp.ClientConnectorError, "nothing listens there"),
    (aiohttp.ConnectionTimeoutError, "no connection in time"),
)
"""Failures before anything was sent; order matters, the narrow classes come first."""


def _no_answer(error: Exception) -> NoAnswerError:
    """Return what went wrong on the way, in words."""
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
