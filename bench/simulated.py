"""How many complete calls a second the engine and the simulated switch run in virtual time, and what a held call weighs.

The calls walk six nodes of the example flow; the journal is written to disk as in production, the store is left out.
"""

import asyncio
import dataclasses
import gc
import resource
import tempfile
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path

import structlog

from ivrengine.core import effects
from ivrengine.core.call import Caller
from ivrengine.core.ids import BrandId, NumberId
from ivrengine.core.rows import NumberRow
from ivrengine.engine.clock import EngineClock
from ivrengine.engine.engine import Engine
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_reading import Recovered
from ivrengine.engine.limits import Limits
from ivrengine.flow.load import load_folder
from ivrengine.sim import script
from ivrengine.sim.clock import run_virtual
from ivrengine.sim.switch import SimSwitch
from ivrengine.telemetry import logs, metrics

FLOWS = Path(__file__).parent / "flows"
DID = "+902124440199"
PROMPT_S = 2.0
KIB = 1024
WALK = script.script(
    script.on("bench-question", script.press("1", after_s=1.0)),
    script.on("bench-number", script.press("42#", after_s=1.0)),
)
"""Six nodes: welcome, menu, collect, switch, set, goodbye."""


class _Sounds:
    def media(self, brand: BrandId, name: str, language: str) -> str:
        return f"sound:{brand}/{language}/{name}"

    async def speech(self, brand: BrandId, spoken: effects.Spoken, language: str) -> str:
        return self.media(brand, spoken.prompt, language)


def _recognise(
    brand: BrandId, number: str | None, at: datetime, number_id: NumberId | None = None
) -> tuple[Caller, NumberRow | None]:
    del brand, at, number_id
    return Caller(withheld=number is None, mask="withheld", key=None, number_id=None), None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """An engine with a simulated switch on a virtual clock."""

    engine: Engine
    switch: SimSwitch
    ended: Callable[[], float]


async def _open(folder: Path) -> World:
    book, problems = load_folder(FLOWS)
    assert not [p for p in problems if p.severity == "error"], "\n".join(map(str, problems))
    clock = EngineClock(datetime(2026, 1, 1, tzinfo=UTC), asyncio.get_running_loop().time)
    journal = Journal(folder)
    journal.begin(Recovered(), clock.now())
    counted = metrics.new()
    engine = Engine(
        journal=journal,
        book=book,
        recognise=_recognise,
        now=clock.now,
        metrics=counted,
        limits=Limits(calls_max=100_000),
    )
    switch = SimSwitch(listener=engine.listen, now=clock.now, duration_s=lambda _media: PROMPT_S)
    engine.attach(switch, _Sounds())
    switch.start()
    return World(
        engine=engine,
        switch=switch,
        ended=lambda: metrics.total(counted, "calls_ended_total", outcome="completed"),
    )


async def _throughput(folder: Path, calls: int, per_s: float) -> float:
    """Return complete calls per second of real time."""
    world = await _open(folder)
    began = time.perf_counter()
    for _ in range(calls):
        world.switch.call(DID, number="+905320000001", script=WALK)
        await asyncio.sleep(1 / per_s)
    await asyncio.sleep(60)  # virtual: the last caller is done long before
    assert world.ended() == calls
    return calls / (time.perf_counter() - began)


async def _held(folder: Path, calls: int) -> float:
    """Return the memory of a call that is held in a menu, in KiB, its caller and the simulated switch included."""
    world = await _open(folder)
    world.switch.call(DID)
    await asyncio.sleep(1)
    gc.collect()
    before = _resident_bytes()
    for _ in range(calls):
        world.switch.call(DID)
    await asyncio.sleep(3)
    assert len(world.engine.calls()) == calls + 1
    gc.collect()
    return (_resident_bytes() - before) / calls / KIB


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def _virtual(work: Callable[[Path], Coroutine[None, None, float]]) -> float:
    logs.configure(level="error", style="json")
    try:
        with tempfile.TemporaryDirectory() as folder:
            return run_virtual(work(Path(folder) / "journal"))
    finally:
        structlog.reset_defaults()


def measure(calls: int = 2_000) -> dict[str, float]:
    """Return the figures."""
    return {
        "simulated_calls_per_s": round(_virtual(lambda f: _throughput(f, calls, per_s=50.0)), 1),
        "held_call_kib": round(_virtual(lambda f: _held(f, 5_000)), 1),
    }


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:24} {value}")  # noqa: T201 - a command's result
