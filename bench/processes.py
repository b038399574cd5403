"""The programs that the bench starts and weighs: the engine as people run it, and the peers it is compared with."""

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from tests.live import access

FLOWS = Path(__file__).parent / "flows"
READY_LIMIT_S = 60.0
LINKED = b'"taking calls"'
SHIPPING = b'"shipping"'
"""Said when the database is made and up to date, for which a first start takes some seconds of processor time."""
KIB = 1024
_NS = 1e9


def cpu_s(pid: int) -> float:
    """Return the processor time of a process, of all its threads, in seconds; 0 when it is gone.

    From ``schedstat``, which counts nanoseconds; the ticks of ``stat`` make a coarse figure of a short round.
    """
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(task.read_text().split()[0])
    return total / _NS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that runs, with how long it took until it was ready."""

    process: asyncio.subprocess.Process
    ready_s: float

    @property
    def cpu_s(self) -> float:
        """Processor time it has used so far."""
        return cpu_s(self.process.pid)

    @property
    def resident_kib(self) -> float:
        """Memory it holds now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return float(line.split()[1])


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str], environment: Mapping[str, str], *ready: bytes
) -> AsyncIterator[Program]:
    """Run a program from the lines that say it is ready, in whatever order, until the context is left."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_LIMIT_S):
            told, missing = b"", set(ready)
            while missing:
                told = await process.stdout.readline() or told
                missing = {words for words in missing if words not in told}
                if process.stdout.at_eof():
                    raise RuntimeError(f"{command[0]} ended: {told.decode()}")
        ready_s = time.monotonic() - began
        drain = asyncio.create_task(_drain(process.stdout))
        yield Program(process=process, ready_s=ready_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()
    await drain


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(64 * KIB):
        pass


@contextlib.asynccontextmanager
async def engine(data: Path, *ready: bytes) -> AsyncIterator[Program]:
    """Run ``ivrengine serve`` on the Asterisk of this checkout until its log has said all of ``ready``, or ``LINKED``."""
    environment = {
        "IVRENGINE_DATA_DIR": str(data),
        "IVRENGINE_FLOWS_DIR": str(FLOWS),
        "IVRENGINE_LOG__FORMAT": "json",
    }
    command = (sys.executable, "-m", "ivrengine", "serve", "--config", f"{access.root()}.toml")
    async with running(command, environment, *(ready or (LINKED,))) as program:
        yield program


def asterisk_cpu_s() -> float:
    """Return the processor time of the Asterisk of this checkout, with that of its threads that have ended.

    Each call is such a thread; only the ticks of ``stat`` count them too.
    """
    pid = int((access.root() / "run/asterisk/asterisk.pid").read_text())
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def postgres_cpu_s(data: Path) -> float:
    """Return the processor time of the engine's own PostgreSQL, of those of its processes that live now."""
    found = 0.0
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink().is_relative_to(data):
                found += cpu_s(int(process.name))
    return found
