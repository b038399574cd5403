"""What a dialplan is told of an engine: by its own clock, and emergency numbers in every way a trunk may write them."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from ivrengine.asterisk import heartbeat
from ivrengine.core.events import Failure
from ivrengine.core.switching import Announcement, RequestRefusedError

NOON: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
THERE_S: Final = 1_790_000_000
"""What the other machine's clock shows."""


class Asterisk:
    """Keeps globals, in the order in which they were set."""

    def __init__(self, clock: Mapping[str, Any]) -> None:
        self._clock = clock
        self.set: list[tuple[str, str]] = []

    async def __call__(self, operation: str, **arguments: object) -> Mapping[str, Any]:
        await asyncio.sleep(0)
        if operation == "asterisk.getGlobalVar":
            assert arguments == {"variable": "EPOCH"}
            return self._clock
        assert operation == "asterisk.setGlobalVar"
        self.set.append((str(arguments["variable"]), str(arguments["value"])))
        return {}


def said(*emergency: str, share: float = 0.0) -> Announcement:
    return Announcement(
        at=NOON,
        engine="e1",
        calls_max=200,
        calls_per_s_max=50,
        emergency=emergency,
        emergency_share=share,
    )


async def test_the_heartbeat_is_dated_by_the_clock_that_it_is_compared_with() -> None:
    asterisk = Asterisk({"value": str(THERE_S)})
    await heartbeat.tell(asterisk, said(), "TR")
    assert asterisk.set == [("IVR_EMERGENCY", "100"), ("IVR_ENGINE", f"{THERE_S}-200-50-e1")]


@pytest.mark.parametrize("told", [{}, {"value": ""}, {"value": "soon"}, {"value": "9" * 30}])
async def test_without_a_clock_nothing_is_said(told: Mapping[str, Any]) -> None:
    asterisk = Asterisk(told)
    with pytest.raises(RequestRefusedError) as refused:
        await heartbeat.tell(asterisk, said(), "TR")
    assert refused.value.failure is Failure.REFUSED
    assert asterisk.set == []


def test_emergency_numbers_are_told_in_each_way_a_trunk_may_write_them() -> None:
    told = heartbeat.reserved(said("+902124440199", "112", share=0.07), "TR")
    assert told == "093-+902124440199-+2124440199-+112"


def test_a_number_of_another_country_has_one_way_only() -> None:
    assert heartbeat.reserved(said("+441632960000", share=0.1), "TR") == "090-+441632960000"
