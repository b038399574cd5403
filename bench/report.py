"""docs/performance.md: the part between its marks, and the picture, written anew by each full run of the bench."""

import dataclasses
import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Final

from tests.live import access

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
PICTURE: Final = PAGE.with_suffix(".svg")
BEGIN: Final = "<!-- measured: written by make bench -->"
END: Final = "<!-- end of what was measured -->"
WIDTH: Final = 720
LINE: Final = 34
LEFT: Final = 150


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contender's medians."""

    held_per_s: float
    cpu_ms: float
    beside_cpu_ms: float
    asterisk_cpu_ms: float
    common_success: float
    p50_ms: float
    p99_ms: float


def write(
    rows: Mapping[str, Row], left_out: Sequence[str], *, common_per_s: int, rounds: int
) -> None:
    """Put the figures into the page, and draw them."""
    ordered = dict(sorted(rows.items(), key=lambda item: -item[1].held_per_s))
    part = "\n".join((*_about(rounds), *_table(ordered, common_per_s), *_left_out(left_out)))
    text = PAGE.read_text(encoding="utf-8")
    marked = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    PAGE.write_text(marked.sub(lambda _: f"{BEGIN}\n{part}\n{END}", text), encoding="utf-8")
    PICTURE.write_text(_picture(ordered), encoding="utf-8")


def _about(rounds: int) -> list[str]:
    cores = os.cpu_count()
    asterisk = access.console("core show version").split()[1].partition("+")[0]
    versions = ", ".join(f"{name} {version(name)}" for name in ("aioari", "aiohttp", "uvloop"))
    return [
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {_processor()}, {cores} cores for SIPp, Asterisk and application together;",
        f"Asterisk {asterisk}, Python {platform.python_version()}, {versions}. Medians of {rounds} interleaved rounds.",
        f"Load of the machine when the run ended (one minute): {os.getloadavg()[0]:.1f}.",
        "",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _table(rows: Mapping[str, Row], common_per_s: int) -> list[str]:
    lines = [
        "| | calls/s held | application, ms of CPU a call | PostgreSQL | Asterisk | digit to reaction, p50 | p99 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        mark = "" if row.common_success >= 0.999 else f" ({row.common_success:.1%} of calls)"
        cells = (
            name,
            f"{row.held_per_s:g}",
            f"{row.cpu_ms:.2f}{mark}" if row.cpu_ms else "–",
            f"{row.beside_cpu_ms:.2f}" if row.beside_cpu_ms else "–",
            f"{row.asterisk_cpu_ms:.2f}",
            f"{row.p50_ms:.1f} ms",
            f"{row.p99_ms:.1f} ms",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, "", f"CPU a call at {common_per_s} calls/s, digit to reaction at 50 calls/s."]


def _left_out(left_out: Sequence[str]) -> list[str]:
    return ["", *(f"Left out: {each}." for each in left_out)] if left_out else []


def _picture(rows: Mapping[str, Row]) -> str:
    """Return the rates held as bars; drawn by hand, as a library for five rectangles would be a joke."""
    height = LINE * len(rows) + 60
    most = max(row.held_per_s for row in rows.values()) or 1
    drawn = []
    for number, (name, row) in enumerate(rows.items()):
        y = 44 + LINE * number
        long = (WIDTH - LEFT - 120) * row.held_per_s / most
        colour = "#2a6fb0" if name == "ivrengine" else "#9aa7b3"
        drawn += [
            f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{long:.0f}" height="22" rx="3" fill="{colour}"/>',
            f'<text x="{LEFT + long + 8:.0f}" y="{y + 15}">{row.held_per_s:g}</text>',
        ]
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
            ' font-family="sans-serif" font-size="13" fill="#333">',
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            '<text x="16" y="24" font-weight="bold">Menu calls a second held at 99.9 % success</text>',
            *drawn,
            "</svg>\n",
        )
    )
