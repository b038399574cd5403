"""Runs Alembic on the database; imported only when the tables are behind, because of the time that takes."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from ivrengine.store import connecting
from ivrengine.store.faults import RETRIED, DatabaseRefusedError


async def upgrade(url: str, migrations: Path) -> None:
    """Run every version that the database does not have yet, in one transaction.

    Raises one of ``faults.RETRIED``; then the database is as it was.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connecting.connect(url), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_run, config)
    except DBAPIError as error:
        raise _as_asyncpg_said(error) from error
    finally:
        await engine.dispose()


def _as_asyncpg_said(error: DBAPIError) -> BaseException:
    """Return the error under SQLAlchemy's wrapping, which the store knows what to do about."""
    cause = error.orig.__cause__ if error.orig is not None else None
    if isinstance(cause, RETRIED):
        return cause
    return DatabaseRefusedError(f"the tables cannot be brought up to date: {error.orig}")


def _run(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
