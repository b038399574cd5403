"""A playback: media one after the other on one channel, told of once, at its end."""

import asyncio
from collections.abc import Callable, Sequence

from ivrengine.core.ids import PlaybackId
from ivrengine.sim.channel import Channel
from ivrengine.sim.hearing import Heard

Finished = Callable[["Playback", bool], None]


class Playback:
    """One playback, waiting for its turn or under way."""

    __slots__ = (
        "_duration_s",
        "_finished",
        "_heard",
        "_media",
        "_timer",
        "began",
        "cancelled",
        "channel",
        "playback_id",
    )

    def __init__(
        self,
        playback_id: PlaybackId,
        channel: Channel,
        media: Sequence[str],
        *,
        duration_s: Callable[[str], float | None],
        finished: Finished,
    ) -> None:
        self.playback_id = playback_id
        self.channel = channel
        self.began = False
        self.cancelled = False
        self._media = list(media)
        self._duration_s = duration_s
        self._finished = finished
        self._timer: asyncio.TimerHandle | None = None
        self._heard: Heard | None = None

    def start(self) -> None:
        """Play, now that the channel is free; a playback stopped while it waited ends as its turn comes."""
        self.began = True
        if self.cancelled:
            self._end(completed=False)
            return
        self.channel.stop_music()
        self._play_next()

    def stop(self) -> None:
        """Cut it short."""
        if self.began:
            self._end(completed=False)
        else:
            self.cancelled = True

    def cut(self) -> None:
        """End with the channel; what had not begun by then is never told of."""
        if self._timer is not None:
            self._timer.cancel()
        self._silence(to_end=False)
        self._finished(self, False)  # noqa: FBT003 - a callback has no keywords

    def _play_next(self) -> None:
        self._silence(to_end=True)
        if not self._media:
            self._end(completed=True)
            return
        medium = self._media.pop(0)
        lasts_s = self._duration_s(medium)
        if lasts_s is None:
            self._end(completed=False)
            return
        self._heard = self.channel.party.ear.begin(medium)
        self._timer = asyncio.get_running_loop().call_later(lasts_s, self._play_next)

    def _end(self, *, completed: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._silence(to_end=completed)
        self._finished(self, completed)
        self.channel.line.done()

    def _silence(self, *, to_end: bool) -> None:
        if self._heard is not None:
            self.channel.party.ear.end(self._heard, to_end=to_end)
            self._heard = None
