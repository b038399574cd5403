"""A test that hangs costs itself, never the run: if pytest-timeout could not end it, its process ends, all stacks printed.

pytest-timeout raises in the main thread, and what it raises can be lost: an event loop takes it for the fault of a
callback, the end of a loop waits for its threads without a limit, and uvloop closes its handles in C. pytest's own
``faulthandler_exit_on_timeout`` stops watching at the first failure, and so misses fixtures that hang after one. Then this
module has the last word. Side by side (``-n 2``) only the worker ends: its test counts as failed, by name.
"""

import faulthandler
import os
from collections.abc import Generator
from typing import Final

import pytest

GRACE_S: Final = 30
"""After twice a test's limit, so much longer: its fixtures may still be put away, within limits of their own."""

_STDERR: Final = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the real standard error: while a test runs, number 2 leads to what pytest captures."""
    config.stash[_STDERR] = os.dup(2)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of it."""
    os.close(config.stash[_STDERR])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Watch over one test, its fixtures included, unless a person debugs it or it may take for ever."""
    limit = limit_s(item)
    if not limit or item.config.getoption("usepdb"):
        return (yield)
    stderr = item.config.stash[_STDERR]
    faulthandler.dump_traceback_later(2 * limit + GRACE_S, exit=True, file=stderr)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def limit_s(item: pytest.Item) -> float:
    """Return the seconds that pytest-timeout gives a test: its mark's, the command line's, or the project's; 0 is no limit."""
    mark = item.get_closest_marker("timeout")
    if mark is not None:
        return float(mark.args[0] if mark.args else mark.kwargs["timeout"])
    asked = item.config.getvalue("timeout")
    return float(asked if asked is not None else item.config.getini("timeout") or 0)
