"""``ivrengine test``: scripted calls beside the flows, played on the production engine in virtual time."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from ivrengine.cli import complaints, test_report
from ivrengine.cli.check import DEFAULT_FOLDER
from ivrengine.flow import load
from ivrengine.flow.book import Book
from ivrengine.flow.problems import did_you_mean
from ivrengine.flow.source import folder_files
from ivrengine.telemetry import logs
from ivrengine.testing.coverage import Coverage, coverage_of
from ivrengine.testing.flow_files import FlowFiles
from ivrengine.testing.junit import junit
from ivrengine.testing.playing import Played, ground_of, play_all
from ivrengine.testing.reading import read_scripts, script_files
from ivrengine.testing.scripted import Scripted


def test(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="A folder of flows, or files of scripted calls in it; flows/ if none is named.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str | None,
        typer.Option("-k", help="Play only the calls with these words in their name or file."),
    ] = None,
    to_junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the results there as JUnit XML.")
    ] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Tell which nodes and exits no call went through.")
    ] = False,
    fail_under: Annotated[
        float | None,
        typer.Option(min=0, max=100, help="Fail if fewer per cent of all exits were taken."),
    ] = None,
) -> None:
    """Play the scripted calls of flows; exit with 1 if one fails, with 2 if one is not understood."""
    logs.configure(level="error", style="console")
    folder, files = _wanted(paths or [DEFAULT_FOLDER])
    book = _sound_book(folder)
    scripts = _understood(files, book, folder)
    chosen = [script for script in scripts if only is None or _is_meant(script, only)]
    if not chosen:
        complaints.bad_usage(f"no scripted call has `{only}` in its name or file")
    began_s = time.perf_counter()
    played = _played(chosen, book, folder)
    took_s = time.perf_counter() - began_s
    places = FlowFiles(folder)
    failed = [each for each in played if each.failure is not None]
    for each in failed:
        test_report.tell_failure(each, places)
    if to_junit is not None:
        _write(to_junit, junit(played, lambda each: test_report.as_text(each, places)))
    found = coverage_of(book, played)
    if coverage:
        test_report.tell_coverage(found, places)
    test_report.tell_summary(played, took_s, found if coverage else None)
    if failed or _is_under(found, fail_under):
        raise typer.Exit(1)


def _wanted(paths: Sequence[Path]) -> tuple[Path, list[Path]]:
    """Return the folder of flows, and the files of scripts that are meant."""
    for path in paths:
        if not path.exists():
            names = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
            complaints.bad_usage(
                f"there is no file or folder {path}{did_you_mean(path.name, names)}"
            )
    folders = {path if path.is_dir() else _folder_of(path) for path in paths}
    if len(folders) > 1:
        complaints.bad_usage("expected one folder of flows, or scripts of one")
    folder = folders.pop()
    files = [path for path in paths if path.is_file()]
    return folder, files if len(files) == len(paths) else script_files(folder)


def _folder_of(script: Path) -> Path:
    """Return the folder of flows that a script's file belongs to: the one with its ``tests`` folder in it."""
    tests = (
        parent for parent in script.absolute().parents if parent.name == folder_files.TESTS_FOLDER
    )
    found = next(tests, None)
    if found is None:
        complaints.bad_usage(f"expected a script in the folder `tests` of flows, found {script}")
    depth = len(script.absolute().parents) - len(found.parents)
    return script.parents[depth] if depth < len(script.parents) else found.parent


def _sound_book(folder: Path) -> Book:
    book, problems = load.load_folder(folder)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        for problem in errors:
            typer.echo(str(problem), err=True)
        complaints.bad_usage("the flows have errors; no call was played")
    return book


def _understood(files: Sequence[Path], book: Book, folder: Path) -> list[Scripted]:
    if not files:
        complaints.bad_usage(f"there are no scripted calls in {folder / folder_files.TESTS_FOLDER}")
    scripts, problems = read_scripts(files, book)
    if problems:
        for problem in problems:
            typer.echo(str(problem), err=True)
        complaints.bad_usage("these scripts are not understood; no call was played")
    return scripts


def _is_meant(script: Scripted, words: str) -> bool:
    return words.casefold() in f"{script.file} {script.name}".casefold()


def _played(scripts: Sequence[Scripted], book: Book, folder: Path) -> list[Played]:
    played: list[Played] = []
    console = test_report.errors()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("calls", total=len(scripts))

        def told(each: Played) -> None:
            played.append(each)
            progress.advance(bar)

        play_all(scripts, ground_of(book, folder), told)
    return played


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        complaints.bad_usage(f"{path} cannot be written: {error.strerror}")


def _is_under(found: Coverage, fail_under: float | None) -> bool:
    if fail_under is None or found.percent >= fail_under:
        return False
    complaint = f"{found.percent:.1f} % of the exits were taken, fewer than {fail_under:g} %"
    typer.echo(f"ivrengine: {complaint}", err=True)
    return True
