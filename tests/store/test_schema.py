"""The tables and their versions, on every PostgreSQL that is at hand."""

import asyncio
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.engine.identity import uuid7
from ivrengine.store import connecting, embedded, schema
from ivrengine.store.embedded import EmbeddedPostgres
from ivrengine.store.faults import RETRIED
from ivrengine.store.items import milliseconds_of
from ivrengine.store.schema import SchemaError
from ivrengine.store.tables import PostgresTables
from tests.store import samples
from tests.store.a_database import JOURNAL, connected, contents, ship


def _at_hand() -> dict[str, Path]:
    """Return the folders of other PostgreSQL versions: the package brings an older one, the machine may have another."""
    newest = embedded._packaged_binaries()
    found = {
        path.parent.parts[-2]: path.parent for path in newest.parents[1].glob("*/bin/postgres")
    }
    found = {name: path for name, path in found.items() if path != newest}
    installed = shutil.which("pg_ctl")
    if installed is not None:
        folder = Path(installed).resolve().parent
        if (folder / "initdb").exists():
            found[f"installed {embedded._major(folder)}"] = folder
    return found


OTHERS = _at_hand()


@pytest.mark.postgres
@pytest.mark.parametrize("binaries", list(OTHERS.values()), ids=list(OTHERS))
async def test_older_versions_of_postgresql_suit(
    binaries: Path, url: str, data_dir: Callable[..., Path]
) -> None:
    postgres = EmbeddedPostgres(data_dir(), binaries=binaries)
    try:
        elsewhere = await postgres.start()
        await schema.migrate(elsewhere)
        await ship(elsewhere, JOURNAL)
        await ship(url, JOURNAL)
        async with connected(elsewhere) as there, connected(url) as here:
            assert there.get_server_version().major < here.get_server_version().major
            assert await contents(there) == await contents(here)
            await PostgresTables(there).tidy()
    finally:
        await postgres.stop()


@pytest.mark.postgres
async def test_migrating_makes_the_tables_and_doing_it_again_changes_nothing(
    empty_url: str,
) -> None:
    for _ in range(2):
        await schema.migrate(empty_url)
        async with connected(empty_url) as connection:
            assert await schema.current(connection) == schema.versions()[-1]
            assert await connection.fetchval("SELECT count(*) FROM calls") == 0


@pytest.mark.postgres
async def test_engines_that_migrate_at_the_same_time_do_it_once(empty_url: str) -> None:
    await asyncio.gather(*(schema.migrate(empty_url) for _ in range(4)))
    async with connected(empty_url) as connection:
        assert await schema.is_current(connection)


@pytest.mark.postgres
async def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    async with connected(empty_url) as connection:
        await connection.execute(
            "CREATE TABLE numbers (x integer)"
        )  # in the way of the last tables
    with pytest.raises(RETRIED, match="numbers"):
        await schema.migrate(empty_url)
    async with connected(empty_url) as connection:
        assert await schema.current(connection) is None
        assert await connection.fetchval("SELECT to_regclass('calls')") is None


@pytest.mark.postgres
async def test_tables_of_a_newer_ivrengine_are_refused_with_a_sentence(url: str) -> None:
    async with connected(url) as connection:
        await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(
        SchemaError, match=r"tables of version 9999, and this ivrengine knows them up to"
    ):
        await schema.migrate(url)


@pytest.mark.postgres
async def test_every_table_and_function_says_what_it_is_for(url: str) -> None:
    async with connected(url) as connection:
        silent = await connection.fetch(
            "SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind IN ('r', 'p') AND relname <> 'alembic_version' AND obj_description(oid) IS NULL"
            " AND relname !~ '^events_[0-9]'"
            " UNION SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND prorettype <> 'trigger'::regtype AND obj_description(oid) IS NULL"
        )
    assert [row["name"] for row in silent] == []


@pytest.mark.postgres
async def test_the_boundary_of_a_month_is_the_lowest_id_of_its_first_instant(url: str) -> None:
    async with connected(url) as connection:
        for at in (
            datetime(2025, 11, 1, tzinfo=UTC),
            datetime(2000, 1, 1, tzinfo=UTC),
            samples.NOON,
        ):
            found = await connection.fetchval("SELECT first_uuid($1)", at)
            assert found < uuid.UUID(uuid7(at))
            assert found > uuid.UUID(uuid7(at - timedelta(milliseconds=1)))


def test_the_versions_are_those_that_alembic_finds_in_one_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.set_main_option("path_separator", "os")
    found = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(found)) == schema.versions()


def test_alembic_is_not_imported_by_an_engine_whose_tables_are_current() -> None:
    script = "import sys, ivrengine.store.database; sys.exit(any('alembic' in name for name in sys.modules))"
    subprocess.run([sys.executable, "-c", script], check=True)  # noqa: S603 - ourselves


@given(st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31)))  # noqa: DTZ001
def test_the_instant_inside_an_id_is_read_to_the_millisecond(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    assert milliseconds_of(uuid7(at)) == int(at.timestamp() * 1000)


@pytest.mark.postgres
async def test_a_commit_is_on_disk_before_it_is_acknowledged(url: str) -> None:
    async with connected(url) as connection:
        assert await connection.fetchval("SHOW synchronous_commit") == "on"


@pytest.mark.real_time
async def test_migrating_a_database_that_is_away_raises_what_is_retried(tmp_path: Path) -> None:
    with pytest.raises(RETRIED):
        await schema.migrate(f"postgresql://u@/d?host={tmp_path}")


@pytest.mark.postgres
async def test_a_migration_whose_connection_breaks_raises_what_is_retried(
    empty_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = connecting.connect
    opened: list[asyncpg.Connection] = []

    async def watched(url: str) -> asyncpg.Connection:
        opened.append(await connect(url))
        if len(opened) == 2:  # the one that the versions run on
            await opened[1].execute("SET statement_timeout = 1")
        return opened[-1]

    monkeypatch.setattr(connecting, "connect", watched)
    with pytest.raises(asyncpg.QueryCanceledError):
        await schema.migrate(empty_url)
    monkeypatch.undo()
    await schema.migrate(empty_url)
