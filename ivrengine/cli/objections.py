"""What speaks against putting flows into service: errors that check finds, and scripted calls that fail."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.progress import Progress

from ivrengine.cli import test_report
from ivrengine.flow.load import load_folder
from ivrengine.flow.outside import Outside
from ivrengine.flow.problems import Severity
from ivrengine.testing.playing import Played, ground_of, play_all
from ivrengine.testing.reading import read_scripts, script_files
from ivrengine.testing.scripted import Scripted


def objections(folder: Path, outside: Outside | None, today: date | None = None) -> list[str]:
    """Return a sentence for each; none if the folder may go into service. Shows how far it is."""
    book, problems = load_folder(folder, outside, today)
    errors = [str(problem) for problem in problems if problem.severity is Severity.ERROR]
    if errors or not book.flows:
        return errors or [f"{folder}: there is no flow in it"]
    scripts, broken = read_scripts(script_files(folder), book)
    console = test_report.errors()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("scripted calls", total=len(scripts))
        played: list[Played] = []

        def told(each: Played) -> None:
            played.append(each)
            progress.advance(bar)

        if scripts:
            play_all(scripts, ground_of(book, folder), told)
    return [*map(str, broken), *_failures(played)]


def _failures(played: Sequence[Played]) -> list[str]:
    return [
        f"{_place(each.script, each.failure.line)}: the call `{each.script.name}` fails: {sentence}"
        for each in played
        if each.failure is not None
        for sentence in each.failure.sentences
    ]


def _place(script: Scripted, line: int) -> str:
    return f"{script.file}:{line}"
