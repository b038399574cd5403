"""Recordings: of a channel, which they occupy meanwhile, or of what is said in a bridge."""

import asyncio
from collections.abc import Callable

from ivrengine.core.ids import RecordingId
from ivrengine.sim.bridge import Bridge
from ivrengine.sim.channel import Channel

Stored = Callable[["Recording", float | None], None]
"""Called once at a recording's end with its seconds; None if it never began."""


class Recording:
    """One recording, waiting for its turn or under way."""

    __slots__ = (
        "_began_s",
        "_limit_s",
        "_now_s",
        "_over",
        "_stored",
        "_timer",
        "on",
        "recording_id",
    )

    def __init__(
        self, recording_id: RecordingId, on: Channel | Bridge, *, limit_s: float, stored: Stored
    ) -> None:
        self.recording_id = recording_id
        self.on = on
        self._limit_s = limit_s
        self._stored = stored
        self._began_s: float | None = None
        self._over = False
        self._now_s = asyncio.get_running_loop().time
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Record, until stopped or the limit is reached; a channel that is in a bridge by now cannot be recorded."""
        if isinstance(self.on, Channel) and self.on.bridge is not None:
            self.cut()
        if not self._over:
            self._began_s = self._now_s()
            self._timer = asyncio.get_running_loop().call_later(self._limit_s, self.stop)
            self._occupy(occupied=True)
        elif isinstance(self.on, Channel):
            self.on.line.done()

    def stop(self) -> None:
        """End and keep it."""
        began = self._began_s is not None
        self.cut()
        if began and isinstance(self.on, Channel):
            self._occupy(occupied=False)
            self.on.line.done()

    def cut(self) -> None:
        """End with the channel or bridge; what was recorded by then is kept."""
        if self._over:
            return
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        self._stored(self, None if self._began_s is None else self._now_s() - self._began_s)

    def _occupy(self, *, occupied: bool) -> None:
        if isinstance(self.on, Channel):
            self.on.recorded = occupied
