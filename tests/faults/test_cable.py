"""The cable of the fault trials does to a connection what it says, and nothing else."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from tests.faults.cable import Cable

pytestmark = pytest.mark.real_time


class End:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, cable: Cable) -> AsyncIterator["End"]:
        end = cls(*await asyncio.open_connection("127.0.0.1", cable.port))
        try:
            yield end
        finally:
            end.writer.transport.abort()

    async def asks(self, words: bytes = b"ping\n") -> bytes:
        self.writer.write(words)
        return await self.reads(len(words))

    async def reads(self, count: int) -> bytes:
        async with asyncio.timeout(2):
            return await self.reader.readexactly(count)

    async def hears_nothing(self, for_s: float = 0.1) -> bool:
        try:
            async with asyncio.timeout(for_s):
                await self.reader.read(1)
        except TimeoutError:
            return True
        return False


@contextlib.asynccontextmanager
async def echoing() -> AsyncIterator[Cable]:
    """Lay a cable to a server that says all back to whoever says it."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65_536):
                writer.write(piece)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        async with Cable.between(server.sockets[0].getsockname()) as cable:
            yield cable
    finally:
        server.close()


async def test_a_whole_cable_passes_all_on() -> None:
    async with echoing() as cable, End.of(cable) as end:
        assert await end.asks() == b"ping\n"
        much = bytes(range(256)) * 4096
        assert await end.asks(much) == much
        assert cable.passed == {"there": len(much) + 5, "back": len(much) + 5}
        assert (cable.laid, cable.open) == (1, 1)


async def test_an_end_is_passed_on_as_an_end() -> None:
    async with echoing() as cable, End.of(cable) as end:
        await end.asks()
        end.writer.write_eof()
        assert await end.reader.read() == b""


async def test_a_cut_is_a_reset_and_nobody_gets_through_until_it_is_mended() -> None:
    async with echoing() as cable, End.of(cable) as end:
        await end.asks()
        await cable.cut()
        with pytest.raises(ConnectionResetError):
            await end.reads(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", cable.port)
        await cable.mend()
        async with End.of(cable) as again:
            assert await again.asks() == b"ping\n"


async def test_closed_politely_a_connection_ends_without_a_reset() -> None:
    async with echoing() as cable, End.of(cable) as end:
        await end.asks()
        await cable.close()
        assert await end.reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", cable.port)


async def test_half_open_nothing_passes_and_nobody_is_told_until_it_is_mended() -> None:
    async with echoing() as cable, End.of(cable) as end:
        await end.asks()
        cable.hold()
        end.writer.write(b"pong\n")
        assert await end.hears_nothing()
        async with End.of(cable) as newcomer:
            newcomer.writer.write(b"x")
            assert await newcomer.hears_nothing()
        await cable.mend()
        assert await end.reads(5) == b"pong\n"


@pytest.mark.parametrize(("way", "reached"), [("there", 5), ("back", 10)])
async def test_half_open_one_way_the_other_passes(way: str, reached: int) -> None:
    async with echoing() as cable, End.of(cable) as end:
        await end.asks()
        cable.hold("there" if way == "there" else "back")
        end.writer.write(b"pong\n")
        assert await end.hears_nothing()
        assert cable.passed["there"] == reached
        assert cable.passed["back"] == 5


async def test_half_open_not_even_an_end_passes() -> None:
    async with echoing() as cable:
        async with End.of(cable) as end:
            await end.asks()
            cable.hold()
        async with End.of(cable) as newcomer:
            assert await newcomer.hears_nothing()
        assert cable.open == 2, "the far end still believes in both"
        await cable.mend()
        async with asyncio.timeout(2):
            while cable.open:
                await asyncio.sleep(0.01)


async def test_slow_each_piece_takes_its_time() -> None:
    async with echoing() as cable, End.of(cable) as end:
        await end.asks()
        cable.slow(0.1)
        began = time.monotonic()
        await end.asks()
        assert time.monotonic() - began > 0.19, "there and back"
        await cable.mend()
        assert await end.asks() == b"ping\n"


async def test_dropped_after_so_many_bytes_the_rest_never_comes() -> None:
    async with echoing() as cable, End.of(cable) as end:
        await end.asks()
        cable.drop_after(3)
        end.writer.write(b"12345")
        assert await end.reads(3) == b"123"
        with pytest.raises(ConnectionResetError):
            await end.reads(1)


async def test_refusing_keeps_who_is_connected() -> None:
    async with echoing() as cable, End.of(cable) as end:
        await end.asks()
        cable.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", cable.port)
        assert await end.asks() == b"ping\n"


async def test_with_nobody_at_the_far_end_a_connection_breaks_off() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    server.close()
    async with Cable.between(address) as cable, End.of(cable) as end:
        with pytest.raises(ConnectionResetError):
            await end.reads(1)
