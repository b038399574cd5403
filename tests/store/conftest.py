"""One PostgreSQL for all tests of the store that need one; each test gets an empty, migrated database of its own."""

import asyncio
import itertools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ivrengine.store import connecting, schema
from ivrengine.store.embedded import EmbeddedPostgres
from tests.store.a_database import new_database

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def passable() -> Iterator[Path]:
    """Return a folder outside pytest's own, which each start of pytest closes to other users, the server's among them."""
    folder = Path(tempfile.mkdtemp(prefix="ivrengine-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(passable: Path) -> Iterator[str]:
    """Return the URL of a running server whose database is migrated and never written to."""
    postgres = EmbeddedPostgres(passable / "shared")
    try:
        url = asyncio.run(postgres.start())
        asyncio.run(_prepare(url))
        yield url
    finally:
        asyncio.run(postgres.stop())


async def _prepare(url: str) -> None:
    connection = await connecting.connect(url)
    await connection.execute(
        "ALTER SYSTEM SET fsync = off"
    )  # these rows need not survive the machine
    await connection.execute("SELECT pg_reload_conf()")
    await connection.close()
    await schema.migrate(url)


@pytest.fixture
def empty_url(server: str) -> str:
    """Return the URL of a database without tables."""
    return new_database(server, "template1")


@pytest.fixture
def url(server: str) -> str:
    """Return the URL of a database with the current tables, all empty."""
    return new_database(server)


@pytest.fixture
def data_dir(passable: Path) -> Iterator[Callable[[str], Path]]:
    """Return a maker of data folders; servers that a test leaves running in them are stopped."""
    made: list[Path] = []
    here = passable / str(next(_numbers))
    here.mkdir()

    def make(name: str = "data") -> Path:
        made.append(here / name)
        return made[-1]

    yield make
    for folder in made:
        asyncio.run(_stop(folder))


async def _stop(folder: Path) -> None:
    postgres = EmbeddedPostgres(folder)
    if postgres.exists:
        postgres._use()
        await postgres.stop()


@pytest.fixture(scope="session")
def made(passable: Path) -> Path:
    """Return a data folder with a database that was made and stopped, to be copied."""
    folder = passable / "made"
    postgres = EmbeddedPostgres(folder)
    asyncio.run(postgres.start())
    asyncio.run(postgres.stop())
    return folder


@pytest.fixture
def data(made: Path, data_dir: Callable[..., Path]) -> Path:
    """Return a data folder with a stopped server."""
    folder = data_dir()
    copy = ["cp", "-a", str(made), str(folder)]  # with its owners
    subprocess.run(copy, check=True)  # noqa: S603
    return folder
