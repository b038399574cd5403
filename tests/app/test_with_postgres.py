"""The whole engine in one process: simulated callers, the real journal, a real PostgreSQL that goes away under the calls."""

import asyncio
import dataclasses
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from ivrengine import app
from ivrengine.core.rows import EventRow
from ivrengine.engine.journal_reading import Reader, segments
from ivrengine.flow.load import load_folder
from ivrengine.settings.model import Settings
from ivrengine.sim import script
from ivrengine.sim.switch import SimSwitch
from ivrengine.store.database import Database
from tests.engine.a_house import Sounds

pytestmark = pytest.mark.postgres

FLOWS = Path(__file__).parents[2] / "bench" / "flows"
DID = "+902124440199"
PROMPT_S = 0.05
WALK = script.script(
    script.on("bench-question", script.press("1")),
    script.on("bench-number", script.press("42#", gap_s=0.01)),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SimDoor:
    switch: SimSwitch
    sounds: Sounds

    async def run(self) -> None:
        self.switch.start()
        await asyncio.Event().wait()


class Doors:
    """Makes one simulated door and keeps it for the test."""

    switch: SimSwitch

    def __call__(self, inside: app.Inside) -> Sequence[app.Door]:
        self.switch = SimSwitch(
            listener=inside.listener, now=inside.now, duration_s=lambda _media: PROMPT_S
        )
        return [SimDoor(switch=self.switch, sounds=Sounds())]


async def calls_in(doors: Doors, count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0.01)  # before the first one too: the door opens in a task of its own
        doors.switch.call(DID, number="+905321234567", script=WALK)


async def ended(running: app.Running) -> None:
    async with asyncio.timeout(20):
        while running.engine.calls():
            await asyncio.sleep(0.05)


def in_journal(data: Path) -> set[tuple[str, int, str]]:
    folder = data / "journal"
    (folder / "shipped.json").unlink(missing_ok=True)
    reader = Reader(folder, lambda: segments(folder)[-1], lambda: None)
    found = set()
    while batch := reader.read(1000).rows:
        found |= {(r.stream_id, r.seq, r.kind) for r in batch if isinstance(r, EventRow)}
    reader.close()
    return found


async def in_database(data: Path) -> list[tuple[str, int, str]]:
    database = Database(None, data)
    connection = await database.read()
    try:
        rows = await connection.fetch("SELECT stream_id::text, seq, kind FROM events")
        outcomes = await connection.fetch("SELECT DISTINCT outcome FROM calls")
        assert [row["outcome"] for row in outcomes] == ["completed"]
        return [(row["stream_id"], row["seq"], row["kind"]) for row in rows]
    finally:
        await connection.close()
        await database.close()


def shipped(running: app.Running) -> float:
    value = running.metrics.registry.get_sample_value(
        "ivrengine_rows_shipped_total", {"kind": "event"}
    )
    assert value is not None
    return value


def kill_postgres(data: Path) -> None:
    os.kill(int((data / "postgres" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)


async def test_a_database_killed_under_calls_loses_no_event_and_doubles_none(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    settings = Settings(data_dir=data)
    book, _ = load_folder(FLOWS)
    doors = Doors()
    async with app.running(settings, book, doors) as running:
        await calls_in(doors, 30)
        async with asyncio.timeout(30):
            while not shipped(running):
                await asyncio.sleep(0.05)
        kill_postgres(data)
        await calls_in(doors, 60)
        await ended(running)
    stored = await in_database(data)
    assert len(stored) == len(set(stored))
    assert set(stored) == in_journal(data)
    assert len({stream for stream, _, _ in stored}) == 90


async def test_calls_are_answered_while_there_is_no_database_and_shipped_by_the_next_engine(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    book, _ = load_folder(FLOWS)
    nowhere = Settings.model_validate(
        {"data_dir": data, "database_url": f"postgresql://nobody@localhost:1/none?host={tmp_path}"}
    )
    doors = Doors()
    async with app.running(nowhere, book, doors) as running:
        await calls_in(doors, 10)
        await ended(running)
        assert shipped(running) == 0
    async with app.running(Settings(data_dir=data), book, Doors()) as running:
        async with asyncio.timeout(30):
            while not shipped(running):
                await asyncio.sleep(0.05)
    stored = await in_database(data)
    assert set(stored) == in_journal(data)
    assert len({stream for stream, _, _ in stored}) == 10


async def test_a_second_engine_on_the_same_data_is_refused(tmp_path: Path) -> None:
    book, _ = load_folder(FLOWS)
    settings = Settings(data_dir=tmp_path / "data")
    async with app.running(settings, book, Doors()):
        with pytest.raises(Exception, match="another engine"):
            async with app.running(settings, book, Doors()):
                pass
