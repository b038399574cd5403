"""One connection to the manager interface (AMI) of an Asterisk; the only module that speaks it, through panoramisk.

Of panoramisk we take the protocol, the actions and the messages. Its ``Manager`` stays out: it connects again by itself, even
after ``close()``, sends unanswered actions again on the next connection, and runs callbacks as tasks that nobody waits for.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from ivrengine.asterisk import ami_frames, wire
from ivrengine.asterisk.node import AmiAccess
from ivrengine.core.events import Failure
from ivrengine.core.switching import RequestRefusedError

CONNECT_LIMIT_S: Final = 5.0
"""TCP, TLS and the first line; an Asterisk that needs longer is not to be waited for."""
ANSWER_LIMIT_S: Final = 5.0
"""From an action to the whole of its answer; a list of 200 callers takes milliseconds."""
ANSWERS_MAX: Final = 4_096
"""Messages of one answer: the fallback queue holds 200 callers and some agents."""
BANNER_BYTES_MAX: Final = 128
BANNER: Final = b"Asterisk Call Manager/"
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"

Said = Mapping[str, str]
"""One message: names in small letters, values printable; of a name that came twice the first counts, which Asterisk wrote."""

# panoramisk logs a whole action when it cannot be sent, the secret of a log-in included.
_mute: Final = logging.getLogger("panoramisk.mute")
_mute.disabled = True


class NotAmiError(Exception):
    """What listens there is no manager interface; the message is the end of a sentence that begins with its address."""


class _Protocol(AMIProtocol):  # type: ignore[misc]  # panoramisk ships no types
    """panoramisk's protocol with bounds, and without its reconnection."""

    encoding = "latin-1"

    def __init__(self, hear: Callable[[Said], None], dropped: Callable[[str], None]) -> None:
        loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = loop.create_future()
        self.greeted: asyncio.Future[bool] = loop.create_future()
        self._hear = hear
        self._dropped = dropped
        self._frames = ami_frames.Frames()
        self._banner = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.log = _mute

    def data_received(self, data: bytes) -> None:
        """Take the next bytes; nothing that they hold may raise here."""
        if not self.greeted.done():
            data = self._greet(data)
        for message in self._frames.feed(data):
            if isinstance(message, ami_frames.TooLong):
                self._dropped("too long")
            else:
                self._take(Message.from_line(message.strip()))

    def _greet(self, data: bytes) -> bytes:
        """Look at the first line, before any secret is sent; return what is behind it."""
        self._banner += data
        line, end, rest = self._banner.partition(b"\r\n")
        if end and line.startswith(BANNER) and len(line) <= BANNER_BYTES_MAX:
            self.greeted.set_result(True)
            return rest
        if end or not BANNER.startswith(line[: len(BANNER)]) or len(line) > BANNER_BYTES_MAX:
            self.greeted.set_result(False)
        return b""

    def _take(self, message: Message | None) -> None:
        """Give an answer to who asked, and an event to who listens."""
        if message is None:
            self._dropped("not an event")
            return
        said = _plain(message)
        action = self.responses.get(said.get("actionid"))
        if action is not None and len(action.responses) < ANSWERS_MAX:
            if action.add_message(Message(said)):
                self.forget(action)
        elif action is not None:
            self.close()
        elif "event" in said:
            self._hear(said)

    def forget(self, action: Action) -> None:
        """Expect no (more) answers to an action."""
        self.responses.pop(action.id, None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Say so; panoramisk would connect again from here, asked to or not."""
        self.close()
        if not self.lost.done():
            self.lost.set_result(None)
        if not self.greeted.done():
            self.greeted.set_result(False)


class Ami:
    """A manager interface that answers; made by ``connected``."""

    def __init__(self, protocol: _Protocol) -> None:
        self._protocol = protocol

    @property
    def lost(self) -> "asyncio.Future[None]":
        """Done when the connection has ended, whoever ended it."""
        return self._protocol.lost

    def close(self) -> None:
        """End the connection; nothing opens it again."""
        self._protocol.close()

    async def ask(self, action: str, /, **fields: str) -> Sequence[Said]:
        """Send an action; return all messages of its answer, the first of which has ``response``.

        Raises ``RefusedError`` if Asterisk says no, ``NoAnswerError`` if it says nothing, and ``ValueError`` for a control
        character in a value: behind a line's end it would be a header, or an action, of its own.
        """
        for value in fields.values():
            if not value.isprintable():
                raise ValueError(f"a value of the action {action} has a control character in it")
        if self._protocol.closed or self._protocol.lost.done():
            raise wire.NoAnswerError("the connection is closed")
        utf_8 = {name: value.encode().decode("latin-1") for name, value in fields.items()}
        asked = Action({"Action": action, **utf_8})
        answer = await self._answer(asked)
        said = [dict(each) for each in (answer if isinstance(answer, list) else [answer])]
        if said[0].get("response") != "Success":
            raise RefusedError(said[0].get("message", "no reason given"))
        return said

    async def _answer(self, asked: Action) -> Message | list[Message]:
        # None: whether a list follows is seen from the first answer.
        answer: asyncio.Future[Message | list[Message]] = self._protocol.send(asked, as_list=None)
        lost = self._protocol.lost
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                await asyncio.wait((answer, lost), return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            raise wire.NoAnswerError(
                f"no answer within {ANSWER_LIMIT_S:g} s", sent=True, timed_out=True
            ) from None
        finally:
            self._protocol.forget(asked)
        if not answer.done():
            raise wire.NoAnswerError("the connection broke off", sent=True)
        return answer.result()


class RefusedError(RequestRefusedError):
    """Asterisk answered an action with ``Error``."""

    def __init__(self, detail: str) -> None:
        super().__init__(Failure.REFUSED, detail)


@contextlib.asynccontextmanager
async def connected(
    access: AmiAccess, *, hear: Callable[[Said], None], dropped: Callable[[str], None]
) -> AsyncIterator[Ami]:
    """Connect within the block, without logging in: ``hear`` gets every event, ``dropped`` a reason for what was none.

    Raises ``OSError`` (``ssl.SSLError`` is one), ``TimeoutError`` or ``NotAmiError``. Neither callback may raise.
    """
    context = None
    if access.tls:
        context = await asyncio.to_thread(ssl.create_default_context, cafile=access.ca_file)
    async with asyncio.timeout(CONNECT_LIMIT_S):
        transport, protocol = await asyncio.get_running_loop().create_connection(
            lambda: _Protocol(hear, dropped), access.host, access.port, ssl=context
        )
    try:
        await _greeted(protocol)
        yield Ami(protocol)
    finally:
        transport.abort()


async def _greeted(protocol: _Protocol) -> None:
    try:
        async with asyncio.timeout(CONNECT_LIMIT_S):
            if await protocol.greeted:
                return
    except TimeoutError:
        raise NotAmiError("takes connections and says nothing: is it AMI, without TLS?") from None
    if protocol.lost.done():
        raise NotAmiError("closes connections at once: too many of them, or no AMI")
    raise NotAmiError("answers, but not as AMI does")


def _plain(message: Mapping[str, object]) -> Said:
    """Return names in small letters and values as people may see them: UTF-8 where it is, and no control character."""
    return {
        _clean(name).lower(): _clean(value[0] if isinstance(value, list) else str(value))
        for name, value in message.items()
    }


def _clean(text: str) -> str:
    if not text.isascii():
        # What panoramisk has unquoted (``Result``) may hold letters beyond latin-1.
        text = text.encode("latin-1", "replace").decode("utf-8", "replace")
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else _REPLACEMENT for letter in text)
