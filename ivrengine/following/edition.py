"""An edition: flows as they were loaded, beside the calls that go on meanwhile."""

import asyncio
import contextlib
import dataclasses
import gc
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ivrengine.flow.book import Book
from ivrengine.flow.load import load_folder
from ivrengine.flow.outside import Outside
from ivrengine.flow.problems import Problem, Severity
from ivrengine.flow.release import SHORT

SWITCH_S: Final = 0.0005
"""While flows are compiled beside it the event loop has the interpreter back within so long; Python's own 5 ms, spent at each of
the several turns that a prompt takes, would be heard."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A release in service, by the activation that put it there."""

    number: int
    release_hash: str

    @property
    def name(self) -> str:
        """What people call it."""
        return f"#{self.number}, release {self.release_hash[:SHORT]}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A book with where it came from."""

    book: Book
    problems: Sequence[Problem]
    folder: Path
    mark: Mark | None = None
    """None of a folder that is no release."""
    why: str = ""
    """Why an engine starts with this one and no other."""

    @property
    def errors(self) -> list[Problem]:
        """What keeps flows out of the book."""
        return [problem for problem in self.problems if problem.severity is Severity.ERROR]

    @property
    def name(self) -> str:
        """What people call it."""
        return self.mark.name if self.mark is not None else f"the folder {self.folder}"


class BrokenError(Exception):
    """Flows that cannot be taken into service; one sentence for people."""


async def load(folder: Path, outside: Outside, mark: Mark | None = None) -> Edition:
    """Load flows in a thread, so that no call waits for longer than it takes to change threads."""
    with _considerately():
        book, problems = await asyncio.to_thread(load_folder, folder, outside)
    return Edition(book=book, problems=problems, folder=folder, mark=mark)


@contextlib.contextmanager
def _considerately() -> Iterator[None]:
    """Let the event loop have its turn, and keep the collector away from the very many new objects.

    They are there to stay: looked through even once they would stop all calls for a tenth of a second.
    """
    before_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
        sys.setswitchinterval(before_s)


def sound(edition: Edition, *, forced: bool = False) -> Edition:
    """Return an edition that may go into service; raises ``BrokenError``.

    With errors only if a person has ``forced`` it: then the flows without errors are served.
    """
    errors = edition.errors
    if errors and not forced:
        count = "an error" if len(errors) == 1 else f"{len(errors)} errors, the first"
        first = str(errors[0])
        if edition.mark is not None:  # nobody edits the copy that it was loaded from
            first = first.replace(f"{edition.folder}/", "")
        raise BrokenError(f"{edition.name} has {count}: {first}")
    if not edition.book.flows:
        raise BrokenError(f"{edition.name} has no flow that calls could be answered by")
    return edition
