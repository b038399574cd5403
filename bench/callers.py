"""Callers of the menu call: SIPp, digits by SIP INFO and no RTP, so that hundreds of them cost little."""

import asyncio
import csv
import dataclasses
import shutil
import tempfile
from pathlib import Path

from tests.live import access

SCENARIO = Path(__file__).parent / "menu.xml"
CALLER = "127.0.0.2"
"""The trunk whose digits come by SIP INFO."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What became of the calls of one rate."""

    per_s: int
    done: int
    failed: int
    reactions_ms: tuple[float, ...]
    """From each key press to the BYE, as the caller sees them."""

    @property
    def success(self) -> float:
        """The share of calls that went to their end."""
        return self.done / (self.done + self.failed)


async def call(
    did: str, per_s: int, for_s: float, *, digit: str = "1", thinks_s: float = 0.5
) -> Calls:
    """Begin so many calls a second for so long; each presses the digit after it has thought."""
    with tempfile.TemporaryDirectory() as folder:
        return await _sipp(Path(folder), did, per_s, round(per_s * for_s), digit, thinks_s)


async def _sipp(
    folder: Path, did: str, per_s: int, calls: int, digit: str, thinks_s: float
) -> Calls:
    sipp = shutil.which("sipp")
    assert sipp is not None, "sipp is not installed (Debian's package sip-tester has it)"
    host, port = access.access().sip
    statistics = folder / "statistics.csv"
    process = await asyncio.create_subprocess_exec(
        *(sipp, f"{host}:{port}", "-sf", str(SCENARIO), "-s", did, "-i", CALLER),
        *("-r", str(per_s), "-m", str(calls), "-l", str(calls), "-key", "digit", digit),
        *("-nostdin", "-timeout", "300", "-timeout_error", "-recv_timeout", "20000"),
        *("-trace_stat", "-stf", str(statistics), "-fd", "1", "-trace_rtt", "-rtt_freq", "1"),
        *("-d", str(round(thinks_s * 1000))),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await process.wait()
    last = _rows(statistics)[-1]
    reactions = _rows(folder / f"{SCENARIO.stem}_{process.pid}_rtt.csv")
    return Calls(
        per_s=per_s,
        done=int(last["SuccessfulCall(C)"]),
        failed=int(last["FailedCall(C)"]),
        reactions_ms=tuple(float(row["response_time_ms"]) for row in reactions),
    )


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file, delimiter=";"))
