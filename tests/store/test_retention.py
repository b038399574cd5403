"""The months of events, and what the store forgets."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from ivrengine.store import retention
from ivrengine.store.connecting import Connection
from ivrengine.store.items import items_of
from ivrengine.store.tables import PostgresTables
from tests.store import samples
from tests.store.a_database import connected, contents, ship

pytestmark = pytest.mark.postgres


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
