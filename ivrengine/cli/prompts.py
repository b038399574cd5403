"""``ivrengine prompts``: makes the audio of the prompts before any caller hears them, and shows what there is."""

import asyncio
import shutil
from collections.abc import Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ivrengine.cli import complaints, one_prompt, speaker, voices
from ivrengine.cli.speaker import SpeakerError
from ivrengine.flow.book import Book
from ivrengine.flow.load import RECORDINGS_FOLDER, load_folder
from ivrengine.flow.problems import Code, any_error
from ivrengine.prompts.library import NOT_MADE, Entry, Library
from ivrengine.settings.model import Settings

prompts: Final = typer.Typer(
    help="Make the audio of the prompts, hear it, and see what there is.", no_args_is_help=True
)

_OF_RECORDINGS: Final = frozenset({Code.RECORDING_MISPLACED, Code.PROMPT_RECORDING})
"""Warnings that concern the audio; of all others ``check`` tells."""
_TOLD_WITH_THE_PROMPT: Final = frozenset({Code.RECORDING_UNUSABLE, Code.RECORDING_FLAWED})

_Flows = Annotated[Path | None, typer.Option("--flows", help="The folder of flows.")]
_Sounds = Annotated[
    Path | None, typer.Option("--sounds", help="The folder that the prompts are made in.")
]
_Config = Annotated[Path | None, complaints.CONFIG]


@prompts.command()
def build(flows: _Flows = None, sounds: _Sounds = None, config: _Config = None) -> None:
    """Make the audio of every prompt that is not there yet: recorded if it is recorded, else spoken."""
    settings, book, wrong = _opened(flows, config)
    entries: list[Entry] = []
    for folder in _folders(settings, sounds):
        entries += _run(_build(settings, book, folder))
    _tell(entries)
    if wrong or any(entry.problem for entry in entries):
        raise typer.Exit(1)


@prompts.command("list")
def list_(flows: _Flows = None, sounds: _Sounds = None, config: _Config = None) -> None:
    """Show every prompt: what it is made of, how long it lasts, and what is wrong with it."""
    settings, book, wrong = _opened(flows, config)
    entries: list[Entry] = []
    for folder in _folders(settings, sounds):
        entries += _run(_look(settings, book, folder))
    _draw(entries)
    if wrong or any(entry.problem not in {None, NOT_MADE} for entry in entries):
        raise typer.Exit(1)


@prompts.command()
def play(
    name: Annotated[str, typer.Argument(help="The prompt.")],
    *,
    language: Annotated[
        str | None, typer.Option("--language", help="In which language; its first one else.")
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="NAME=VALUE", help="A parameter of the prompt; again for each."
        ),
    ] = None,
    brand: Annotated[
        str | None, typer.Option("--brand", help="Whose, if several have one of this name.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write it to this WAV file instead.")
    ] = None,
    flows: _Flows = None,
    sounds: _Sounds = None,
    config: _Config = None,
) -> None:
    """Hear a prompt on this machine's speaker as a telephone will play it; it is made if it is not there yet."""
    settings, book, _ = _opened(flows, config)
    prompt = one_prompt.find(book, settings, name, brand)
    spoken = prompt.language(language)
    said = prompt.sentence(spoken, values or [])
    with complaints.in_sentences(SpeakerError):
        file = one_prompt.audio(book, settings, _folders(settings, sounds)[0], prompt, spoken, said)
        if to is None:
            speaker.play(file)
        else:
            _copy(file, to)


def _copy(file: Path, to: Path) -> None:
    try:
        shutil.copyfile(file, to)
    except OSError as error:
        complaints.failed(f"{to} cannot be written: {error.strerror}")


def _opened(flows: Path | None, config: Path | None) -> tuple[Settings, Book, bool]:
    """Return the settings, the book of the flows, and whether anything in it is wrong, which is said."""
    settings = complaints.settings(config)
    if flows is not None:
        settings = settings.model_copy(update={"flows_dir": flows})
    if not settings.flows_dir.is_dir():
        complaints.bad_usage(f"there is no folder {settings.flows_dir}")
    book, problems = load_folder(settings.flows_dir)
    told = [each for each in problems if any_error((each,)) or each.code in _OF_RECORDINGS]
    told = [each for each in told if each.code not in _TOLD_WITH_THE_PROMPT]
    for problem in told:
        typer.echo(str(problem), err=True)
    return settings, book, any_error(told)


def _recordings(settings: Settings) -> Path:
    return settings.flows_dir / RECORDINGS_FOLDER


def _folders(settings: Settings, sounds: Path | None) -> list[Path]:
    """Return the folders that prompts are made in: one, unless Asterisk nodes share none."""
    if sounds is not None:
        return [sounds]
    of_nodes = [settings.sounds_dir(node) for node in settings.asterisk]
    return list(dict.fromkeys(of_nodes)) or [settings.data_dir / "sounds"]


def _run(work: Coroutine[Any, Any, Sequence[Entry]]) -> Sequence[Entry]:
    try:
        with complaints.in_sentences():
            return asyncio.run(work)
    except PermissionError as error:
        return complaints.failed(f"{error.filename} cannot be used: {error.strerror}")


async def _look(settings: Settings, book: Book, folder: Path) -> Sequence[Entry]:
    synthesiser = await voices.found(settings.speech)
    return await Library(book.prompts, _recordings(settings), folder, synthesiser).look()


async def _build(settings: Settings, book: Book, folder: Path) -> Sequence[Entry]:
    synthesiser = await voices.chosen(settings.speech)
    library = Library(book.prompts, _recordings(settings), folder, synthesiser)
    to_make = sum(entry.can_be_made for entry in await library.look())
    with _progress() as progress:
        task = progress.add_task("Making prompts", total=to_make, visible=to_make > 0)
        return await library.build(lambda _: progress.advance(task))


def _progress() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _tell(entries: Sequence[Entry]) -> None:
    """Say in a line what there is, and what is wrong with which prompt."""
    for entry in entries:
        for sentence in filter(None, (entry.problem, entry.flaw)):
            typer.echo(f"{entry.brand}/{entry.language}/{entry.name}: {sentence}", err=True)
    playable = [entry for entry in entries if entry.media is not None]
    total = f"{len(entries)} prompts" if len(entries) != 1 else "1 prompt"
    lasting = f"{sum(entry.duration_s for entry in playable):.0f} s of sound"
    typer.echo(f"{total}: {len(playable)} ready, {lasting}; {len(entries) - len(playable)} missing")


def _draw(entries: Sequence[Entry]) -> None:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("brand", "prompt", "language", "source"):
        table.add_column(heading, no_wrap=True)
    table.add_column("seconds", justify="right", no_wrap=True)
    table.add_column("problem", overflow="fold")
    for entry in entries:
        table.add_row(*_cells(entry))
    Console(markup=False, emoji=False, highlight=False).print(table)


def _cells(entry: Entry) -> Iterator[str]:
    yield entry.brand
    yield entry.name
    yield entry.language
    yield entry.source or "nothing"
    yield f"{entry.duration_s:.1f}" if entry.media is not None else "-"
    yield "; ".join(filter(None, (entry.problem, entry.flaw)))
