"""AMI in its plainest form: log in, send actions, keep the events."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from tests.live.access import Access

Packet = dict[str, str]


class Ami:
    """One AMI session as the engine's user."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._came = asyncio.Condition()
        self.packets: list[Packet] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, access: Access, secret: str | None = None) -> AsyncIterator["Ami"]:
        reader, writer = await asyncio.open_connection(*access.ami)
        ami = cls(reader, writer)
        await reader.readline()  # the banner
        reading = asyncio.ensure_future(ami._read())
        try:
            await ami.send("Login", Username="ivrengine", Secret=secret or access.ami_password)
            yield ami
        finally:
            reading.cancel()
            writer.close()

    async def _read(self) -> None:
        packet: Packet = {}
        while line := (await self._reader.readline()).decode("latin-1"):
            name, colon, value = line.strip().partition(":")
            if colon:
                packet[name] = value.strip()
            elif packet:
                async with self._came:
                    self.packets.append(packet)
                    self._came.notify_all()
                packet = {}

    async def send(self, action: str, **fields: str) -> None:
        lines = [f"Action: {action}", *(f"{name}: {value}" for name, value in fields.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        await self._writer.drain()

    async def packet(self, predicate: Callable[[Packet], bool], within_s: float = 15.0) -> Packet:
        """Return the first packet that satisfies the predicate, waiting for it if need be."""
        async with asyncio.timeout(within_s), self._came:
            while True:
                for packet in self.packets:
                    if predicate(packet):
                        return packet
                await self._came.wait()

    async def response(self, action_id: str, within_s: float = 15.0) -> Packet:
        return await self.packet(lambda each: each.get("ActionID") == action_id, within_s)

    async def event(self, name: str, within_s: float = 15.0) -> Packet:
        return await self.packet(lambda each: each.get("Event") == name, within_s)
