"""What calls look up in the store while their callers wait: few rows by an index, over connections of its own."""

import asyncio
from datetime import datetime
from typing import Final

import asyncpg

from ivrengine.core import effects
from ivrengine.core.asking import UnansweredError
from ivrengine.core.events import Unanswered
from ivrengine.store.connecting import CONNECT_TIMEOUT_S, Connection
from ivrengine.store.database import Database, DatabaseError
from ivrengine.store.faults import RETRIED

CONNECTIONS_MAX: Final = 4
"""A look-up takes a millisecond: four connections carry hundreds of calls a second, and leave the database to others."""
_LAST_ASKED: Final = """
SELECT max(at) FROM survey_answers
WHERE brand = $1 AND survey = $2 AND caller_key = $3 AND at >= $4 AND call_id <> $5
"""


class Lookups:
    """Answers out of the tables, over a few connections that are made when they are needed."""

    def __init__(self, database: Database) -> None:
        """Look into the database, which need not be there yet."""
        self._database = database
        self._idle: list[Connection] = []
        self._at_once = asyncio.Semaphore(CONNECTIONS_MAX)

    async def last_asked_at(self, inquiry: effects.FindAnswers) -> datetime | None:
        """Return when the caller was last asked; raises ``UnansweredError`` if the database cannot say."""
        arguments = (
            inquiry.brand,
            inquiry.survey,
            inquiry.caller_key,
            inquiry.since_at,
            inquiry.call_id,
        )
        try:
            found = await self._value(_LAST_ASKED, *arguments)
        except TimeoutError:
            raise
        except (*RETRIED, DatabaseError) as error:
            raise UnansweredError(Unanswered.UNREACHABLE) from error
        assert found is None or isinstance(found, datetime)
        return found

    async def _value(self, query: str, *arguments: object) -> object:
        async with self._at_once:
            while self._idle:
                connection = self._idle.pop()
                try:
                    return await self._asked(connection, query, *arguments)
                except RETRIED:
                    continue  # it broke while nobody used it; a fresh one tells whether the database is away
            return await self._asked(await self._database.read(), query, *arguments)

    async def _asked(self, connection: Connection, query: str, *arguments: object) -> object:
        """Ask over a connection, and keep it for the next if nothing happens to it."""
        try:
            value: object = await connection.fetchval(query, *arguments)
        except BaseException:  # a look-up that was given up leaves its connection amid an answer
            connection.terminate()
            raise
        self._idle.append(connection)
        return value

    async def close(self) -> None:
        """Let go of the connections."""
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.close(timeout=CONNECT_TIMEOUT_S)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()
