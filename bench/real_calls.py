"""The menu call on a real Asterisk: SIPp callers, the engine as people run it, journal and Postgres on.

Answer, prompt, digit (SIP INFO), prompt, hang up. Needs the Asterisk that ``make asterisk`` brings up, and sipp. All of it shares
this machine: the rate that is held is the whole machine's, and the engine's part of it is its CPU per call.
"""

import asyncio
import contextlib
import csv
import dataclasses
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tests.live import access

FLOWS = Path(__file__).parent / "flows"
SCENARIO = Path(__file__).parent / "menu.xml"
DID = "+902124440198"
INFO_CALLER = "127.0.0.2"
"""The trunk whose digits come by SIP INFO: no RTP, so that thousands of callers cost little."""
READY_LIMIT_S = 60.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
KIB = 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What became of the calls of one rate."""

    offered_per_s: float
    calls: int
    failed: int
    engine_cpu_ms_per_call: float
    asterisk_cpu_ms_per_call: float

    @property
    def success(self) -> float:
        """The share of calls that went through the flow to their end."""
        return 1 - self.failed / self.calls


class Engine:
    """The engine, as a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, ready_s: float) -> None:
        self.process = process
        self.ready_s = ready_s

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


def cpu_s(pid: int) -> float:
    """Return the processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


@contextlib.asynccontextmanager
async def engine(data: Path, flows: Path = FLOWS) -> AsyncIterator[Engine]:
    """Run ``ivrengine serve`` on the Asterisk of this checkout."""
    environment = {
        **os.environ,
        "IVRENGINE_DATA_DIR": str(data),
        "IVRENGINE_FLOWS_DIR": str(flows),
        "IVRENGINE_LOG__FORMAT": "json",
    }
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ivrengine", "serve", "--config", f"{access.root()}.toml"),
        env=environment,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(READY_LIMIT_S):
            told = b""
            while b'"asterisk linked"' not in told:
                told = await process.stderr.readline() or told
                if process.stderr.at_eof():
                    raise RuntimeError(f"the engine ended: {told.decode()}")
        ready_s = time.monotonic() - began
        drain = asyncio.create_task(_drain(process.stderr))
        yield Engine(process, ready_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()
    await drain


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(64 * KIB):
        pass


async def offer(running: Engine, per_s: int, for_s: int, *, thinks_s: float = 0.5) -> Served:
    """Offer so many calls a second for so long, and return what became of them."""
    switch = int((access.root() / "run/asterisk/asterisk.pid").read_text())
    before, switch_before = running.cpu_s, cpu_s(switch)
    with tempfile.TemporaryDirectory() as folder:
        done, failed = await _sipp(Path(folder), per_s, per_s * for_s, thinks_s)
    calls = done + failed
    return Served(
        offered_per_s=per_s,
        calls=calls,
        failed=failed,
        engine_cpu_ms_per_call=1000 * (running.cpu_s - before) / calls,
        asterisk_cpu_ms_per_call=1000 * (cpu_s(switch) - switch_before) / calls,
    )


async def _sipp(folder: Path, per_s: int, calls: int, thinks_s: float) -> tuple[int, int]:
    """Return how many calls went to their end, and how many did not."""
    sipp = shutil.which("sipp")
    assert sipp is not None, "sipp is not installed (Debian's package sip-tester has it)"
    sip = access.access().sip
    statistics = folder / "statistics.csv"
    process = await asyncio.create_subprocess_exec(
        *(sipp, f"{sip[0]}:{sip[1]}", "-sf", str(SCENARIO), "-s", DID, "-i", INFO_CALLER),
        *("-r", str(per_s), "-m", str(calls), "-l", str(calls)),
        *("-nostdin", "-timeout", "300", "-timeout_error", "-recv_timeout", "20000"),
        *("-trace_stat", "-stf", str(statistics), "-fd", "1"),
        *("-d", str(round(thinks_s * 1000))),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await process.wait()
    with statistics.open() as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    return int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])


RATES = (50, 100, 150, 200)
"""Calls a second that are offered, one after the other; the highest that is held is the figure."""
HELD_SHARE = 0.999
OFFER_S = 20
PARKED = 600


async def _measure() -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        async with engine(Path(folder)) as first:
            await offer(first, 20, 5)  # Asterisk and the database's first pages warm up
        async with engine(Path(folder)) as running:
            figures["ready_s"] = round(running.ready_s, 2)
            await offer(running, 20, 5)
            figures["held_call_kib"] = round(await _weigh(running), 1)
            for rate in RATES:
                served = await offer(running, rate, OFFER_S)
                figures[f"success_at_{rate}_per_s"] = round(served.success, 5)
                figures[f"engine_cpu_ms_at_{rate}_per_s"] = round(served.engine_cpu_ms_per_call, 2)
                if served.success >= HELD_SHARE:
                    figures["held_per_s"] = rate
    return figures


async def _weigh(running: Engine) -> float:
    """Return the engine's memory per call, over calls that wait in a menu, in KiB."""
    before = running.resident_kib
    parked = asyncio.create_task(offer(running, PARKED // 6, 6, thinks_s=9.0))
    await asyncio.sleep(8)
    weight = (running.resident_kib - before) / PARKED
    await parked
    return weight


def measure() -> dict[str, float]:
    """Return the figures."""
    return asyncio.run(_measure())


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:28} {value}")  # noqa: T201 - a command's result
