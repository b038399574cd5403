"""The cable between the engine and the HTTP port of an Asterisk, to be cut and mended."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from tests.sip.message import Address

_PIECE: Final = 65_536


class Cable:
    """Listens on a port of its own and passes on what comes, both ways, as long as it is whole."""

    def __init__(self, to: Address) -> None:
        self._to = to
        self._server: asyncio.Server | None = None
        self._ends: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.asked = 0
        """How many pieces came from our end: requests, as each is one piece."""
        self._carrying: set[asyncio.Task[None]] = set()

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

    async def mend(self) -> None:
        """Let connections through (again)."""
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for end in self._ends:
            end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrying = asyncio.current_task()
        assert carrying is not None
        self._carrying.add(carrying)
        carrying.add_done_callback(self._carrying.discard)
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._ends |= {writer, far_writer}
        there = asyncio.ensure_future(self._pass_on(reader, far_writer, asks=True))
        back = asyncio.ensure_future(self._pass_on(far_reader, writer))
        await asyncio.wait([there, back])
        self._ends -= {writer, far_writer}

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asks: bool = False
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(_PIECE):
                self.asked += asks
                writer.write(piece)
                await writer.drain()
        writer.transport.abort()
