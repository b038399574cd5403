"""The engine as people run it on a real Asterisk, journal and Postgres on: how soon it is ready, and what a waiting call weighs.

Needs the Asterisk that ``make asterisk`` brings up, and sipp. How fast it is: ``menu``.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from bench import callers, processes
from bench.contenders import DIDS, ENGINE

DID: Final = DIDS[ENGINE]
PARKED: Final = 600


async def _measure() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with processes.engine(Path(folder)):
            await callers.call(DID, 20, 5)  # Asterisk and the database's first pages warm up
        async with processes.engine(Path(folder)) as running:
            await callers.call(DID, 20, 5)
            return {
                "ready_s": round(running.ready_s, 2),
                "held_call_kib": round(await _weigh(running), 1),
            }


async def _weigh(running: processes.Program) -> float:
    """Return the engine's memory per call, over calls that wait in a menu, in KiB."""
    before = running.resident_kib
    parked = asyncio.create_task(callers.call(DID, PARKED // 6, 6, thinks_s=9.0))
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
