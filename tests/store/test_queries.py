"""What is asked of the store, and what it answers."""

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from ivrengine.core.ids import BrandId
from ivrengine.core.rows import CallRow, EventRow
from ivrengine.store.queries import (
    NoSuchCallError,
    Wanted,
    events_of,
    find_call,
    list_calls,
)
from tests.store import samples
from tests.store.a_database import connected, new_database, ship

pytestmark = pytest.mark.postgres


def changed(row: EventRow, **fields: object) -> EventRow:
    assert row.call is not None
    return dataclasses.replace(row, call=dataclasses.replace(row.call, **fields))  # type: ignore[arg-type]


HOURS = [samples.NOON + timedelta(hours=hour) for hour in range(5)]
ROWS = [
    changed(samples.event(0, 1, 1, at=HOURS[0])),
    changed(samples.event(1, 1, 2, at=HOURS[1]), flow="other"),
    changed(samples.event(2, 1, 1, at=HOURS[2]), brand=BrandId("makara"), outcome="hung_up"),
    changed(samples.event(3, 1, 2, at=HOURS[3]), phase="talking"),
    changed(samples.event(4, 1, 1, at=HOURS[4])),
]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), [4, 3, 2, 1, 0]),
        (Wanted(limit=2), [4, 3]),
        (Wanted(brand="makara"), [2]),
        (Wanted(flow="other"), [1]),
        (Wanted(outcome="completed"), [4, 0]),
        (Wanted(outcome="hung_up"), [2]),
        (Wanted(phase="talking"), [3]),
        (Wanted(since=HOURS[3]), [4, 3]),
        (Wanted(until=HOURS[3]), [2, 1, 0]),
        (Wanted(since=HOURS[1], until=HOURS[3]), [2, 1]),
        (Wanted(brand="guneskent", since=HOURS[2], limit=1), [4]),
        (Wanted(brand="'; DROP TABLE calls; --"), []),
        (Wanted(since=timedelta(hours=1)), []),
        (Wanted(until=timedelta(hours=1), limit=1), [4]),
    ],
    ids=str,
)
def test_calls_are_listed_by_what_is_wanted_newest_first(
    filled: str, wanted: Wanted, found: list[int]
) -> None:
    async def ask() -> list[str]:
        async with connected(filled) as connection:
            return [call.call_id for call in await list_calls(connection, wanted)]

    assert asyncio.run(ask()) == [samples.stream_id(n, HOURS[n]) for n in found]


@pytest.fixture(scope="module")
def filled(server: str) -> str:
    url = new_database(server)
    asyncio.run(ship(url, ROWS))
    return url


async def test_a_call_comes_back_as_it_was_sent(url: str) -> None:
    row = samples.event(1, 3, 3)
    await ship(url, [row])
    async with connected(url) as connection:
        [found] = await list_calls(connection, Wanted())
    assert isinstance(found, CallRow)
    assert found == row.call


async def test_a_call_is_found_by_its_id_by_its_beginning_and_as_the_last(url: str) -> None:
    await ship(url, ROWS)
    async with connected(url) as connection:
        newest = samples.stream_id(4, HOURS[4])
        for which in (newest, newest[:13], newest.upper(), newest.replace("-", "")[:20], "last"):
            assert (await find_call(connection, which)).call_id == newest


@pytest.mark.parametrize(
    ("which", "sentence"),
    [
        ("0000", "there is no call whose id begins with 0000"),
        ("019", "more than one call begins with 019, for instance 019"),
        (
            "nonsense",
            "expected the id of a call, the beginning of one, or `last`, found 'nonsense'",
        ),
        ("", "expected the id of a call"),
        ("-", "expected the id of a call"),
        ("0" * 33, "expected the id of a call"),
        ("last ", "expected the id of a call"),
    ],
)
async def test_a_call_that_is_not_meant_clearly_is_told_in_a_sentence(
    url: str, which: str, sentence: str
) -> None:
    await ship(url, ROWS)
    async with connected(url) as connection:
        with pytest.raises(NoSuchCallError) as told:
            await find_call(connection, which)
    assert str(told.value).startswith(sentence)


async def test_there_is_no_last_call_in_an_empty_store(url: str) -> None:
    async with connected(url) as connection:
        with pytest.raises(NoSuchCallError, match="there are no calls yet"):
            await find_call(connection, "last")


async def test_the_events_of_a_call_come_in_their_order(url: str) -> None:
    rows = samples.call(1, 12)
    await ship(url, [*reversed(rows), *samples.call(2, 3)])
    assert rows[0].call is not None
    async with connected(url) as connection:
        found = await events_of(connection, rows[0].call.call_id)
    assert [row.seq for row in found] == list(range(1, 13))
    assert found[0].payload == {"event": {"timer_id": "t1"}, "effects": []}
    assert found[0].at == datetime(2025, 11, 21, 12, 0, 1, tzinfo=UTC)
