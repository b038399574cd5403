"""How every command says what is wrong: sentences on standard error, and the exit code that fits.

2 is for a command that was called wrongly or cannot be understood, 1 for one that found something wrong.
"""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import typer

from ivrengine import app
from ivrengine.engine.tenure import JournalError, JournalInUseError
from ivrengine.following.starting import NoFolderError
from ivrengine.numbers.keyfile import KeyFileError
from ivrengine.settings import load
from ivrengine.settings.load import SettingsError
from ivrengine.settings.model import Settings
from ivrengine.store.connecting import DatabaseUrlError
from ivrengine.telemetry import logs

CONFIG: Final[Any] = typer.Option(
    "--config", help="The settings; ivrengine.toml in the working directory if none is named."
)

_FAILURES: Final[tuple[type[Exception], ...]] = (
    JournalError,
    JournalInUseError,
    KeyFileError,
    DatabaseUrlError,
    app.DoorClosedError,
    NoFolderError,
)
_USAGE: Final = (DatabaseUrlError, NoFolderError)
"""Settings that are wrong, however late that was found out."""


def bad_usage(*sentences: str) -> NoReturn:
    """Say what was wrong with the command, and exit with 2."""
    _say(sentences)
    raise typer.Exit(2)


def failed(*sentences: str) -> NoReturn:
    """Say what was found wrong, and exit with 1."""
    _say(sentences)
    raise typer.Exit(1)


def settings(config: Path | None) -> Settings:
    """Return the settings, and have logs written as they say; exits with 2 on any that are wrong."""
    try:
        found = load.load(config)
    except SettingsError as error:
        bad_usage(*error.problems)
    logs.configure(level=found.log.level, style=found.log.format)
    return found


def need_folder(folder: Path) -> None:
    """Exit with 2 if there is no such folder."""
    if not folder.is_dir():
        bad_usage(f"there is no folder {folder}")


@contextlib.contextmanager
def in_sentences(*further: type[Exception]) -> Iterator[None]:
    """Let what an engine cannot start or go on with end the command with its sentence, not with a traceback."""
    ends = (*_FAILURES, *further)
    try:
        yield
    except ends as error:
        _end([error])
    except BaseExceptionGroup as group:
        ours, others = group.split(ends)
        if ours is None or others is not None:
            raise
        _end(list(_flat(ours)))


def _flat(errors: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flat(error)
        else:
            yield error


def _end(errors: Sequence[BaseException]) -> NoReturn:
    """Say what it was."""
    sentences = map(str, errors)
    if all(isinstance(error, _USAGE) for error in errors):
        bad_usage(*sentences)
    failed(*sentences)


def _say(sentences: tuple[str, ...]) -> None:
    for sentence in sentences:
        typer.echo(f"ivrengine: {sentence}", err=True)
