"""``ivrengine check``: everything that is wrong with flows, before a caller finds it."""

import dataclasses
import gc
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from ivrengine.cli import all_cores
from ivrengine.engine.clock import wall
from ivrengine.flow import load
from ivrengine.flow.checking import explaining
from ivrengine.flow.outside import Outside
from ivrengine.flow.problems import Code, Problem, Severity, any_error, did_you_mean, in_order
from ivrengine.flow.source import folder_files
from ivrengine.settings import load as settings

DEFAULT_FOLDER: Final = Path("flows")


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders of flows, or single files (checked within their folder); flows/ if none is named.",
            show_default=False,
        ),
    ] = None,
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the problems and a summary as one JSON object.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(
            metavar="CODE",
            help="Explain a code with an example, and check nothing.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Check flows, prompts, schedules and routing; exit with 1 if there are errors, with 0 if there are at most warnings."""
    if explain is not None:
        _explain(explain)
    wanted = paths or [DEFAULT_FOLDER]
    complaints = [sentence for path in wanted for sentence in _unusable(path)]
    if complaints:
        for sentence in complaints:
            typer.echo(f"ivrengine: {sentence}", err=True)
        raise typer.Exit(2)
    gc.disable()  # nothing read here is a cycle: looking for some is a quarter of the time
    try:
        flows, found = _checked(wanted)
    finally:
        gc.enable()
    if as_json:
        typer.echo(_json(flows, found))
    else:
        for problem in found:
            typer.echo(str(problem))
        typer.echo(_summary(flows, found))
        if found:
            typer.echo(
                "ivrengine check --explain CODE says more of a code, with an example", err=True
            )
    if any_error(found):
        raise typer.Exit(1)


def _explain(word: str) -> NoReturn:
    """Print what a code means, and end; exits with 2 if there is no such code."""
    try:
        code = Code(word)
    except ValueError:
        sentence = f"there is no code `{word}`{did_you_mean(word, Code)}"
        typer.echo(f"ivrengine: {sentence}", err=True)
        raise typer.Exit(2) from None
    typer.echo(explaining.explained(code))
    raise typer.Exit


def _unusable(path: Path) -> Iterable[str]:
    """Yield why a path names nothing that can be checked."""
    if path.is_dir():
        return
    if not path.exists():
        parent = path.parent
        names = [found.name for found in parent.iterdir()] if parent.is_dir() else []
        yield f"there is no file or folder {path}{did_you_mean(path.name, names)}"
    elif path.suffix not in folder_files.SUFFIXES:
        yield f"expected a folder or a YAML file, found {path}"


def _checked(paths: Iterable[Path]) -> tuple[int, tuple[Problem, ...]]:
    """Return how many flows passed, and what was found; of a folder all, of a single file what concerns it."""
    folders: dict[Path, set[str] | None] = {}
    for path in paths:
        folder = path if path.is_dir() else _folder_of(path)
        files = folders.setdefault(folder, set())
        if path.is_dir():
            folders[folder] = None
        elif files is not None:
            files.add(folder_files.name_of(os.path.realpath(path)))
    flows = 0
    found: list[Problem] = []
    outside = _outside()
    for folder, only in folders.items():
        can_run, problems = load.check_folder(folder, outside, wall().date(), all_cores.spread)
        flows += can_run
        found += [p for p in problems if only is None or os.path.realpath(p.file) in only]
    return flows, in_order(found)


def _outside() -> Outside | None:
    """Return what the settings say of other systems; None, and nothing is said of hosts and secrets, if there are none."""
    if not settings.is_given():
        return None
    try:
        return settings.load().outside()
    except settings.SettingsError as error:
        sentence = (
            f"hosts and secrets are not checked, for the settings are broken: {error.problems[0]}"
        )
        typer.echo(f"ivrengine: {sentence}", err=True)
        return None


def _folder_of(file: Path) -> Path:
    """Return the folder of flows that a file belongs to: the nearest around it that has a routing file."""
    for folder in (file.parent, *file.parent.parents):
        if (folder / load.ROUTING_FILE).is_file():
            return folder
    return file.parent


def _json(flows: int, found: tuple[Problem, ...]) -> str:
    """Return what was found for programs; keys are added to this shape, never changed or taken away."""
    errors = sum(p.severity is Severity.ERROR for p in found)
    summary = {"flows": flows, "errors": errors, "warnings": len(found) - errors}
    told = {"problems": [dataclasses.asdict(p) for p in found], "summary": summary}
    return json.dumps(told, ensure_ascii=False, indent=2)


def _summary(flows: int, found: tuple[Problem, ...]) -> str:
    errors = sum(p.severity is Severity.ERROR for p in found)
    parts = [_counted(flows, "flow") + " can run"]
    parts += [_counted(errors, "error")] if errors else []
    parts += [_counted(len(found) - errors, "warning")] if len(found) > errors else []
    return ", ".join(parts) if len(parts) > 1 else f"{parts[0]}, no problems"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
