"""Flows that ask schedules and split callers, with the engine and the simulated switch, by the examples of the reference."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ivrengine.flow.load import load_folder
from tests.engine.a_house import House, a_house
from tests.engine.test_engine import nodes_of

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "flow-language"
HOURS = "+902125550114"
SPLIT = "+902125550115"


async def _called(house: House, did: str) -> list[str]:
    caller = house.switch.call(did)
    await caller.gone()
    return nodes_of(house)


@pytest.mark.parametrize(
    ("at", "nodes"),
    [
        (datetime(2026, 11, 23, 12, tzinfo=UTC), ["welcome"]),
        (datetime(2026, 10, 29, 12, tzinfo=UTC), ["closed-on-holidays"]),
        (datetime(2026, 11, 23, 4, tzinfo=UTC), ["is-security-there", "opens-today", "opens-soon"]),
        (datetime(2027, 2, 3, 12, tzinfo=UTC), []),
    ],
)
async def test_callers_hear_what_is_meant_for_the_hour_and_the_day(
    at: datetime, nodes: list[str], tmp_path: Path
) -> None:
    book, _ = load_folder(EXAMPLES)
    async with a_house(tmp_path / "j", book, started_at=at) as house:
        assert await _called(house, HOURS) == ["is-office-open", *nodes, "goodbye"]
        assert house.outcome() == "completed"


async def test_some_callers_go_each_way(tmp_path: Path) -> None:
    book, _ = load_folder(EXAMPLES)
    async with a_house(tmp_path / "j", book) as house:
        for _ in range(40):
            await _called(house, SPLIT)
        entered = Counter(nodes_of(house))
    assert entered["which-greeting"] == entered["goodbye"] == 40
    assert 20 <= entered["welcome"] < 40
