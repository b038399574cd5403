"""How commands ask the database of the settings, and say in one sentence why it does not answer."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import uvloop

from ivrengine.cli import complaints
from ivrengine.settings.model import Settings
from ivrengine.store.connecting import Connection, DatabaseUrlError
from ivrengine.store.database import Database, DatabaseError

T = TypeVar("T")


def asked(
    settings: Settings,
    data: Path | None,
    ask: Callable[[Connection], Awaitable[T]],
    *refusals: type[Exception],
    write: bool = False,
) -> T:
    """Return what the database answers; exits with 1 if it does not, or if ``ask`` raises one of ``refusals``.

    ``data`` is a folder whose own database is meant, whatever the settings say.
    """
    ends: tuple[type[Exception], ...] = (DatabaseError, *refusals)
    url = None
    if data is None and settings.database_url is not None:
        url = settings.database_url.get_secret_value()
    try:
        database = Database(url, data or settings.data_dir)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_answer(database, ask, write=write))
    except DatabaseUrlError as error:
        complaints.bad_usage(str(error))
    except ends as error:
        complaints.failed(str(error))
    except PermissionError as error:
        complaints.failed(f"{error.filename} cannot be read: {error.strerror}")


async def _answer(
    database: Database, ask: Callable[[Connection], Awaitable[T]], *, write: bool
) -> T:
    try:
        connection = await (database.write() if write else database.read())
        try:
            return await ask(connection)
        finally:
            await connection.close()
    finally:
        await database.close()
