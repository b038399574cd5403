"""How soon an engine that was killed with 200 calls in progress has them all again, and whether they all go on.

From the start of the new process to its line that it has compared its calls with what is alive: Python, flows, prompts, journal,
link and snapshot included. The callers press their key afterwards; who is served then, was adopted.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from bench import callers, processes
from bench.contenders import DIDS, ENGINE

OPEN: Final = 200
WITHIN_S: Final = 4
THINKS_S: Final = 13.0
"""Longer than all callers take to come and the engine to come back, shorter than the menu waits."""


async def _measure() -> dict[str, float]:
    did = DIDS[ENGINE]
    with tempfile.TemporaryDirectory() as folder:
        async with processes.engine(Path(folder)) as first:
            await callers.call(did, 20, 3)
            per_s = OPEN // WITHIN_S
            calling = asyncio.create_task(callers.call(did, per_s, WITHIN_S, thinks_s=THINKS_S))
            await asyncio.sleep(WITHIN_S + 1)
            first.process.kill()
        async with processes.engine(Path(folder), b'"node compared"') as second:
            calls = await calling
            return {
                "adopted_s": round(second.ready_s, 2),
                "calls": OPEN,
                "went_on_share": round(calls.success, 4),
            }


def measure() -> dict[str, float]:
    """Return the figures."""
    return asyncio.run(_measure())


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:28} {value}")  # noqa: T201 - a command's result
