"""Rows on their way from a journal in memory into a real PostgreSQL."""

import asyncio
import contextlib
import dataclasses
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivrengine.core.ids import NumberId
from ivrengine.core.rows import EventRow, Row
from ivrengine.store import connecting, retention
from ivrengine.store.connecting import Connection
from ivrengine.store.gaps import Sent
from ivrengine.store.items import items_of
from ivrengine.store.shipper import Shipper
from ivrengine.store.tables import PostgresTables
from ivrengine.telemetry import metrics
from tests.store import samples
from tests.store.fakes import FakeJournal

pytestmark = pytest.mark.postgres


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
        "parked": "SELECT digest, row_kind, sqlstate, sentence, body FROM parked_rows ORDER BY digest",
    }
    return {
        name: [tuple(row) for row in await connection.fetch(query)]
        for name, query in queries.items()
    }


JOURNAL: Sequence[Row] = [
    samples.flow(1),
    samples.number(1),
    *samples.interleaved([samples.call(n, 4 + n) for n in range(5)]),
    samples.poisoned(samples.event(7, 1), '{"event": {"error": "\\u0000"}}'),
    samples.event(7, 2),
    samples.number(2),
    samples.number(3, expires_at=datetime(2020, 1, 1, tzinfo=UTC)),
    samples.flow(1, loaded_at=samples.NOON + timedelta(hours=1)),
    samples.flow(2),
    *samples.call(8, 3, at=datetime(2031, 2, 28, 23, 59, 59, tzinfo=UTC)),
]


async def test_each_kind_of_row_reaches_its_table(url: str) -> None:
    await ship(url, JOURNAL)
    async with connected(url) as connection:
        held = await contents(connection)
        event = await connection.fetchrow("SELECT * FROM events ORDER BY stream_id, seq LIMIT 1")
        call = await connection.fetchrow("SELECT * FROM calls ORDER BY call_id LIMIT 1")
    assert {name: len(rows) for name, rows in held.items()} == {
        "calls": 7, "events": 34, "numbers": 2, "flows": 2, "parked": 1,
    }  # fmt: skip
    assert event is not None
    assert call is not None
    sent = samples.event(0, 1, 4)
    assert str(event["stream_id"]) == sent.stream_id
    assert (event["seq"], event["stream_kind"], event["brand"]) == (1, "call", "guneskent")
    assert (event["at"], event["kind"]) == (sent.at, "TimerFired")
    assert json.loads(event["payload"]) == json.loads(sent.payload)
    newest = samples.call_row(0, 4, 4)
    expected = {field.name: getattr(newest, field.name) for field in dataclasses.fields(newest)}
    assert {**dict(call), "call_id": str(call["call_id"])} == expected


async def test_an_older_picture_of_a_call_never_overwrites_a_newer_one(url: str) -> None:
    rows = samples.call(1, 5)
    await ship(url, [rows[4]])
    await ship(url, rows[:4])
    async with connected(url) as connection:
        call = await connection.fetchrow("SELECT last_seq, phase, outcome FROM calls")
    assert call is not None
    assert tuple(call) == (5, "ended", "completed")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_however_often_and_in_whatever_batches_a_journal_is_sent_the_tables_are_the_same(
    url: str, data: st.DataObject
) -> None:
    async with connected(url) as connection:
        await _empty(connection)
        await _send_in_any_way(connection, data)
        held = await contents(connection)
    digest = hashlib.sha256(repr(sorted(held.items())).encode()).hexdigest()
    if not _first_outcome:
        _first_outcome.append(digest)
    assert held["events"]
    assert digest == _first_outcome[0]


_first_outcome: list[str] = []


async def _send_in_any_way(connection: Connection, data: st.DataObject) -> None:
    """Send the journal in random batches, going back at random, with tries that end before their commit."""
    journal = FakeJournal(JOURNAL)
    for _ in range(data.draw(st.integers(0, 6), label="detours")):
        upto = data.draw(st.integers(1, 25), label="rows")
        await _one_try(connection, journal.read(upto).rows, commits=data.draw(st.booleans()))
        journal.rewind((1, data.draw(st.integers(0, journal.position()[1]), label="back to")))
    journal.rewind((1, 0))
    while rows := journal.read(data.draw(st.integers(1, 40), label="batch")).rows:
        await _one_try(connection, rows, commits=True)


async def _one_try(connection: Connection, rows: Sequence[Row], *, commits: bool) -> None:
    carrier = Shipper(
        FakeJournal(rows),
        lambda: _same(_Uncommitted(connection) if not commits else _Shared(connection)),
        metrics=metrics.new(),
        parked_file=Path("nowhere"),
        chance=lambda: 0.0,
    )
    carrier.finish()
    with contextlib.suppress(_CutError):
        await carrier.run()


async def _same(tables: PostgresTables) -> PostgresTables:
    return tables


class _CutError(Exception):
    """The engine dies here."""


class _Shared(PostgresTables):
    """Tables on a connection that is used again."""

    async def close(self) -> None:
        pass


class _Uncommitted(_Shared):
    """Tables whose transaction is never committed."""

    async def write(self, items: Sequence[Any]) -> Sequence[EventRow]:
        async with self._connection.transaction():
            await super().write(items)
            raise _CutError


async def _empty(connection: Connection) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("TRUNCATE calls, events, numbers, flow_versions, parked_rows")


POISON = {
    "a character that jsonb cannot hold": samples.poisoned(
        samples.event(1, 3), '{"event": {"x": "\\u0000"}}'
    ),
    "a text that is no JSON": samples.poisoned(samples.event(1, 3), '{"event": '),
    "a raw zero byte": dataclasses.replace(samples.event(1, 3), kind="Timer\0Fired"),
    "half a surrogate pair": dataclasses.replace(samples.event(1, 3), kind="Timer\ud800"),
    "an id that is no UUID": dataclasses.replace(samples.event(1, 3), stream_id="not-a-uuid"),
    "an id with a version of another kind": dataclasses.replace(
        samples.event(1, 3), stream_id="0193ab12-0000-4000-8000-000000000001"
    ),
    "an id that only looks like a UUIDv7": dataclasses.replace(
        samples.event(1, 3), stream_id="0193ab12-0000-7000-8000-00000000000g"
    ),
    "a number out of range": dataclasses.replace(samples.event(1, 3), seq=2**31),
    "a number below one": dataclasses.replace(samples.event(1, 3), seq=0),
    "an instant that is a text": dataclasses.replace(
        samples.event(1, 3),
        at="yesterday",  # type: ignore[arg-type]
    ),
    "no brand": dataclasses.replace(samples.event(1, 3), brand=None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("poison", list(POISON.values()), ids=list(POISON))
async def test_a_poison_row_is_parked_and_its_neighbours_get_through(
    url: str, tmp_path: Path, poison: EventRow
) -> None:
    poison = dataclasses.replace(poison, call=None)
    rows = samples.call(1, 6)
    journal = await ship(url, [*rows[:2], poison, *rows[3:]], folder=tmp_path)
    async with connected(url) as connection:
        held = await contents(connection)
    assert len(held["events"]) == 5
    assert len(held["calls"]) == 1
    assert journal.acknowledged == (1, 6)
    [(_, kind, _, sentence, body)] = held["parked"]
    assert kind == "event"
    assert sentence
    assert "guneskent" not in sentence, "the sentence does not quote the row"
    assert json.loads(body)["payload"] == poison.payload
    assert not (tmp_path / "parked.jsonl").exists()


async def test_a_call_with_a_poison_picture_is_parked_and_its_event_is_not(url: str) -> None:
    row = samples.event(1, 1)
    assert row.call is not None
    bad = dataclasses.replace(row, call=dataclasses.replace(row.call, flow="ma\0in"))
    await ship(url, [bad, samples.event(2, 1)])
    async with connected(url) as connection:
        held = await contents(connection)
    assert [len(held[name]) for name in ("events", "calls", "parked")] == [2, 1, 1]
    assert held["parked"][0][1] == "call"


async def test_a_parked_number_leaves_its_sealed_bytes_out(url: str) -> None:
    bad = dataclasses.replace(samples.number(1), number_id=NumberId("nonsense"))
    await ship(url, [bad, samples.number(2)])
    async with connected(url) as connection:
        held = await contents(connection)
    assert len(held["numbers"]) == 1
    [(_, kind, _, _, body)] = held["parked"]
    assert kind == "number"
    assert "sealed_at" in body
    assert "sealed" not in json.loads(body)


async def test_an_event_whose_place_is_taken_by_another_is_parked_and_not_dropped(url: str) -> None:
    first = samples.event(1, 1)
    await ship(url, [first])
    await ship(
        url, [samples.poisoned(first, '{"event": {"timer_id": "another"}}'), samples.event(1, 2)]
    )
    async with connected(url) as connection:
        held = await contents(connection)
    assert len(held["events"]) == 2
    [(_, kind, _, sentence, body)] = held["parked"]
    assert kind == "event"
    assert "already" in sentence
    assert "another" in body


async def test_a_number_that_has_expired_is_never_stored_and_stored_ones_are_purged(
    url: str,
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    await ship(url, [samples.number(1, expires_at=soon), samples.number(2)])
    async with connected(url) as connection:
        assert await retention.purge_expired_numbers(connection) == 0
        await connection.execute(
            "UPDATE numbers SET expires_at = now() WHERE expires_at < '2100-01-01'"
        )
        assert await retention.purge_expired_numbers(connection) == 1
        held = await contents(connection)
    assert len(held["numbers"]) == 1


async def _partitions(connection: Connection) -> list[str]:
    found = await connection.fetch(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass ORDER BY 1"
    )
    return [row[0] for row in found]


async def test_a_row_of_any_month_finds_a_partition_of_its_own(url: str) -> None:
    months = [(2025, 1), (2025, 12), (2026, 1), (2031, 2)]
    ends = [datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC) for year, month in months]
    begins = [datetime(year, month, 1, tzinfo=UTC) for year, month in months]
    instants = [*begins, *(end - timedelta(milliseconds=1) for end in ends)]
    await ship(url, [samples.event(1, 1, at=at) for at in instants])
    async with connected(url) as connection:
        held = await connection.fetch(
            "SELECT tableoid::regclass::text AS part, count(*) AS rows FROM events GROUP BY 1 ORDER BY 1"
        )
    assert [tuple(row) for row in held] == [
        ("events_2025_01", 2), ("events_2025_12", 2), ("events_2026_01", 2), ("events_2031_02", 2),
    ]  # fmt: skip


async def test_an_id_of_an_impossible_year_rests_in_the_default_partition(url: str) -> None:
    await ship(url, [samples.event(1, 1, at=datetime(2150, 1, 1, tzinfo=UTC)), samples.event(2, 1)])
    async with connected(url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM events_default") == 1
        assert "events_2150_01" not in await _partitions(connection)


async def test_months_are_made_ahead(url: str) -> None:
    async with connected(url) as connection:
        await PostgresTables(connection).tidy()
        await PostgresTables(connection).tidy()
        ahead = await connection.fetch(
            "SELECT to_char(now() AT TIME ZONE 'UTC' + make_interval(months => m), '\"events_\"YYYY_MM')"
            " FROM generate_series(0, 2) AS m"
        )
        assert {row[0] for row in ahead} <= set(await _partitions(connection))


async def test_retention_drops_the_months_that_are_over_and_no_others(url: str) -> None:
    instants = [datetime(2024, month, 15, tzinfo=UTC) for month in (1, 2, 3)]
    await ship(url, [samples.event(1, 1, at=at) for at in instants])
    async with connected(url) as connection:
        middle_of_march = datetime(2024, 3, 20, tzinfo=UTC)
        dropped = await retention.drop_partitions_before(connection, middle_of_march)
        assert dropped == ["events_2024_01", "events_2024_02"]
        left = await connection.fetch("SELECT at FROM events")
        assert [row["at"].month for row in left] == [3]
        assert await retention.drop_partitions_before(connection, middle_of_march) == []


async def test_rows_of_a_dropped_month_are_taken_again(url: str) -> None:
    old = samples.event(1, 1, at=datetime(2024, 1, 15, tzinfo=UTC))
    async with connected(url) as connection:
        tables = PostgresTables(connection, keep_events=timedelta(days=1))
        await tables.write(items_of([old]))
        await tables.tidy()
        assert await connection.fetchval("SELECT count(*) FROM events") == 0
        await tables.write(items_of([old]))
        assert await connection.fetchval("SELECT count(*) FROM events") == 1


async def test_events_can_only_be_added(url: str) -> None:
    await ship(url, [samples.event(1, 1)])
    async with connected(url) as connection:
        for statement in (
            "UPDATE events SET kind = 'x'",
            "DELETE FROM events",
            "DELETE FROM events_2025_11",
            "TRUNCATE events",
        ):
            with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
                await connection.execute(statement)
        assert await connection.fetchval("SELECT count(*) FROM events") == 1


async def _lose(connection: Connection, statement: str, *values: object) -> None:
    """Make rows vanish behind the store's back, past the trigger."""
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(statement, *values)


async def test_the_gap_detector_finds_lost_rows_and_has_them_sent_again(url: str) -> None:
    rows = samples.interleaved([samples.call(n, 30) for n in range(10)])
    journal = FakeJournal(rows)
    carrier = shipper(url, journal, batch_rows=20)
    async with connected(url) as connection:
        task = asyncio.create_task(carrier.run())
        await journal.shipped(300)
        before = await contents(connection)
        await _lose(connection, "DELETE FROM events WHERE seq > 25")
        assert await connection.fetchval("SELECT count(*) FROM events") == 250
        await connection.execute(  # a fail-over breaks the connection
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        journal.rows.append(samples.event(50, 1))
        carrier.finish()
        await task
        await _lose(connection, "DELETE FROM events WHERE stream_id = $1", samples.stream_id(50))
        await connection.execute("DELETE FROM calls WHERE call_id = $1", samples.stream_id(50))
        after = await contents(connection)
    assert journal.rewinds
    assert after == before


@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("SELECT 1", None),
        ("DELETE FROM events WHERE seq = 2", 0),
        ("DELETE FROM events WHERE seq = 4", 1),
        ("DELETE FROM numbers", 1),
        ("DELETE FROM flow_versions", 0),
    ],
)
async def test_the_earliest_slice_with_a_lost_row_is_found(
    url: str, statement: str, lost: int | None
) -> None:
    await ship(url, [*samples.call(1, 5), samples.number(1), samples.flow(1)])
    stream, vault, version = samples.stream_id(1), samples.number(1), samples.flow(1)
    sent = Sent(
        runs=[(0, stream, 1, 3, 3), (1, stream, 4, 5, 2)],
        numbers=[
            (1, vault.brand, vault.number_id, vault.expires_at),
            (0, vault.brand, samples.number(9).number_id, samples.NOON - timedelta(days=1)),
        ],
        flows=[(0, version.brand, version.name, version.flow_hash)],
    )
    async with connected(url) as connection:
        await _lose(connection, statement)
        assert await PostgresTables(connection).first_lost(sent) == lost


async def test_two_shippers_on_one_database_do_not_disturb_each_other(url: str) -> None:
    rows = samples.interleaved([samples.call(n, 12) for n in range(20)])
    await asyncio.gather(*(ship(url, rows, batch_rows=17 + n) for n in range(3)))
    async with connected(url) as connection:
        held = await contents(connection)
    assert [len(held[name]) for name in ("events", "calls", "parked")] == [240, 20, 0]


async def test_a_lone_row_is_in_the_table_within_fifty_milliseconds(url: str) -> None:
    journal = FakeJournal()
    carrier = shipper(url, journal)
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    async with connected(url) as connection:
        task = asyncio.create_task(carrier.run())
        await asyncio.sleep(0.2)
        for seq in range(1, 21):
            journal.rows.append(samples.event(1, seq))
            written_at = loop.time()
            carrier.wake()
            while await connection.fetchval("SELECT count(*) FROM events") < seq:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            waits.append(loop.time() - written_at)
            await asyncio.sleep(0.03)
        carrier.finish()
        await task
    assert sorted(waits)[len(waits) // 2] < 0.05, waits
