"""What is told to systemd, if that is what started us: that we are ready, that we live, how we are, that we stop.

The protocol is sd_notify(3)'s: datagrams of ``NAME=value`` lines to the socket that NOTIFY_SOCKET names.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Final

import structlog

STATUS_EVERY_S: Final = 5.0
"""Often enough for a person who looks; ``systemctl status`` shows the last."""
STATUS_CHARS_MAX: Final = 512

_log = structlog.get_logger(__name__)


class Supervisor:
    """The one who started this process and asks nothing but to be told; nobody, on most machines."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._socket = environment.get("NOTIFY_SOCKET", "")
        watched = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        given = environment.get("WATCHDOG_USEC", "")
        microseconds = int(given) if watched and given.isdecimal() else 0
        self.beat_s = microseconds / 1e6 / 2 if microseconds else None
        """How often it must hear that we live: twice within its patience; None if it does not wait for that."""

    def tell(self, *words: str) -> None:
        """Send lines such as ``READY=1``; whoever does not listen cannot stop a call."""
        if not self._socket:
            return
        # A leading @ stands for the abstract namespace, whose names begin with a zero byte.
        address = f"\0{self._socket[1:]}" if self._socket.startswith("@") else self._socket
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
                out.sendto("\n".join(words).encode(), address)
        except OSError as error:
            _log.warning("supervisor not told", reason=error.strerror)
            self._socket = ""  # once is enough: it is gone, or was never there

    async def keep_told(self, status: Callable[[], str]) -> None:
        """Tell from the loop that it turns, and how the engine is, until cancelled."""
        while self._socket:
            sentence = " ".join(status().split())[:STATUS_CHARS_MAX]
            self.tell("WATCHDOG=1", f"STATUS={sentence}")
            await asyncio.sleep(min(self.beat_s or STATUS_EVERY_S, STATUS_EVERY_S))


@contextlib.asynccontextmanager
async def told(supervisor: Supervisor, status: Callable[[], str]) -> AsyncIterator[None]:
    """Keep the supervisor told while the context is open."""
    async with asyncio.TaskGroup() as group:
        telling = group.create_task(supervisor.keep_told(status))
        try:
            yield
        finally:
            telling.cancel()
