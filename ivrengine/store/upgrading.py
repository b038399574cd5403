"""Runs Alembic on the database; imported only when the tables are behind, because of the time that takes."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool
from sqlalchemy.ext.asyncio import create_async_engine

from ivrengine.store import connecting


async def upgrade(url: str, migrations: Path) -> None:
    """Run every version that the database does not have yet, in one transaction."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: connecting.connect(url), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_run, config)
    finally:
        await engine.dispose()


def _run(connection: Connection, config: Config) -> None:
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
