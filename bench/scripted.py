"""How many scripted calls a second ``ivrengine test`` plays: those of the example flows, again and again, in one process."""

import time
from pathlib import Path

import structlog

from ivrengine.flow.load import load_folder
from ivrengine.telemetry import logs
from ivrengine.testing.playing import Played, ground_of, play_all
from ivrengine.testing.reading import read_scripts, script_files

FLOWS = Path(__file__).resolve().parents[1] / "flows"


def measure(calls: int = 1_000) -> dict[str, float]:
    """Return the figure; reading flows and scripts is not in it."""
    book, _ = load_folder(FLOWS)
    scripts, problems = read_scripts(script_files(FLOWS), book)
    assert not problems, "\n".join(map(str, problems))
    often = (scripts * (calls // len(scripts) + 1))[:calls]
    played: list[Played] = []
    logs.configure(level="error", style="json")
    try:
        began = time.perf_counter()
        play_all(often, ground_of(book, FLOWS), played.append)
        took_s = time.perf_counter() - began
    finally:
        structlog.reset_defaults()
    assert not [each.script.name for each in played if each.failure is not None]
    return {"scripted_calls_per_s": round(calls / took_s, 1)}


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:24} {value}")  # noqa: T201 - a command's result
