"""``python -m trials [NUMBER …] [--quick | --list | --document]``: runs the trials of reliability and writes what was seen."""

import sys
from collections.abc import Sequence

from rich.console import Console

from trials import report, running
from trials.registry import TRIALS

USAGE = "python -m trials [NUMBER …] [--quick | --list | --document]"
OPTIONS = frozenset({"--quick", "--list", "--document"})


def main(words: Sequence[str]) -> int:
    """Run the trials of these numbers, or all; 1 if one was red, 2 for words that mean nothing."""
    console = Console(highlight=False)
    options = {word for word in words if word.startswith("-")}
    numbers = [word for word in words if word not in options]
    unknown = [*(options - OPTIONS), *(word for word in numbers if not _is_number(word))]
    if unknown:
        console.print(f"there is no trial {unknown[0]!r}; {USAGE}", markup=False)
        return 2
    wanted = [int(word) for word in numbers] or sorted(TRIALS)
    if "--list" in options:
        for number in wanted:
            console.print(f"{number:3} {TRIALS[number].name}", markup=False)
        return 0
    red = [] if "--document" in options else _run(console, wanted, quick="--quick" in options)
    report.DOCUMENT.write_text(report.document(TRIALS, report.load()), encoding="utf-8")
    if red:
        console.print(f"red or left out: {', '.join(map(str, red))}", style="bold red")
    return 1 if red else 0


def _is_number(word: str) -> bool:
    return word.isdecimal() and int(word) in TRIALS


def _run(console: Console, wanted: Sequence[int], *, quick: bool) -> list[int]:
    """Run them one after the other, keeping each as soon as it is over; return the red ones."""
    red = []
    for number in wanted:
        trial = TRIALS[number]
        console.rule(f"{number}. {trial.name}")
        seen = running.run(trial, quick=quick)
        report.keep(report.load() | {number: seen})
        console.print(f"{seen.verdict}: {'; '.join(seen.numbers)}", markup=False)
        if seen.verdict in {"red", "left out"}:
            red.append(number)
    return red


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
