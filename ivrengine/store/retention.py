"""What the tables forget, and when: expired numbers, and months of events that are old enough."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import structlog

from ivrengine.store.connecting import Connection

_log: Final = structlog.get_logger("store")

PURGE_ROWS: Final = 10_000
"""So many numbers are deleted in one go, some 50 ms: rows of calls are waiting behind it."""
_PURGE: Final = """
DELETE FROM numbers WHERE (brand, number_id) IN (
    SELECT brand, number_id FROM numbers WHERE expires_at <= now() LIMIT $1
)
"""
_MONTHS_AHEAD: Final = """
SELECT make_events_month(now() + make_interval(months => ahead)) FROM generate_series(0, 2) AS ahead
"""
_DROP_BEFORE: Final = "SELECT drop_events_before($1)"
_DROP_OLDER: Final = "SELECT drop_events_before(now() - $1::interval)"


async def purge_expired_numbers(connection: Connection) -> int:
    """Delete numbers of the vault whose time is over, at most ``PURGE_ROWS``; return how many."""
    status = await connection.execute(_PURGE, PURGE_ROWS)
    return int(status.rpartition(" ")[2])


async def make_months_ahead(connection: Connection) -> None:
    """Have partitions for this month and the two after it, so that no row has to wait for one.

    A report that reads for long may hold the lock this needs; then the next time is early enough.
    """
    try:
        await connection.execute(_MONTHS_AHEAD)
    except asyncpg.LockNotAvailableError:
        _log.warning("months ahead not made", reason="a long query holds the table")


async def drop_partitions_before(connection: Connection, instant: datetime) -> Sequence[str]:
    """Drop the partitions of the months that end before or at the instant; return their names."""
    return _dropped(await connection.fetch(_DROP_BEFORE, instant))


async def drop_partitions_older(connection: Connection, age: timedelta) -> Sequence[str]:
    """Drop the partitions of the months that ended so long ago, by the clock of the database; return their names.

    Like ``make_months_ahead`` it gives way to a long report.
    """
    try:
        return _dropped(await connection.fetch(_DROP_OLDER, age))
    except asyncpg.LockNotAvailableError:
        _log.warning("old months not dropped", reason="a long query holds the table")
        return ()


def _dropped(found: Sequence[asyncpg.Record]) -> Sequence[str]:
    names: list[str] = [row[0] for row in found]
    if names:
        _log.info("events dropped", partitions=names)
    return names
