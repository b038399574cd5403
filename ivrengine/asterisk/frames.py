"""The event socket as aioari reads it: events only, answers to requests taken out, and a plain end."""

from collections.abc import Callable
from typing import Final

import aiohttp
import msgspec

from ivrengine.asterisk import lane

ANSWER: Final = "RESTResponse"
"""The type of a frame that answers a request sent over the event socket."""
_LAST_FRAMES: Final = frozenset(
    {
        aiohttp.WSMsgType.CLOSE,
        aiohttp.WSMsgType.CLOSING,
        aiohttp.WSMsgType.CLOSED,
        aiohttp.WSMsgType.ERROR,
    }
)
_CLOSED: Final = aiohttp.WSMessage(aiohttp.WSMsgType.CLOSED, None, None)


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

    async def read_answers(self) -> None:
        """Read until the end, for a socket of which nobody wants the events."""
        while (await self.receive()).type not in _LAST_FRAMES:
            pass

    async def close(self) -> None:
        """Close the socket; closing it twice is no mistake."""
        self.lane.close()
        await self._socket.close()


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
