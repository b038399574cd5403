"""The version of the tables: checked at every connection, brought up to date when the engine is newer than they are."""

import asyncio
from pathlib import Path
from typing import Final

import asyncpg

from ivrengine.store import connecting
from ivrengine.store.connecting import Connection
from ivrengine.store.faults import DatabaseRefusedError

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x6976_7265_6E67
"""Key of the advisory lock under which one engine migrates while the others wait."""
_VERSION: Final = "SELECT version_num FROM alembic_version"


class SchemaError(DatabaseRefusedError):
    """The tables are not those that this version of the engine works with."""


def versions() -> tuple[str, ...]:
    """Return the versions of the tables that this engine knows, oldest first, from the names of their files."""
    files = (MIGRATIONS / "versions").glob("[0-9]*_*.py")
    return tuple(sorted(path.name.partition("_")[0] for path in files))


async def current(connection: Connection) -> str | None:
    """Return the version that the tables have; None if there are none."""
    try:
        found: str | None = await connection.fetchval(_VERSION)
    except asyncpg.UndefinedTableError:
        return None
    return found


async def is_current(connection: Connection) -> bool:
    """Tell whether the tables are up to date; raises ``SchemaError`` if they are newer than this engine."""
    found, known = await current(connection), versions()
    if found is not None and found not in known:
        raise SchemaError(
            f"the database has tables of version {found}, and this ivrengine knows them up to version {known[-1]}:"
            " a newer one has used it; run that one, or give this one another database"
        )
    return found == known[-1]


async def require_current(connection: Connection) -> None:
    """Raise ``SchemaError`` unless the tables are up to date."""
    if not await is_current(connection):
        raise SchemaError(
            "the database has no tables of this version of ivrengine yet; the engine makes them when it starts"
        )


async def migrate(url: str) -> None:
    """Bring the tables of the database up to date.

    Raises ``SchemaError`` if they are newer than this engine, and what ``connecting.connect`` raises.
    """
    connection = await connecting.connect(url)
    try:
        await bring_up(connection, url)
    finally:
        await connection.close(timeout=connecting.CONNECT_TIMEOUT_S)


async def bring_up(connection: Connection, url: str) -> None:
    """Do what ``migrate`` does, with a connection that is there already to look first."""
    if await is_current(connection):
        return
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        if not await is_current(connection):
            # Alembic takes a third of a second to import: only here, and in a thread beside the calls
            await asyncio.to_thread(_upgrade, url)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


def _upgrade(url: str) -> None:
    from ivrengine.store import upgrading  # noqa: PLC0415 - start-up time, see above

    asyncio.run(upgrading.upgrade(url, MIGRATIONS))
