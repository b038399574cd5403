"""How a dialplan is told that an engine lives, and what it may be given: the globals that ``inbound.conf`` takes apart."""

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


async def tell(ask: lease.Ask, announcement: Announcement, country: str) -> None:
    """Write the heartbeat, dated by Asterisk's clock, with which the dialplan compares it.

    Ours may be another machine's, and stays as it was when somebody sets the time. Raises ``RequestRefusedError``.
    """
    at = _instant(await ask("asterisk.getGlobalVar", variable=CLOCK))
    for variable, value in (
        (EMERGENCY, reserved(announcement, country)),
        (lease.HEARTBEAT, lease.written(dataclasses.replace(announcement, at=at))),
    ):
        await ask("asterisk.setGlobalVar", variable=variable, value=value)


def reserved(announcement: Announcement, country: str) -> str:
    """Return the per cent of the limits that is for any number, and the numbers that may have more: ``090-+902124440101``."""
    percent = round(100 * (1 - announcement.emergency_share))
    forms = [f"+{form}" for did in announcement.emergency for form in dialled_forms(did, country)]
    return "-".join([f"{percent:03}", *forms])


def _instant(told: Mapping[str, object]) -> datetime:
    try:
        return datetime.fromtimestamp(int(str(told["value"])), UTC)
    except (KeyError, ValueError, OverflowError, OSError):
        raise RequestRefusedError(Failure.REFUSED, "no clock in the answer") from None
