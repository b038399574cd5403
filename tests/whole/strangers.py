"""Servers that are not what an engine hopes to find at an address, each counting who knocks."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

_CLEARTEXT_PASSWORD: Final = struct.pack("!cII", b"R", 8, 3)
"""AuthenticationCleartextPassword of PostgreSQL's protocol."""


class Stranger:
    """A server on the loopback that says to everyone what it has to say."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.knocks = 0
        self.port = 0

    @classmethod
    @contextlib.asynccontextmanager
    async def opens(cls, talk: Talk) -> AsyncIterator["Stranger"]:
        stranger = cls(talk)
        server = await asyncio.start_server(stranger._answer, "127.0.0.1", 0)
        stranger.port = server.sockets[0].getsockname()[1]
        try:
            yield stranger
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.knocks += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever knocked has seen enough
        finally:
            writer.close()


async def web_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be somebody's web server: a page for whatever is asked."""
    await reader.readuntil(b"\r\n\r\n")
    page = b"<html><body>It works!</body></html>"
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\n\r\n"
    writer.write(head.encode() + page)
    await writer.drain()


async def web_page_not_found(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be somebody's web server, without a page for us."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


async def secure_shell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Speak first, and not HTTP."""
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    await reader.read(-1)


async def silence(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Take the connection, and never say a word."""
    await reader.read(-1)


async def postgres_with_another_password(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Ask for a password, and find it wrong."""
    (size,) = struct.unpack("!I", await reader.readexactly(4))
    (code,) = struct.unpack("!I", (await reader.readexactly(size - 4))[:4])
    if code == 80877103:  # SSLRequest: no, and the real beginning comes
        writer.write(b"N")
        (size,) = struct.unpack("!I", await reader.readexactly(4))
        await reader.readexactly(size - 4)
    writer.write(_CLEARTEXT_PASSWORD)
    _, size = struct.unpack("!cI", await reader.readexactly(5))
    await reader.readexactly(size - 4)
    fields = b"SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user\0\0"
    writer.write(struct.pack("!cI", b"E", len(fields) + 4) + fields)
    await writer.drain()
