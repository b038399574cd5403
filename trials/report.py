"""What is known of the trials: kept in ``seen.json``, told in ``docs/reliability.md``, which is written from both."""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from trials.model import Seen, Trial

KEPT: Final = Path(__file__).with_name("seen.json")
DOCUMENT: Final = Path(__file__).resolve().parents[1] / "docs" / "reliability.md"
HEAD: Final = """# Reliability: what was tried, and what was seen

Written by `make trials` from `trials/` and the last results; do not edit. Each trial has a number: something is done to the
engine on purpose, what must happen was written down before, and what did happen stands beside it. Trials run as tests: those
listed below run in every run of the suite, and where a trial has a full size (a hundred real calls, a minute without a
database) `make trials` runs that as well (`ARGS="1 29"` for some of them, `ARGS=--quick` without the full sizes).

| | trial | done | expected | seen | |
|---|---|---|---|---|---|
"""


def load(path: Path = KEPT) -> dict[int, Seen]:
    """Return what was seen last, by the trials' numbers."""
    if not path.exists():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {int(number): _seen(fields) for number, fields in kept.items()}


def _seen(fields: dict[str, Any]) -> Seen:
    on = date.fromisoformat(fields.pop("on"))
    return Seen(on=on, numbers=tuple(fields.pop("numbers")), **fields)


def keep(seen: Mapping[int, Seen], path: Path = KEPT) -> None:
    """Write what was seen."""
    kept = {
        number: dataclasses.asdict(each) | {"on": each.on.isoformat()}
        for number, each in sorted(seen.items())
    }
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def document(trials: Mapping[int, Trial], seen: Mapping[int, Seen]) -> str:
    """Return the document."""
    rows = (_row(trial, seen.get(number)) for number, trial in sorted(trials.items()))
    return HEAD + "\n".join(rows) + "\n\n## Where each runs\n\n" + "\n".join(_places(trials)) + "\n"


def _row(trial: Trial, seen: Seen | None) -> str:
    cells = (
        str(trial.number),
        trial.name,
        trial.done,
        trial.expected,
        _told(trial, seen),
        _verdict(trial, seen),
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _told(trial: Trial, seen: Seen | None) -> str:
    told = [] if seen is None else list(seen.numbers)
    if trial.missing:
        told.append(f"*not proved: {trial.missing}*")
    return "; ".join(told)


def _verdict(trial: Trial, seen: Seen | None) -> str:
    if not trial.tests and not trial.long_tests:
        return "missing"
    if seen is None:
        return "not run"
    size = "" if seen.full_size or not trial.long_tests else ", quick"
    return f"{seen.verdict} ({seen.duration_s:g} s{size}, {seen.on})"


def _places(trials: Mapping[int, Trial]) -> Iterator[str]:
    for number, trial in sorted(trials.items()):
        yield f"{number}. {trial.name}"
        yield from (f"    * `{name}`" for name in trial.tests)
        yield from (f"    * `{name}` (full size)" for name in trial.long_tests)
        if not trial.tests and not trial.long_tests:
            yield "    * nowhere yet"
