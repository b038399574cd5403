"""An embedded server as tests use it: entered, asked, looked at, and killed."""

import contextlib
import os
import select
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from ivrengine.store import connecting, postmaster
from ivrengine.store.embedded import EmbeddedPostgres

MakeDir = Callable[..., Path]


def pid_of(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().splitlines()[0])


def runs(folder: Path) -> bool:
    return postmaster.is_running(folder / "postgres")


@contextlib.asynccontextmanager
async def using(folder: Path) -> AsyncIterator[str]:
    postgres = EmbeddedPostgres(folder)
    url = await postgres.start()
    try:
        yield url
    finally:
        await postgres.stop()


def kill(pid: int) -> None:
    """Kill a process that is not ours, and return when it is gone."""
    descriptor = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([descriptor], [], [], 10)
    os.close(descriptor)


async def answer(url: str) -> object:
    connection = await connecting.connect(url)
    try:
        return await connection.fetchval("SELECT 42")
    finally:
        await connection.close()
