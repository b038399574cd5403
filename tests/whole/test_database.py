"""PostgreSQL stopped, killed and started again under real calls: they notice nothing, and no event is lost or doubled."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ivrengine.store.embedded import EmbeddedPostgres
from tests.sip import hearing
from tests.whole import records
from tests.whole.engine import Engine, open_folder, running
from tests.whole.people import HOUSE, dial, prompt

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

AT_ONCE: Final = 4


class Server:
    """A PostgreSQL that is not the engine's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._postgres = EmbeddedPostgres(folder)
        self.url = asyncio.run(self.start())

    async def start(self) -> str:
        return await self._postgres.start()

    async def stop(self) -> None:
        await self._postgres.stop()


@pytest.fixture
def server() -> Iterator[Server]:
    with open_folder() as folder:
        server = Server(folder)
        yield server
        asyncio.run(server.stop())


@pytest.fixture
def elsewhere(server: Server) -> Iterator[Engine]:
    with running(database_url=server.url) as engine:
        yield engine


async def _call() -> None:
    """Hear the menu begin, press a key, hear the farewell, be hung up on."""
    async with dial(HOUSE, keys="info") as call:
        await call.answered()
        await call.press("2739#5")
        await call.hung_up()
        assert hearing.match(prompt("house-farewell"), call.heard()).whole


async def _calls() -> None:
    await asyncio.gather(*(_call() for _ in range(AT_ONCE)))


async def _assert_all_is_there(engine: Engine, calls: int, url: str | None = None) -> None:
    found = await records.shipped(engine.data, calls, url)
    assert not records.disagreements(engine.data, found)
    assert {call.outcome for call in found.calls.values()} == {"completed"}
    assert len(found.calls) == calls


async def test_a_database_elsewhere_is_stopped_under_calls_and_started_again(
    server: Server, elsewhere: Engine
) -> None:
    async with dial(HOUSE) as held:
        await held.answered()
        await elsewhere.said("shipping")
        await server.stop()
        await _calls()
        interrupted = await elsewhere.said("shipping interrupted")
        assert interrupted["reason"].endswith("the connection was cut")
        await server.start()
        await elsewhere.said("shipping again")
        await _calls()
        await held.press("5")
        await held.hung_up()
    await _assert_all_is_there(elsewhere, 2 * AT_ONCE + 1, server.url)
    assert len(elsewhere.lines("shipping interrupted")) == 1, "said once, not at each try"


async def test_the_engine_s_own_database_is_killed_under_calls_and_comes_back(
    house: Engine,
) -> None:
    async with dial(HOUSE) as held:
        await held.answered()
        await house.said("shipping")
        pid = house.postgres_pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await _calls()
        await house.said("shipping again")
        assert house.postgres_pid != pid
        await held.press("5")
        await held.hung_up()
    await _assert_all_is_there(house, AT_ONCE + 1)
