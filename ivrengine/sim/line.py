"""What a channel does, one thing after the other: its prompts, its recordings, and the commands that wait for them.

Asterisk runs the commands of a channel in the channel's own thread, which also plays and records: a command that
comes during a prompt is done when the prompt is over (``control.c``, ``stasis_app_exec``).
"""

from collections.abc import Callable
from typing import Protocol


class Job(Protocol):
    """Something that takes a while; it calls ``Line.done`` at its end."""

    def start(self) -> None:
        """Begin: the line is free for it."""
        ...

    def cut(self) -> None:
        """End at once, whether it has begun or not: the channel is gone."""
        ...


class Command:
    """Something that takes no time once its turn has come."""

    __slots__ = ("_act", "_cut", "_line")

    def __init__(self, line: "Line", act: Callable[[], None], cut: Callable[[], None]) -> None:
        self._line = line
        self._act = act
        self._cut = cut

    def start(self) -> None:
        """Do it."""
        self._act()
        self._line.done()

    def cut(self) -> None:
        """Tell who waits that it will never be done."""
        self._cut()


class Line:
    """The queue of one channel; bounded by what the engine sends to one channel before an answer comes."""

    __slots__ = ("_waiting", "busy_with")

    def __init__(self) -> None:
        self.busy_with: Job | None = None
        self._waiting: list[Job] = []

    def put(self, job: Job) -> None:
        """Start the job, or let it wait for its turn."""
        self._waiting.append(job)
        if self.busy_with is None:
            self._next()

    def done(self) -> None:
        """Go on to the next job."""
        self.busy_with = None
        self._next()

    def end(self) -> None:
        """Cut everything short, first what is being done."""
        jobs = [*([self.busy_with] if self.busy_with else []), *self._waiting]
        self._waiting.clear()
        for job in jobs:
            job.cut()
        self.busy_with = None

    def _next(self) -> None:
        if self._waiting and self.busy_with is None:
            self.busy_with = self._waiting.pop(0)
            self.busy_with.start()
