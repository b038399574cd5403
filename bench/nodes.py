"""What one step costs at each type of node: CPU per event of the scripted calls of the language's examples, CEL included.

Each step is taken some times in a row, which changes nothing as it is pure, and costs what it costs in the middle: the first
time is what the harness left in the caches. A step that goes through several nodes costs each of them the same part of it.
"""

import gc
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from unittest import mock

import structlog
from rich.console import Console
from rich.table import Table

from ivrengine.core import effects
from ivrengine.core.call import Call
from ivrengine.core.events import CallArrived, CallEvent
from ivrengine.flow.load import load_folder
from ivrengine.flow.model import Flow
from ivrengine.flow.running import step
from ivrengine.flow.running.tidying import Result
from ivrengine.telemetry import logs
from ivrengine.testing.playing import Played, ground_of, play_all
from ivrengine.testing.reading import read_scripts, script_files

EXAMPLES: Final = Path(__file__).resolve().parents[1] / "docs" / "flow-language"
ROUNDS: Final = 10

REPEATS: Final = 5

Costs = dict[str, list[float]]
"""Microseconds of each step, by the type of the node."""


def _timed(costs: Costs) -> tuple[Callable[..., Result], Callable[..., Result]]:
    clock, begin, go_on = time.thread_time_ns, step.begin, step.step

    def note(took_us: float, done: tuple[effects.Effect, ...], stood_at: str) -> None:
        entered = [effect.node_type for effect in done if isinstance(effect, effects.EnterNode)]
        for kind in entered or [stood_at]:
            costs.setdefault(kind, []).append(took_us / (len(entered) or 1))

    def timed(take: Callable[[], Result]) -> tuple[Result, float]:
        took_us = []
        for _ in range(REPEATS):
            began = clock()
            result = take()
            took_us.append((clock() - began) / 1000)
        return result, statistics.median(took_us)

    def timed_begin(flow: Flow, event: CallArrived) -> Result:
        result, took_us = timed(lambda: begin(flow, event))
        note(took_us, result[1], flow.nodes[flow.start].type)
        return result

    def timed_step(flow: Flow | None, call: Call, event: CallEvent) -> Result:
        result, took_us = timed(lambda: go_on(flow, call, event))
        if flow is not None:
            note(took_us, result[1], flow.running(call).nodes[call.node].type)
        return result

    return timed_begin, timed_step


def run(rounds: int = ROUNDS) -> Costs:
    """Play all scripted calls of the examples so many times, and time each step."""
    book, _ = load_folder(EXAMPLES)
    scripts, problems = read_scripts(script_files(EXAMPLES), book)
    assert not problems, "\n".join(map(str, problems))
    costs: Costs = {}
    begin, go_on = _timed(costs)
    played: list[Played] = []
    logs.configure(level="error", style="json")
    gc.collect()
    gc.disable()
    try:
        with mock.patch.object(step, "begin", begin), mock.patch.object(step, "step", go_on):
            play_all(scripts * rounds, ground_of(book, EXAMPLES), played.append)
    finally:
        gc.enable()
        structlog.reset_defaults()
    assert not [each.script.name for each in played if each.failure is not None]
    return costs


def measure(rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median of each type of node in microseconds, and the largest of them."""
    medians = {
        f"{kind}_us": round(statistics.median(us), 1) for kind, us in sorted(run(rounds).items())
    }
    return {**medians, "dearest_us": max(medians.values())}


def main() -> None:
    """Print what a step costs at each type of node."""
    table = Table("node", "steps", "median µs", "p99 µs", title="One step, by node")
    for kind, us in sorted(run().items()):
        p99 = statistics.quantiles(us, n=100)[-1]
        table.add_row(kind, f"{len(us)}", f"{statistics.median(us):.1f}", f"{p99:.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
