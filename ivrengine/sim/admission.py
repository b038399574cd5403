"""Who may enter the application of the simulated exchange: what ``dialplan/inbound.conf`` decides on a real one."""

import enum
from collections.abc import Callable
from typing import Final

from ivrengine.core.switching import Announcement

STALE_S: Final = 5.0
"""An announcement of this age is one of a dead or hung engine."""


class Verdict(enum.Enum):
    """What becomes of a new call."""

    ADMITTED = enum.auto()
    FALLBACK = enum.auto()
    SHED = enum.auto()


class Admission:
    """What the engine said last, and how many calls came since."""

    def __init__(self) -> None:
        self.announcement: Announcement | None = None
        """None: nobody ever said anything; then whoever is connected has all calls, so that a test needs no heartbeat."""
        self._heard_s = 0.0
        self._second = 0
        self._this_second = 0

    def announced(self, announcement: Announcement, now_s: float) -> None:
        """Take what the engine says; its age is counted here, whatever the engine's clock shows."""
        self.announcement, self._heard_s = announcement, now_s

    def judge(self, did: str, now_s: float, *, in_progress: Callable[[], int]) -> Verdict:
        """Decide about a call that comes while others are in progress; count it if it is admitted."""
        told = self.announcement
        if told is None:
            return Verdict.ADMITTED
        if now_s - self._heard_s >= STALE_S or told.calls_max == 0:
            return Verdict.FALLBACK
        if self._second != int(now_s):
            self._second, self._this_second = int(now_s), 0
        share = 1.0 if did in told.emergency else 1.0 - told.emergency_share
        if (
            in_progress() + 1 > told.calls_max * share
            or self._this_second + 1 > told.calls_per_s_max * share
        ):
            return Verdict.SHED
        self._this_second += 1
        return Verdict.ADMITTED
