"""Virtual time: an event loop on which an hour of waiting passes at once."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class StuckError(RuntimeError):
    """Everything on a virtual loop waits for something that nothing will bring about."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still while anything runs, and jumps to the next timer when nothing does.

    Time starts at 0. Real sockets, processes and threads have no place on it: nothing waits for them.
    """

    def __init__(self) -> None:
        super().__init__(_Jumping(self))
        self._now_s = 0.0
        self._clock_resolution = 1e-6  # a jump may fall short of its timer by a rounding error

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._now_s

    def jump(self, by_s: float) -> None:
        """Let time pass."""
        self._now_s += by_s


class _Jumping(selectors.DefaultSelector):
    """A selector that lets virtual time pass instead of waiting."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0) if timeout != 0 else []
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise StuckError("nothing is left to happen, and somebody still waits")
        self._loop.jump(timeout)
        return []


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` to its end in virtual time, which starts at 0; it must not touch sockets or processes."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
