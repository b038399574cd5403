"""The YAML files of a folder of flows."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ivrengine.flow.problems import BEGINNING, Code, Problem, problem

SUFFIXES: Final = frozenset({".yaml", ".yml"})
TESTS_FOLDER: Final = "tests"
"""Scripted calls: they are no flows, and ``ivrengine test`` reads them."""


def name_of(path: Path | str) -> str:
    """Return a file's name as it can be printed: one that is not UTF-8 has signs in the place of what cannot be read."""
    return os.fsencode(path).decode("utf-8", errors="replace")


def files(folder: Path, found: list[Problem]) -> Iterator[Path]:
    """Yield the YAML files of a folder and its sub-folders in order; links to folders are not followed."""

    def unreadable(error: OSError) -> None:
        sentence = f"the folder cannot be read: {error.strerror}"
        found.append(problem(name_of(error.filename), BEGINNING, Code.FILE_UNREADABLE, sentence))

    for parent, folders, files in os.walk(folder, onerror=unreadable):
        apart = {TESTS_FOLDER} if Path(parent) == folder else set()
        folders[:] = sorted(name for name in {*folders} - apart if not name.startswith("."))
        for name in folders:
            path = Path(parent, name)
            if path.is_symlink():
                sentence = "this folder is a link; links to folders are not followed"
                found.append(problem(name_of(path), BEGINNING, Code.FILE_LINKED, sentence))
        for name in sorted(files):
            path = Path(parent, name)
            if path.suffix in SUFFIXES and not name.startswith("."):
                yield path
