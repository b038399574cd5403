"""An ``hours`` node goes where its schedule says, for the reason of the day, and tells when it opens next."""

import dataclasses
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from ivrengine.flow.model import Flow
from ivrengine.flow.schedules import Day, Schedule
from tests.flow.walk import Walk, flow_of

ISTANBUL = ZoneInfo("Europe/Istanbul")
WORKDAY = Day(periods=((9 * 60, 18 * 60),))
OFFICE = Schedule(
    name="office",
    zone=ISTANBUL,
    week=(*([WORKDAY] * 5), Day(), Day()),
    dated={date(2026, 11, 25): Day(reason="refurbishment"), date(2026, 11, 26): Day(reason="move")},
    reasons=("refurbishment", "move"),
)
FLOW = """
    start: office
    variables: {opens_at: {type: string, default: unknown}}
    nodes:
      office:
        type: hours
        schedule: office
        open: bye
        closed: bye
        reasons: {refurbishment: bye}
        next_open: opens_at
      bye: {type: hangup}
"""


def asking(schedules: dict[str, Schedule]) -> Flow:
    flow = flow_of(FLOW)
    return dataclasses.replace(flow, kit=dataclasses.replace(flow.kit, schedules=schedules))


def walk_at(local: str) -> Walk:
    at = datetime.fromisoformat(local).replace(tzinfo=ISTANBUL).astimezone(UTC)
    return Walk(asking({"office": OFFICE}), at=at)


@pytest.mark.parametrize(
    ("local", "by", "opens_at"),
    [
        ("2026-11-23T12:00", "open", ""),
        ("2026-11-23T18:00", "closed", "2026-11-24T09:00:00+03:00"),
        ("2026-11-20T20:00", "closed", "2026-11-23T09:00:00+03:00"),
        ("2026-11-25T12:00", "closed refurbishment", "2026-11-27T09:00:00+03:00"),
        ("2026-11-26T12:00", "closed", "2026-11-27T09:00:00+03:00"),
    ],
)
def test_the_exit_is_that_of_the_hour_and_the_reason(local: str, by: str, opens_at: str) -> None:
    walk = walk_at(local)
    assert walk.exits()[0] == ("office", by)
    assert walk.call.variables["opens_at"] == opens_at


def test_a_schedule_that_is_gone_is_an_error_of_the_node() -> None:
    walk = Walk(asking({}))
    assert walk.exits()[0] == ("office", "no such schedule")
    assert walk.call.outcome == "fallback"
