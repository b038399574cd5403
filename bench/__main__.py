"""``python -m bench [--quick] [NAME …]``: measures what the engine reaches here, and holds it against what it must reach.

All of it takes a quarter of an hour; ``--quick`` takes fewer and shorter rounds, and leaves docs/performance.md as it is.
"""

import importlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

NAMES: Final = (
    "step",
    "nodes",
    "checking",
    "events",
    "simulated",
    "scripted",
    "shipping",
    "real_calls",
    "adopt",
    "menu",
    "goodput",
)
LONG: Final = ("menu", "goodput")
"""Those that can be quick."""
RESULTS: Final = Path("bench-results.json")
MUST: Final[Mapping[str, tuple[str, float]]] = {
    "checking.checked_s": ("at most", 3),
    "checking.loaded_s": ("at most", 3),
    "events.event_us": ("at most", 40),
    "goodput.calm_after_s": ("at most", 60),
    "goodput.share": ("at least", 0.8),
    "menu.cpu_ms": ("at most", 2),
    "menu.held_by_bare_aioari": ("at least", 0.9),
    "menu.held_per_s": ("at least", 200),
    "menu.p50_ms": ("at most", 3),
    "menu.p99_ms": ("at most", 10),
    "adopt.adopted_s": ("at most", 5),
    "adopt.went_on_share": ("at least", 1),
    "nodes.dearest_us": ("at most", 50),
    "step.step_us_median": ("at most", 50),
    "simulated.simulated_calls_per_s": ("at least", 200),
    "scripted.scripted_calls_per_s": ("at least", 300),
    "simulated.held_call_kib": ("at most", 32),
    "shipping.events_per_s": ("at least", 20_000),
    "real_calls.held_call_kib": ("at most", 32),
    "real_calls.ready_s": ("at most", 3),
}
"""What each figure must reach; figures of a machine that does other things meanwhile say little."""


def main(words: list[str]) -> int:
    """Run the named benches, or all; 2 for a name that is none."""
    console = Console()
    quick = "--quick" in words
    names = [word for word in words if word != "--quick"]
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        console.print(f"there is no bench {unknown[0]!r}; there are {', '.join(NAMES)}")
        return 2
    figures: dict[str, float] = {}
    for name in names or NAMES:
        console.print(f"measuring {name} …")
        measure: Callable[..., dict[str, float]] = importlib.import_module(f"bench.{name}").measure
        found = measure(quick=True) if quick and name in LONG else measure()
        named = {f"{name}.{key}": value for key, value in found.items()}
        console.print(named)
        figures |= named
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n")
    console.print(_table(figures))
    return 0


def _table(figures: Mapping[str, float]) -> Table:
    table = Table("figure", "measured", "must", "")
    for name, value in figures.items():
        how, bound = MUST.get(name, ("", 0.0))
        reached = {"at most": value <= bound, "at least": value >= bound}.get(how)
        verdict = "" if reached is None else ("reached" if reached else "NOT REACHED")
        table.add_row(name, f"{value:g}", f"{how} {bound:g}" if how else "", verdict)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
