"""Who runs the embedded server, and what he may see."""
# ruff: noqa: ASYNC240 - files are what is tested; nobody else is on the loop

import asyncio
import os
import pwd
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ivrengine.store import postmaster, serving
from ivrengine.store.faults import DatabaseRefusedError
from tests.store.a_server import MakeDir, answer, pid_of, runs, using

pytestmark = pytest.mark.postgres


root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@root
async def test_under_root_the_server_runs_as_a_user_of_its_own(data: Path) -> None:
    async with using(data):
        owner = Path(f"/proc/{pid_of(data)}").stat().st_uid
    assert pwd.getpwuid(owner).pw_name == serving.ACCOUNT


@root
async def test_under_root_closed_folders_above_are_opened_for_passage_and_not_for_reading(
    data: Path, data_dir: MakeDir
) -> None:
    closed = data_dir("closed")
    closed.mkdir()
    data.rename(closed / "data")
    closed.chmod(0o700)
    with capture_logs() as logs:
        async with using(closed / "data") as url:
            assert await answer(url) == 42
    assert closed.stat().st_mode & 0o777 == 0o701
    assert "folder opened for passage" in [entry["event"] for entry in logs]


NOBODY = pwd.getpwnam("nobody")


def as_nobody(folder: Path) -> int:
    """Use the data folder in a child process that gives up root before it starts anything; return its exit code."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY.pw_gid)
            os.setuid(NOBODY.pw_uid)
            os._exit(asyncio.run(_uses_it(folder)))
        finally:
            os._exit(9)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


async def _uses_it(folder: Path) -> int:
    async with using(folder) as url:
        right = await answer(url) == 42
        mine = Path(f"/proc/{pid_of(folder)}").stat().st_uid == NOBODY.pw_uid
    return 0 if right and mine and not runs(folder) else 1


@root
def test_an_ordinary_user_keeps_his_database_also_when_root_has_looked_at_it(
    data_dir: MakeDir,
) -> None:
    folder = data_dir("ordinary")
    folder.mkdir()
    os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    for parent in folder.parents:
        parent.chmod(parent.stat().st_mode | 0o001)
    assert as_nobody(folder) == 0
    assert asyncio.run(_uses_it(folder)) == 0, "root runs it as its owner"
    assert as_nobody(folder) == 0


async def test_a_link_in_the_place_of_the_short_socket_folder_is_refused_and_not_followed(
    data: Path, data_dir: MakeDir
) -> None:
    long = data_dir("long") / ("a folder with a rather long name, " * 3) / "data"
    long.parent.mkdir(parents=True)
    data.rename(long)
    target = data_dir("target")
    target.mkdir()
    owner = target.stat().st_uid
    short = postmaster.short_folder(long / "postgres")
    short.symlink_to(target)
    try:
        with pytest.raises(DatabaseRefusedError, match="belongs to another user"):
            async with using(long):
                pass
        assert target.stat().st_uid == owner
    finally:
        short.unlink()
