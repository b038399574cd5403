"""A migrated PostgreSQL as tests see it: ships rows into it, looks at all that it holds, and makes it lose some."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from ivrengine.core.rows import Row
from ivrengine.store import connecting
from ivrengine.store.connecting import Connection
from ivrengine.store.shipper import Shipper
from ivrengine.store.tables import PostgresTables
from ivrengine.telemetry import metrics
from tests.store import samples
from tests.store.fakes import FakeJournal

_numbers = itertools.count(1)


def new_database(server: str, template: str = "postgres") -> str:
    """Return the URL of a new database on the server, which is like the template (the migrated one)."""
    name = f"t{next(_numbers)}"

    async def make() -> None:
        async with connected(server.replace("/postgres?", "/template1?")) as connection:
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    asyncio.run(make())
    return server.replace("/postgres?", f"/{name}?")


@contextlib.asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    connection = await connecting.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def shipper(
    url: str, journal: FakeJournal, *, folder: Path = Path("nowhere"), batch_rows: int = 250
) -> Shipper:
    async def connect() -> PostgresTables:
        return PostgresTables(await connecting.connect(url))

    return Shipper(
        journal,
        connect,
        metrics=metrics.new(),
        parked_file=folder / "parked.jsonl",
        batch_rows=batch_rows,
        chance=lambda: 0.0,
    )


async def ship(url: str, rows: Sequence[Row], **options: Any) -> FakeJournal:
    journal = FakeJournal(rows)
    carrier = shipper(url, journal, **options)
    carrier.finish()
    await carrier.run()
    return journal


async def contents(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that the tables hold, but for the instants at which the store did something."""
    queries = {
        "calls": "SELECT * FROM calls ORDER BY call_id",
        "events": "SELECT * FROM events ORDER BY stream_id, seq",
        "numbers": "SELECT * FROM numbers ORDER BY number_id",
        "flows": "SELECT * FROM flow_versions ORDER BY name, flow_hash",
        "messages": "SELECT * FROM messages ORDER BY call_id, seq, index",
        "attributes": "SELECT * FROM call_attributes ORDER BY call_id, seq, index",
        "answers": "SELECT * FROM survey_answers ORDER BY call_id, seq, index",
        "recordings": "SELECT * FROM recordings ORDER BY call_id, seq, index",
        "parked": "SELECT digest, row_kind, sqlstate, sentence, body FROM parked_rows ORDER BY digest",
    }
    return {
        name: [tuple(row) for row in await connection.fetch(query)]
        for name, query in queries.items()
    }


JOURNAL: Final[Sequence[Row]] = [
    samples.flow(1),
    samples.number(1),
    *samples.interleaved([samples.call(n, 4 + n) for n in range(5)]),
    samples.poisoned(samples.event(7, 1), '{"event": {"error": "\\u0000"}}'),
    samples.event(7, 2),
    samples.keeping(7, 3),
    samples.keeping(9, 1),
    samples.number(2),
    samples.number(3, expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
    samples.flow(1, loaded_at=samples.NOON + timedelta(hours=1)),
    samples.flow(2),
    *samples.call(8, 3, at=datetime(2031, 2, 28, 23, 59, 59, tzinfo=UTC)),
]
"""Some of everything that a journal may hold."""


async def lose(connection: Connection, statement: str, *values: object) -> None:
    """Make rows vanish behind the store's back, past the trigger."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(statement, *values)
