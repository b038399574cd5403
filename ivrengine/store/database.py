"""The database of an engine: the one that DATABASE_URL names, or else the embedded one; the store's front door."""

import asyncio
from datetime import timedelta
from pathlib import Path

from ivrengine.store import connecting, schema
from ivrengine.store.connecting import Connection, DatabaseUrlError
from ivrengine.store.embedded import EmbeddedPostgres
from ivrengine.store.faults import RETRIED
from ivrengine.store.tables import PostgresTables


class DatabaseError(Exception):
    """The database cannot be used now; one sentence for a person, without the password."""


class Database:
    """One database, not yet connected to. Nothing is started or opened before it is needed."""

    def __init__(
        self, url: str | None, data_dir: Path, *, keep_events: timedelta | None = None
    ) -> None:
        """Use the PostgreSQL at ``url``, or the embedded one in ``data_dir`` if that is None.

        Raises ``DatabaseUrlError``. ``keep_events``: months of events that ended so long ago are dropped (None: never).
        """
        if url is not None:
            connecting.address(url)
        self._url = url
        self._embedded = EmbeddedPostgres(data_dir) if url is None else None
        self._keep_events = keep_events

    @property
    def exists(self) -> bool:
        """Whether there is, or may be, one: an embedded one that was never made holds nothing."""
        return self._embedded is None or self._embedded.exists

    async def connect(self) -> PostgresTables:
        """Return the tables to write to, up to date; the embedded server is started if it does not run.

        Raises one of ``faults.RETRIED``.
        """
        url = await self._reachable()
        connection = await connecting.connect(url)
        try:
            await schema.bring_up(connection, url)
        except BaseException:
            connection.terminate()
            raise
        return PostgresTables(connection, keep_events=self._keep_events)

    async def write(self) -> Connection:
        """Return a connection to write with; raises ``DatabaseError``. A database without tables gets them.

        Old tables stay, for the older engine that may be using them.
        """
        try:
            url = await self._reachable()
            connection = await connecting.connect(url)
            try:
                if await schema.current(connection) is None:
                    await schema.bring_up(connection, url)
                await schema.require_current(connection)
            except BaseException:
                connection.terminate()
                raise
        except (*RETRIED, DatabaseUrlError) as error:
            raise DatabaseError(self.explain(error)) from error
        return connection

    async def read(self) -> Connection:
        """Return a connection to read from; raises ``DatabaseError``. It changes nothing, not even old tables."""
        if self._embedded is not None and not self._embedded.exists:
            raise DatabaseError(
                f"there is no database in {self._embedded.folder}; the engine makes it when it starts"
            )
        try:
            connection = await connecting.connect(await self._reachable())
            try:
                await schema.require_current(connection)
            except BaseException:
                connection.terminate()
                raise
        except (*RETRIED, DatabaseUrlError) as error:
            raise DatabaseError(self.explain(error)) from error
        return connection

    async def _reachable(self) -> str:
        if self._embedded is not None:
            return await self._embedded.start()
        assert self._url is not None
        return self._url

    async def close(self) -> None:
        """Leave the database; an embedded server that nobody else uses is stopped."""
        if self._embedded is not None:
            await asyncio.shield(self._embedded.stop())

    @property
    def place(self) -> str:
        """Where it is, for sentences."""
        if self._embedded is not None:
            return f"in {self._embedded.folder}"
        assert self._url is not None
        return f"at {connecting.address(self._url)}"

    def explain(self, error: BaseException) -> str:
        """Return one sentence on why it cannot be used."""
        return connecting.explain(error, self.place, self._url)
