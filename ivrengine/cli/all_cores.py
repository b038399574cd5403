"""Reads many files on all the cores that the machine has: what ``ivrengine check`` does with a large folder."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from ivrengine.flow.reading import Part

_FEW: Final = 60
"""So many files are read in the time in which processes begin and end."""
_AT_ONCE: Final = 12
"""Files a process is given at a time: the last to end keeps the others waiting only so long."""
_PROCESSES_MAX: Final = 8
"""A folder larger than this is for has not been seen; every process takes 100 MB."""
_function: Callable[[Path], Part]


def spread(function: Callable[[Path], Part], paths: Sequence[Path]) -> Iterable[Part]:
    """Return what the function makes of each path, in their order; in processes forked from this one if there are many."""
    processes = min(len(os.sched_getaffinity(0)), _PROCESSES_MAX)
    if len(paths) <= _FEW or processes == 1:
        return map(function, paths)
    forked = multiprocessing.get_context("fork")  # they have what was read so far without asking
    with forked.Pool(processes, _begin, (function,)) as pool:
        return pool.map(_applied, paths, chunksize=_AT_ONCE)


def _begin(function: Callable[[Path], Part]) -> None:
    global _function  # noqa: PLW0603 - a function that holds the folder cannot be sent, only inherited
    _function = function


def _applied(path: Path) -> Part:
    return _function(path)
