"""A telephone line: one UDP port that speaks SIP, with the transactions of RFC 3261 (section 17) over it.

Datagrams get lost even on the loopback of a busy machine, so requests and final responses are repeated until answered.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final, Protocol, Self, cast

from tests.sip.message import Address, Headers, MalformedMessageError, Message, parse, render

T1_S: Final = 0.5
_REPEATS: Final = 5
"""0.5, 1, 2, 4, 4 s: longer than any test waits."""
_REMEMBERED: Final = 64
"""Responses kept for requests that come again; a line has few transactions at a time."""


class NoAnswerError(Exception):
    """A request was repeated until the end of patience and never answered."""


class Repeated:
    """A datagram that is sent again, at growing intervals, until stopped."""

    def __init__(self, line: "Line", data: bytes, to: Address, gave_up: Callable[[], None]) -> None:
        self._line, self._data, self._to, self._gave_up = line, data, to, gave_up
        self._left, self._interval_s = _REPEATS, T1_S
        self._timer: asyncio.TimerHandle | None = None
        self._send()

    def _send(self) -> None:
        if self._left == 0:
            self._timer = None
            self._gave_up()
            return
        self._line.send(self._data, self._to)
        self._left -= 1
        self._timer = asyncio.get_running_loop().call_later(self._interval_s, self._send)
        self._interval_s = min(2 * self._interval_s, 8 * T1_S)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Transaction:
    """A request of ours on its way, and the responses to it."""

    def __init__(self, line: "Line", request: Message, data: bytes, to: Address) -> None:
        self.request = request
        self.to = to
        self._responses: asyncio.Queue[Message | None] = asyncio.Queue()
        self._repeated = Repeated(line, data, to, lambda: self._responses.put_nowait(None))

    def hear(self, response: Message) -> None:
        # An INVITE is not repeated once anything came; other requests until their final response.
        if response.status >= 200 or self.request.method == "INVITE":
            self._repeated.stop()
        self._responses.put_nowait(response)

    async def response(self) -> Message:
        """Return the next response, provisional or final."""
        response = await self._responses.get()
        if response is None:
            raise NoAnswerError(f"nobody answered {self.request.start}")
        return response

    async def final(self) -> Message:
        while True:
            response = await self.response()
            if response.status >= 200:
                return response

    def stop(self) -> None:
        self._repeated.stop()


class Answering(Protocol):
    """Who takes the requests that come in."""

    def request_came(self, request: Message, source: Address) -> None: ...

    def final_again(self, response: Message, source: Address) -> None:
        """Acknowledge a final response to an INVITE, each time it comes."""
        ...


class Line(asyncio.DatagramProtocol):
    """The port, who answers on it, and the transactions under way."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering
        self._transport: asyncio.DatagramTransport | None = None
        self._ours: dict[tuple[str, str], Transaction] = {}
        self._answered: dict[tuple[str, str], bytes] = {}
        self.dead = False
        """Neither hears nor speaks: a telephone whose plug was pulled."""
        self.failure: Exception | None = None

    @classmethod
    async def open(cls, host: str, answering: Answering, *, port: int = 0) -> Self:
        line = cls(answering)
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: line, local_addr=(host, port))
        return line

    @property
    def address(self) -> Address:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")
        return host, port

    def close(self) -> None:
        for transaction in self._ours.values():
            transaction.stop()
        if self._transport is not None:
            self._transport.close()

    def send(self, data: bytes, to: Address) -> None:
        if self._transport is not None and not self._transport.is_closing() and not self.dead:
            self._transport.sendto(data, to)

    def request(
        self,
        method: str,
        uri: str,
        to: Address,
        headers: Headers,
        body: bytes = b"",
        *,
        branch: str | None = None,
    ) -> Transaction:
        """Send a request and repeat it until it is answered; ``branch`` is given by a CANCEL only."""
        host, port = self.address
        branch = branch or f"z9hG4bK{secrets.token_hex(8)}"
        via = f"SIP/2.0/UDP {host}:{port};rport;branch={branch}"
        data = render(
            f"{method} {uri} SIP/2.0", [("Via", via), ("Max-Forwards", "70"), *headers], body
        )
        transaction = Transaction(self, parse(data), data, to)
        self._ours[branch, method] = transaction
        return transaction

    def acknowledge(self, uri: str, to: Address, headers: Headers, *, branch: str | None) -> None:
        """Send an ACK: of a refusal with the branch of its INVITE, of an answer with one of its own."""
        host, port = self.address
        via = f"SIP/2.0/UDP {host}:{port};rport;branch={branch or 'z9hG4bK' + secrets.token_hex(8)}"
        self.send(
            render(f"ACK {uri} SIP/2.0", [("Via", via), ("Max-Forwards", "70"), *headers]), to
        )

    def answer(self, request: Message, response: bytes, to: Address) -> None:
        """Send a response, and again when the request comes again."""
        while len(self._answered) >= _REMEMBERED:
            del self._answered[next(iter(self._answered))]
        self._answered[request.branch, request.method] = response
        self.send(response, to)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is one without saying so.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.dead:
            return
        try:
            message = parse(data)
            if message.is_request:
                self._request_came(message, addr)
            else:
                self._response_came(message, addr)
        except MalformedMessageError as error:
            self.failure = error  # shown by whoever waits for the call and finds nothing

    def _request_came(self, request: Message, source: Address) -> None:
        again = self._answered.get((request.branch, request.method))
        if again is None or request.method == "ACK":
            self._answering.request_came(request, source)
        else:
            self.send(again, source)

    def _response_came(self, response: Message, source: Address) -> None:
        transaction = self._ours.get((response.branch, response.method))
        if transaction is None:
            return
        if response.method == "INVITE" and response.status >= 200:
            self._answering.final_again(response, source)
        transaction.hear(response)
