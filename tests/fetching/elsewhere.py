"""Another system on loopback that answers whatever a test wants, byte by byte."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Elsewhere:
    """What was asked there, and what is answered: the first answer first, the last ever after."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.url = ""
        self.serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.current_task()
        assert serving is not None
        self.serving.add(serving)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            size = next(
                (
                    int(line[16:])
                    for line in head.split("\r\n")
                    if line.startswith("Content-Length")
                ),
                0,
            )
            self.asked.append(head + (await reader.readexactly(size)).decode())
            try:
                await (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])(writer)
            finally:
                self.serving.discard(serving)
                writer.transport.abort() if serving.cancelling() else writer.close()


def says(body: bytes | str, *, status: str = "200 OK", headers: str = "") -> Answer:
    content = body.encode() if isinstance(body, str) else body

    async def answer(writer: asyncio.StreamWriter) -> None:
        size = f"Content-Length: {len(content)}\r\n"
        writer.write(f"HTTP/1.1 {status}\r\n{size}{headers}Connection: close\r\n\r\n".encode())
        writer.write(content)
        await writer.drain()

    return answer


def sends(raw: bytes, *, then_s: float = 0.0) -> Answer:
    """Send these bytes and close the line, after a while."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        await asyncio.wait_for(asyncio.Event().wait(), then_s)

    return answer


async def endlessly(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"8000\r\n" + b"1" * 0x8000 + b"\r\n"
    while True:
        writer.write(chunk)
        await writer.drain()


@contextlib.asynccontextmanager
async def elsewhere(
    *answers: Answer, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Elsewhere]:
    found = Elsewhere(*answers)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    found.url = f"http{'' if tls is None else 's'}://127.0.0.1:{port}"
    async with server:
        yield found
        for serving in [*found.serving]:
            serving.cancel()
        for _ in range(20):
            await asyncio.sleep(0)  # until the loop has let go of the lines
