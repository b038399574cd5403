"""A TCP cable that goes bad on command: laid between two ends of ours, it cuts, holds, slows and refuses as a test says.

async with Cable.between(("127.0.0.1", 8088)) as cable:
    ...  # whoever connects to cable.port reaches the far end
    await cable.cut()
    await cable.mend()

*There* is the way from whoever connects to the far end, *back* the way of the answers.
"""

import asyncio
import contextlib
import dataclasses
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Literal

Address = tuple[str, int] | Path
"""Host and port, or the path of a socket file."""
Way = Literal["there", "back"]
WAYS: Final[tuple[Way, Way]] = ("there", "back")
_PIECE: Final = 65_536


@dataclasses.dataclass(eq=False)
class _Pair:
    """One connection: both its ends, and what may still pass before it breaks."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    left: dict[Way, int]

    def abort(self) -> None:
        """Break it off: RST to both ends."""
        for end in (self.near, self.far):
            _reset(end)


def _reset(end: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN, and throw away what was not sent."""
    socket_of = end.get_extra_info("socket")
    if not end.transport.is_closing() and socket_of is not None:
        socket_of.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()


class Cable:
    """Listens on a port of its own and passes on what comes, both ways, as its state lets it."""

    def __init__(self, to: Address) -> None:
        self._to = to
        self._server: asyncio.Server | None = None
        self._pairs: set[_Pair] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._flows: dict[Way, asyncio.Event] = {way: asyncio.Event() for way in WAYS}
        self._delay_s = 0.0
        self._left: dict[Way, int] = {}
        self.port = 0
        self.asked = 0
        """How many pieces came from our end: requests, as each is one piece."""
        self.passed: dict[Way, int] = dict.fromkeys(WAYS, 0)
        """Bytes that reached their end."""
        self.laid = 0
        """How many connections were made through it."""

    @classmethod
    @contextlib.asynccontextmanager
    async def between(cls, to: Address) -> AsyncIterator["Cable"]:
        """Lay a cable to that address."""
        cable = cls(to)
        await cable.mend()
        try:
            yield cable
        finally:
            await cable.cut()
            await asyncio.gather(*cable._carrying)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    @property
    def open(self) -> int:
        """How many connections there are through it."""
        return len(self._pairs)

    async def mend(self) -> None:
        """Be whole (again): connections are let through, at once and without end; what was held goes on its way."""
        self._delay_s = 0.0
        self._left.clear()
        for pair in self._pairs:
            pair.left.clear()
        for flow in self._flows.values():
            flow.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    def refuse(self) -> None:
        """Let nobody connect any more; the connections that there are stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def cut(self) -> None:
        """Break all connections with RST, and refuse new ones."""
        self.refuse()
        for flow in self._flows.values():
            flow.set()  # whoever holds something must see that there is nobody left for it
        for pair in self._pairs:
            pair.abort()

    async def close(self) -> None:
        """End all connections with FIN at both ends, and refuse new ones."""
        self.refuse()
        for pair in tuple(self._pairs):
            pair.near.close()
            pair.far.close()

    def hold(self, *ways: Way) -> None:
        """Be half-open: nothing passes these ways (both, if none is named), not even an end; nobody is told.

        Connecting still works: what a network in between would swallow, the loopback's kernel answers.
        """
        for way in ways or WAYS:
            self._flows[way].clear()

    def slow(self, delay_s: float) -> None:
        """Let each piece wait so long before it passes, either way."""
        self._delay_s = delay_s

    def drop_after(self, count: int, way: Way = "back") -> None:
        """Break each connection off once so many more bytes have passed that way, in the middle of whatever it is."""
        self._left[way] = count
        for pair in self._pairs:
            pair.left[way] = count

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self._to, Path):
            return await asyncio.open_unix_connection(self._to)
        return await asyncio.open_connection(*self._to)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrying = asyncio.current_task()
        assert carrying is not None
        self._carrying.add(carrying)
        carrying.add_done_callback(self._carrying.discard)
        try:
            far_reader, far_writer = await self._reach()
        except (
            OSError
        ):  # there is nobody at the far end, and the near one finds out as it would without us
            _reset(writer)
            return
        self.laid += 1
        pair = _Pair(writer, far_writer, dict(self._left))
        self._pairs.add(pair)
        there = asyncio.ensure_future(self._pass_on(pair, reader, far_writer, "there"))
        back = asyncio.ensure_future(self._pass_on(pair, far_reader, writer, "back"))
        await asyncio.wait([there, back])
        self._pairs.discard(pair)

    async def _pass_on(
        self, pair: _Pair, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(_PIECE):
                self.asked += way == "there"
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._flows[way].wait()
                if not await self._let_through(pair, piece, writer, way):
                    pair.abort()
                    return
            await self._flows[way].wait()
        writer.close()

    async def _let_through(
        self, pair: _Pair, piece: bytes, writer: asyncio.StreamWriter, way: Way
    ) -> bool:
        """Pass a piece on, or what may still pass of it; tell whether the connection lives on."""
        left = pair.left.get(way)
        if left is not None:
            piece = piece[:left]
            pair.left[way] = left - len(piece)
        writer.write(piece)
        self.passed[way] += len(piece)
        await writer.drain()
        return pair.left.get(way) != 0
