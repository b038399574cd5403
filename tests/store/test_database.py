"""What a person is told when the database cannot be used, and that no password is in it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from ivrengine.store import connecting, schema
from ivrengine.store.connecting import DatabaseUrlError
from ivrengine.store.database import Database, DatabaseError
from ivrengine.store.faults import DatabaseRefusedError, Fault, RowError, fault

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"mysql://me:{SECRET}@db/calls", "found the scheme 'mysql'"),
        (f"postgresql+asyncpg://me:{SECRET}@db/calls", "found the scheme 'postgresql+asyncpg'"),
        ("db.example/calls", "found no scheme"),
        ("", "found no scheme"),
        (f"postgresql://me:{SECRET}@db:54x32/calls", "host or port that cannot be read"),
        (f"postgresql://me:{SECRET}@db:99999/calls", "host or port that cannot be read"),
        (f"postgresql://me:{SECRET}@[::1/calls", "host or port that cannot be read"),
        (f"postgresql://me:{SECRET}@one:5432,two:x/calls", "host or port that cannot be read"),
        (f"postgresql:me:{SECRET}@db/calls", "found no scheme"),
    ],
)
def test_a_database_url_that_is_none_is_refused_at_once(
    url: str, found: str, tmp_path: Path
) -> None:
    with pytest.raises(DatabaseUrlError) as refused:
        Database(url, tmp_path)
    sentence = str(refused.value)
    assert sentence.startswith(
        "DATABASE_URL: expected postgresql://user:password@host:5432/database"
    )
    assert found in sentence
    assert SECRET not in sentence


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:pw@db.example:6432/calls", "db.example:6432/calls"),
        ("postgres://me@db.example/calls", "db.example/calls"),
        (
            "postgresql://me:pw@one:5432,two:5433/calls?target_session_attrs=read-write",
            "one:5432,two:5433/calls",
        ),
        ("postgresql://me@db.example", "db.example/me"),
        ("postgresql://me:p%40w@[::1]:5432/calls?sslmode=require", "[::1]:5432/calls"),
        ("postgresql://me@/calls?host=/run/postgresql", "/run/postgresql/calls"),
        ("postgresql:///calls", "the local socket/calls"),
    ],
)
def test_a_place_is_told_without_the_password(url: str, place: str) -> None:
    assert str(connecting.address(url)) == place


async def told_about(url: str, tmp_path: Path) -> str:
    with pytest.raises(DatabaseError) as refused:
        await Database(url, tmp_path).read()
    sentence = str(refused.value)
    assert SECRET not in sentence
    assert "\n" not in sentence
    return sentence


@pytest.mark.real_time
async def test_a_port_where_nobody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sentence = await told_about(f"postgresql://me:{SECRET}@127.0.0.1:{port}/calls", tmp_path)
    assert (
        sentence == f"the database at 127.0.0.1:{port}/calls cannot be used: nobody listens there"
    )


@pytest.mark.real_time
async def test_a_server_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "CONNECT_TIMEOUT_S", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        sentence = await told_about(f"postgresql://me:{SECRET}@127.0.0.1:{port}/calls", tmp_path)
    assert sentence.endswith("cannot be used: no answer in time")


@pytest.mark.real_time
async def test_something_that_is_no_postgresql(tmp_path: Path) -> None:
    async with _answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        sentence = await told_about(f"postgresql://me:{SECRET}@127.0.0.1:{port}/calls", tmp_path)
    assert sentence.startswith(f"the database at 127.0.0.1:{port}/calls cannot be used: ")


@asynccontextmanager
async def _answering(answer: bytes) -> AsyncIterator[int]:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.postgres
async def test_a_database_that_does_not_exist(server: str, tmp_path: Path) -> None:
    sentence = await told_about(server.replace("/postgres?", "/nosuch?"), tmp_path)
    assert sentence.endswith("cannot be used: there is no database nosuch")


@pytest.mark.postgres
async def test_a_user_that_does_not_exist(server: str, tmp_path: Path) -> None:
    sentence = await told_about(server.replace("ivrengine@", f"nosuch:{SECRET}@"), tmp_path)
    assert sentence.endswith("cannot be used: it refuses the user nosuch")


@pytest.mark.postgres
async def test_a_database_without_tables(empty_url: str, tmp_path: Path) -> None:
    sentence = await told_about(empty_url, tmp_path)
    assert sentence == (
        "the database has no tables of this version of ivrengine yet; the engine makes them when it starts"
    )


@pytest.mark.postgres
async def test_a_database_of_a_newer_ivrengine(url: str, tmp_path: Path) -> None:
    connection = await connecting.connect(url)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    assert "a newer one has used it" in await told_about(url, tmp_path)
    with pytest.raises(DatabaseRefusedError):
        await Database(url, tmp_path).connect()


@pytest.mark.postgres
async def test_connecting_makes_the_tables_of_an_empty_database(
    empty_url: str, tmp_path: Path
) -> None:
    database = Database(empty_url, tmp_path)
    tables = await database.connect()
    await tables.close()
    connection = await database.read()
    assert await schema.is_current(connection)
    await connection.close()
    await database.close()


@pytest.mark.real_time
async def test_a_data_folder_without_a_database_is_not_made_by_reading(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with pytest.raises(
        DatabaseError, match=r"there is no database in .*; the engine makes it when it starts"
    ):
        await Database(None, data_dir).read()
    assert not data_dir.exists()


@pytest.mark.postgres
async def test_reading_starts_the_embedded_server_and_closing_stops_it(
    data_dir: Callable[..., Path],
) -> None:
    folder = data_dir()
    engine = Database(None, folder)
    await (await engine.connect()).close()
    await engine.close()
    assert not (folder / "postgres" / "postmaster.pid").exists()
    reader = Database(None, folder)
    connection = await reader.read()
    assert await connection.fetchval("SELECT count(*) FROM calls") == 0
    await connection.close()
    await reader.close()
    assert not (folder / "postgres" / "postmaster.pid").exists()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionRefusedError(), Fault.AWAY),
        (TimeoutError(), Fault.AWAY),
        (asyncpg.InterfaceError("connection is closed"), Fault.AWAY),
        (asyncpg.AdminShutdownError("x"), Fault.AWAY),
        (asyncpg.CannotConnectNowError("x"), Fault.AWAY),
        (asyncpg.ConnectionDoesNotExistError("x"), Fault.AWAY),
        (asyncpg.QueryCanceledError("x"), Fault.AWAY),
        (asyncpg.DiskFullError("x"), Fault.UNABLE),
        (asyncpg.OutOfMemoryError("x"), Fault.UNABLE),
        (asyncpg.TooManyConnectionsError("x"), Fault.UNABLE),
        (asyncpg.ReadOnlySQLTransactionError("x"), Fault.UNABLE),
        (asyncpg.DeadlockDetectedError("x"), Fault.UNABLE),
        (asyncpg.LockNotAvailableError("x"), Fault.UNABLE),
        (asyncpg.PostgresIOError("x"), Fault.UNABLE),
        (asyncpg.InternalServerError("x"), Fault.UNABLE),
        (asyncpg.InvalidPasswordError("x"), Fault.REFUSED),
        (asyncpg.InvalidCatalogNameError("x"), Fault.REFUSED),
        (asyncpg.InsufficientPrivilegeError("x"), Fault.REFUSED),
        (asyncpg.UndefinedTableError("x"), Fault.REFUSED),
        (DatabaseRefusedError("x"), Fault.REFUSED),
        (asyncpg.UntranslatableCharacterError("x"), Fault.DATA),
        (asyncpg.NumericValueOutOfRangeError("x"), Fault.DATA),
        (asyncpg.NotNullViolationError("x"), Fault.DATA),
        (asyncpg.CheckViolationError("x"), Fault.DATA),
        (asyncpg.ProgramLimitExceededError("x"), Fault.DATA),
        (RowError("x"), Fault.DATA),
        (asyncpg.PostgresError("of a class that nobody has heard of"), Fault.UNABLE),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_errors_are_classed_by_what_can_be_done(error: Exception, expected: Fault) -> None:
    assert fault(error) is expected
