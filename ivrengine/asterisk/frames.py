"""An event socket, frame by frame: events to whom they are for, answers to requests to their lane, and a plain end."""

from collections.abc import Callable
from typing import Any, Final

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


class Frames:
    """An event socket, and the requests that go over it."""

    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse, garbled: Callable[[], None]
    ) -> None:
        self.lane = lane.Lane(socket.send_str)
        self._socket = socket
        self._garbled = garbled
        self._stopped = False

    def stop(self) -> None:
        """Take no further frame."""
        self._stopped = True

    async def read(self, hear: Callable[[dict[str, Any]], None]) -> None:
        """Give every event to ``hear``, which does not raise, until the socket closes.

        aioari's own loop would decode each frame by the standard library (four times the cost), would log one that is no
        event with all that is in it, numbers and digits included, and would stop at one that is not JSON.
        """
        while not self._stopped:
            message = await self._socket.receive()
            if message.type in _LAST_FRAMES:
                break
            frame = _object(message.data) if message.type is aiohttp.WSMsgType.TEXT else {}
            kind = frame.get("type")
            if isinstance(kind, str) and kind != ANSWER:
                hear(frame)
            elif kind != ANSWER or not self.lane.hear(frame):
                self._garbled()
        self.lane.close()

    async def read_answers(self) -> None:
        """Read until the end, for a socket of which nobody wants the events."""
        await self.read(lambda _: None)

    async def close(self) -> None:
        """Close the socket; closing it twice is no mistake."""
        self.lane.close()
        await self._socket.close()


_decoder: Final = msgspec.json.Decoder()


def _object(frame: str) -> dict[str, Any]:
    """Return the JSON object of a frame; an empty one if it is none."""
    try:
        found = _decoder.decode(frame)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return {}
    return found if isinstance(found, dict) else {}
