"""Reaching a PostgreSQL by its URL, and saying in one sentence why it could not be reached, without the password."""

import asyncio
import dataclasses
import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from ivrengine.store.faults import DatabaseRefusedError, JournalUnreadableError, sqlstate

Connection = asyncpg.Connection
"""A connection of asyncpg; the only place that names the class to the rest of the store."""

CONNECT_TIMEOUT_S: Final = 5.0
"""A server in the same data centre answers in milliseconds; a longer silence is treated as its absence."""
COMMAND_TIMEOUT_S: Final = 30.0
"""A batch takes milliseconds, on a disk in trouble seconds; a connection that says nothing for longer is given up."""
OLDEST_VERSION: Final = 14
"""The oldest PostgreSQL that is still maintained and that the tables are tested to suit."""
_SCHEMES: Final = ("postgresql", "postgres")
_EXAMPLE: Final = "postgresql://user:password@host:5432/database"


class DatabaseUrlError(ValueError):
    """DATABASE_URL is not the address of a PostgreSQL; the sentence never quotes it, as it may hold a password."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a URL leads, for sentences: everything but the password."""

    hosts: str
    """As written, ports included; several, separated by commas, are tried in turn."""
    user: str
    database: str

    def __str__(self) -> str:
        """Return the place as people write it."""
        return f"{self.hosts}/{self.database}"


def address(url: str) -> Address:
    """Return where the URL leads; raises ``DatabaseUrlError`` with what is wrong with it."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that do not close
        raise _unlike("a host or port that cannot be read") from None
    if parts.scheme not in _SCHEMES or not url.startswith(f"{parts.scheme}://"):
        raise _unlike(f"the scheme {parts.scheme!r}" if "://" in url else "no scheme")
    login, _, hosts = parts.netloc.rpartition("@")
    for host in hosts.split(","):
        _check_host(host)
    query = parse_qs(parts.query)
    user = unquote(login.partition(":")[0]) or query.get("user", ["the system user"])[0]
    return Address(
        hosts=unquote(hosts) or query.get("host", ["the local socket"])[0],
        user=user,
        database=unquote(parts.path.lstrip("/")) or user,
    )


def _check_host(host: str) -> None:
    try:
        urlsplit(f"//{host}").port  # noqa: B018 - reading it is what raises
    except ValueError:
        raise _unlike("a host or port that cannot be read") from None


def _unlike(found: str) -> DatabaseUrlError:
    return DatabaseUrlError(f"DATABASE_URL: expected {_EXAMPLE}, found {found}")


async def connect(url: str) -> Connection:
    """Return a new connection; raises what asyncpg raises, ``DatabaseUrlError``, or ``DatabaseRefusedError``."""
    place = address(url)
    try:
        connection = await asyncpg.connect(
            url,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings={"application_name": "ivrengine", "timezone": "UTC"},
        )
    except asyncpg.ClientConfigurationError:
        raise DatabaseUrlError(
            f"DATABASE_URL: expected {_EXAMPLE}, found options that PostgreSQL's clients do not know"
        ) from None
    major = connection.get_server_version().major
    if major < OLDEST_VERSION:
        await connection.close()
        raise DatabaseRefusedError(
            f"the database at {place} is PostgreSQL {major}, expected {OLDEST_VERSION} or newer"
        )
    return connection


_SENTENCES: Final[Mapping[type[BaseException], str]] = {
    asyncpg.InvalidPasswordError: "it refuses the user {user}: wrong password, or no such user",
    asyncpg.InvalidAuthorizationSpecificationError: "it refuses the user {user}",
    asyncpg.InvalidCatalogNameError: "there is no database {database}",
    asyncpg.CannotConnectNowError: "it is starting up or shutting down",
    asyncpg.TooManyConnectionsError: "it has too many connections",
    asyncpg.InsufficientPrivilegeError: "the user {user} has not the rights it needs",
    asyncpg.DiskFullError: "its disk is full",
    asyncpg.ReadOnlySQLTransactionError: "it is read-only (a standby?)",
    asyncpg.UndefinedTableError: "it has no tables of ivrengine; the engine makes them when it starts",
    ConnectionRefusedError: "nobody listens there",
    FileNotFoundError: "nobody listens there",
    PermissionError: "its socket belongs to another user",
    socket.gaierror: "the host is not known",
    TimeoutError: "no answer in time",
    ConnectionResetError: "the connection was cut",
    asyncio.IncompleteReadError: "the connection was cut",
    asyncpg.ConnectionDoesNotExistError: "the connection was cut",
    # What asyncpg says of a connection that broke while nothing was asked of it.
    asyncpg.InterfaceError: "the connection was cut",
}
"""Why a database could not be used, the more special class before the more general one."""
OWN_WORDS: Final = (DatabaseRefusedError, DatabaseUrlError, JournalUnreadableError)
"""Errors of ours, which are sentences already."""


def explain(error: BaseException, place: str, url: str | None) -> str:
    """Return one sentence for a person: what is wrong with the database at (or in) that place."""
    if isinstance(error, OWN_WORDS):
        return str(error)
    told = address(url) if url is not None else None
    for kind, sentence in _SENTENCES.items():
        if isinstance(error, kind):
            why = sentence.format(
                user=told.user if told else "ivrengine",
                database=told.database if told else "postgres",
            )
            return f"the database {place} cannot be used: {why}"
    return f"the database {place} cannot be used: {sqlstate(error)}, {type(error).__name__}"
