"""PostgreSQL taken away from an engine under a stream of calls, or made slow, and what must come of it; at any size."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ivrengine.store import postmaster
from ivrengine.store.embedded import EmbeddedPostgres
from tests.faults.cable import Cable
from tests.faults.falls import Tell
from tests.faults.sipp import Group, Part
from tests.live.access import access
from tests.whole import people, records
from tests.whole.engine import Engine, open_folder
from tests.whole.people import HOUSE

SHORT: Final = Part(name="short", keys="5")
"""Hears the menu begin, presses a key, hears the farewell, is hung up on."""
LASTS_S: Final = 6.0
"""What such a call takes at most on a machine that has other things to do."""
CAUGHT_UP_WITHIN_S: Final = 60.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many calls come a second, and for how long."""

    per_s: int
    for_s: float

    @property
    def calls(self) -> int:
        """How many that makes."""
        return round(self.per_s * self.for_s)


class Server:
    """A PostgreSQL that is not the engine's own, behind a cable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._postgres = EmbeddedPostgres(folder)
        self.cable: Cable
        self.url = ""

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls) -> AsyncIterator["Server"]:
        """Run one in a folder of its own."""
        with open_folder() as folder:
            server = cls(folder)
            url = urlsplit(await server._postgres.start())
            socket = postmaster.socket_folder(folder / "postgres") / ".s.PGSQL.5432"
            async with Cable.between(socket) as server.cable:
                place = f"{url.username}@127.0.0.1:{server.cable.port}{url.path}"
                server.url = f"postgresql://{place}"
                try:
                    yield server
                finally:
                    await server._postgres.stop()

    def kill(self) -> None:
        """Let it die as in a power cut."""
        pid = (self._folder / "postgres" / "postmaster.pid").read_text(encoding="ascii").split()[0]
        os.kill(int(pid), signal.SIGKILL)

    async def start(self) -> None:
        """Start it again."""
        await self._postgres.start()


@contextlib.asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Engine]:
    """Run an engine with that database."""
    with open_folder() as folder:
        engine = Engine(folder, database_url=server.url)
        engine.start()
        try:
            await engine.ready()
            await engine.said("shipping")
            yield engine
        finally:
            await asyncio.to_thread(engine.close)


async def _come(load: Load, folder: Path) -> None:
    """Let so many call, each to the end of their call."""
    calling = Group.calling(
        SHORT, HOUSE, count=load.calls, access=access(), folder=folder, per_s=load.per_s
    )
    async with calling as group:
        await group.over(load.for_s + LASTS_S + 30)


async def _all_there(engine: Engine, server: Server, calls: int) -> float:
    """Wait until the store has all, compare it with the journal; return how many seconds that took."""
    began = time.monotonic()
    found = await records.shipped(engine.data, calls, server.url, within_s=CAUGHT_UP_WITHIN_S)
    took = time.monotonic() - began
    assert not records.disagreements(engine.data, found)
    outcomes = Counter(call.outcome for call in found.calls.values())
    assert outcomes == {"completed": calls}, _of_others(found)
    await people.nothing_left()
    return took


def _of_others(found: records.Stored) -> str:
    """Tell the ends of some calls that did not go as they should."""
    others = [name for name, call in found.calls.items() if call.outcome != "completed"][:3]
    steps = (step for step in found.events if step.call_id in others)
    return "\n".join(f"{s.call_id} {s.seq} {s.kind} {s.fields} {s.effects}" for s in steps)


async def killed(server: Server, engine: Engine, load: Load, folder: Path, tell: Tell) -> None:
    """Kill PostgreSQL, let calls come all the while, start it again."""
    before = Load(per_s=load.per_s, for_s=2)
    await _come(before, folder)
    server.kill()
    await _come(load, folder)
    await engine.said("shipping interrupted")
    assert len(engine.lines("shipping interrupted")) == 1, "said once, not at each try"
    rows = len(records.journaled(engine.data))
    await server.start()
    took_s = await _all_there(engine, server, before.calls + load.calls)
    tell(
        f"{load.calls} calls at {load.per_s}/s while PostgreSQL was away for {load.for_s:g} s, all served; "
        f"all {rows} events there once, {took_s:.1f} s after it was back"
    )


async def killed_with_the_engine(
    server: Server, engine: Engine, load: Load, folder: Path, tell: Tell
) -> None:
    """Kill PostgreSQL, and the engine too while it is away; start both again."""
    await _come(load, folder)
    server.kill()
    await _come(load, folder)
    engine.kill()
    engine.start()
    await engine.ready()
    await _come(load, folder)
    rows = len(records.journaled(engine.data))
    await server.start()
    await _all_there(engine, server, 3 * load.calls)
    tell(
        f"the engine killed meanwhile, too: all {rows} events of {3 * load.calls} calls there once"
    )


async def slow(server: Server, engine: Engine, load: Load, folder: Path, tell: Tell) -> None:
    """Let each answer of PostgreSQL take two seconds while calls come."""
    server.cable.slow(1.0)
    await _come(load, folder)
    behind = len(records.journaled(engine.data))
    await server.cable.mend()
    took_s = await _all_there(engine, server, load.calls)
    tell(
        f"{load.calls} calls at {load.per_s}/s with 2 s for each answer of PostgreSQL: all served; "
        f"all {behind} events there once, {took_s:.1f} s after it was quick again"
    )
