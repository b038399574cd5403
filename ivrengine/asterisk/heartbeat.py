"""How a dialplan is told that an engine lives, and what it may be given: the globals that ``inbound.conf`` takes apart."""

import asyncio
import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ivrengine.asterisk import lease
from ivrengine.core.events import Failure
from ivrengine.core.switching import Announcement, RequestRefusedError
from ivrengine.numbers.normal import dialled_forms

EMERGENCY: Final = "IVR_EMERGENCY"
"""The dialplan's global of the numbers that may use the whole of the limits."""
CLOCK: Final = "EPOCH"
"""Asterisk's own variable: its seconds since 1970."""
TURNED_AWAY: Final = "IVR_TURNED_AWAY"
"""The dialplan's count of calls that it refused without a word, since Asterisk was started."""


class Heartbeat:
    """Writes the heartbeat of one Asterisk, dated by its clock, with which the dialplan compares it.

    Ours may be another machine's, and stays as it was when somebody sets the time. What that clock shows is asked beside
    each heartbeat, for the next one: an Asterisk at its limit takes a third of a second for an answer, and a heartbeat that
    waits for three of them in a row comes too late just when it matters.
    """

    def __init__(self, ask: lease.Ask, country: str) -> None:
        """Write through ``ask``; ``country`` is where numbers without a country code belong."""
        self._ask = ask
        self._country = country
        self._ahead_s: float | None = None
        """How far that clock is ahead of our event loop's."""
        self._turned_away: int | None = None

    async def tell(self, announcement: Announcement) -> int:
        """Write what the dialplan is to know, and return how many calls it has turned away since it was told last.

        Raises ``RequestRefusedError``.
        """
        if self._ahead_s is None:
            self._ahead_s = await self._looked_at_clock()
        try:
            at = datetime.fromtimestamp(self._ahead_s + asyncio.get_running_loop().time(), UTC)
        except (ValueError, OverflowError, OSError):
            raise _no_clock() from None
        said = lease.written(dataclasses.replace(announcement, at=at))
        self._ahead_s, turned_away, *_ = await asyncio.gather(
            self._looked_at_clock(),
            self._ask("asterisk.getGlobalVar", variable=TURNED_AWAY),
            self._write(EMERGENCY, reserved(announcement, self._country)),
            self._write(lease.HEARTBEAT, said),
        )
        return self._newly(turned_away)

    def _newly(self, told: Mapping[str, object]) -> int:
        """Return by how much the dialplan's count has grown; one that is smaller than before began anew with Asterisk.

        What it was before this engine's first look another engine has counted.
        """
        written = str(told.get("value") or "0")
        count = int(written) if written.isdecimal() else 0
        before, self._turned_away = self._turned_away, count
        if before is None:
            return 0
        return count - before if count >= before else count

    async def _write(self, variable: str, value: str) -> None:
        await self._ask("asterisk.setGlobalVar", variable=variable, value=value)

    async def _looked_at_clock(self) -> float:
        began = asyncio.get_running_loop().time()
        return _seconds(await self._ask("asterisk.getGlobalVar", variable=CLOCK)) - began


def reserved(announcement: Announcement, country: str) -> str:
    """Return the per cent of the limits that is for any number, and the numbers that may have more: ``090-+902124440101``."""
    percent = round(100 * (1 - announcement.emergency_share))
    forms = [f"+{form}" for did in announcement.emergency for form in dialled_forms(did, country)]
    return "-".join([f"{percent:03}", *forms])


def _seconds(told: Mapping[str, object]) -> int:
    try:
        return int(str(told["value"]))
    except (KeyError, ValueError):
        raise _no_clock() from None


def _no_clock() -> RequestRefusedError:
    return RequestRefusedError(Failure.REFUSED, "no clock in the answer")
