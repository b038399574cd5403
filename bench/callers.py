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
ANSWER_LIMIT_MS = 5_000
"""A call in which anything takes longer has failed; an overloaded round is then over soon."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What became of the calls of one rate."""

    per_s: int
    done: int
    failed: int
    refused: int
    """Told that there are too many calls (486), before they were answered."""
    reactions_ms: tuple[float, ...]
    """From each key press to the BYE, as the caller sees them."""

    @property
    def success(self) -> float:
        """The share of calls that went to their end."""
        return self.done / (self.done + self.failed + self.refused)


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
        *("-nostdin", "-timeout", "300", "-timeout_error", "-recv_timeout", str(ANSWER_LIMIT_MS)),
        *("-trace_stat", "-stf", str(statistics), "-fd", "1", "-trace_shortmsg"),
        *("-d", str(round(thinks_s * 1000))),
        cwd=folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await process.wait()
    with statistics.open() as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    refused = int(last["GenericCounter1(C)"])
    return Calls(
        per_s=per_s,
        done=int(last["SuccessfulCall(C)"]) - refused,
        refused=refused,
        failed=int(last["FailedCall(C)"]),
        reactions_ms=_reactions_ms(folder / f"{SCENARIO.stem}_{process.pid}_shortmessages.log"),
    )


def _reactions_ms(path: Path) -> tuple[float, ...]:
    """Return how long after its INFO each call got its BYE, by SIPp's log of messages.

    Its clock for response times ticks every 4 ms; the log's has microseconds.
    """
    pressed: dict[str, float] = {}
    found: list[float] = []
    for line in path.read_text().splitlines():
        _, _, at_s, direction, call, _, what = line.split("\t")
        if direction == "S" and what.startswith("INFO "):
            pressed.setdefault(call, float(at_s))
        elif direction == "R" and what.startswith("BYE ") and call in pressed:
            found.append(1000 * (float(at_s) - pressed.pop(call)))
    return tuple(found)
