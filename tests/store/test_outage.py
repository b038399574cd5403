"""The shipper and its own embedded server, while that server is killed under it."""

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivrengine.store.database import Database
from ivrengine.store.shipper import Shipper
from ivrengine.telemetry import metrics
from tests.store import samples
from tests.store.fakes import FakeJournal

pytestmark = pytest.mark.postgres


async def test_a_server_killed_in_mid_batch_again_and_again_loses_and_doubles_nothing(
    data_dir: Callable[..., Path], tmp_path: Path
) -> None:
    rows = samples.interleaved([samples.call(n, 40) for n in range(200)])
    journal = FakeJournal(rows)
    database = Database(None, data_dir())
    shipper = Shipper(
        journal,
        database.connect,
        metrics=metrics.new(),
        parked_file=tmp_path / "parked.jsonl",
        batch_rows=100,
        chance=lambda: 0.0,
        explain=database.explain,
    )
    shipper.finish()
    chance = random.Random(7)  # noqa: S311 - where to strike
    with capture_logs() as logs:
        task = asyncio.create_task(shipper.run())
        for part in (1, 2, 3):
            await journal.shipped(part * 2000 + chance.randrange(1000))
            os.kill(int(_pid_file(database).read_text().split()[0]), signal.SIGKILL)
        await task
    connection = await database.read()
    held = await connection.fetch(
        "SELECT stream_id::text, count(*), max(seq) FROM events GROUP BY 1"
    )
    calls = await connection.fetchval("SELECT count(*) FROM calls WHERE outcome = 'completed'")
    await connection.close()
    await database.close()
    assert [tuple(row)[1:] for row in held] == [(40, 40)] * 200
    assert calls == 200
    told = [entry["event"] for entry in logs if entry["event"].startswith("shipping ")]
    assert told == ["shipping interrupted", "shipping again"] * 3


def _pid_file(database: Database) -> Path:
    assert database._embedded is not None
    return database._embedded.folder / "postmaster.pid"
