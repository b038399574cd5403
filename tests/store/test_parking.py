"""Rows that no table takes."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ivrengine.core.ids import NumberId
from ivrengine.core.rows import EventRow
from ivrengine.store.items import Item
from tests.store import samples
from tests.store.a_database import connected, contents, ship
from tests.store.a_shipper import Bench


def _refuses(kinds: set[str]) -> "asyncpg.PostgresError | None":
    return asyncpg.UntranslatableCharacterError("\\u0000") if kinds else None


@given(
    poison=st.sets(st.integers(0, 29), max_size=30),
    batch_rows=st.integers(1, 40),
)
async def test_poison_rows_are_parked_and_all_others_get_through(
    poison: set[int], batch_rows: int
) -> None:
    rows = samples.interleaved([samples.call(n, 6) for n in range(5)])
    bad = {id(rows[place]) for place in poison}
    bench = Bench(rows, batch_rows=batch_rows)

    def refuse(items: Sequence[Item]) -> BaseException | None:
        return _refuses({"bad" for item in items if id(item) in bad})

    bench.database.write_trouble = refuse
    with capture_logs() as logs:
        await bench.ship_all()
    assert {id(row) for row in bench.database.events} == {id(row) for row in rows} - bad
    assert len(bench.database.parked) == len(poison)
    assert bench.count("rows_parked", kind="event") == len(poison)
    assert sum(entry["event"] == "row parked" for entry in logs) == len(poison)
    assert bench.journal.acknowledged == (1, 30)


async def test_a_row_that_cannot_even_be_parked_goes_to_the_local_file(tmp_path: Path) -> None:
    bench = Bench([samples.event(1, 1), samples.event(1, 2)], folder=tmp_path)
    bench.database.write_trouble = lambda items: _refuses(
        {"bad" for item in items if isinstance(item, EventRow) and item.seq == 2}
    )
    bench.database.park_trouble = lambda: asyncpg.DataError("no")
    await bench.ship_all()
    assert [row.seq for row in bench.database.events] == [1]
    assert bench.parked_file.read_text().count("\n") == 1
    assert '"22P05"' in bench.parked_file.read_text()
    assert bench.parked_file.stat().st_mode & 0o077 == 0


async def test_a_database_that_goes_away_while_a_row_is_parked_keeps_the_batch(
    tmp_path: Path,
) -> None:
    bench = Bench([samples.event(1, 1), samples.event(1, 2)], folder=tmp_path)
    bench.database.write_trouble = lambda items: _refuses(
        {"bad" for item in items if isinstance(item, EventRow) and item.seq == 2}
    )
    broken = iter([ConnectionResetError()])
    bench.database.park_trouble = lambda: next(broken, None)
    await bench.ship_all()
    assert len(bench.database.parked) == 1
    assert bench.journal.acknowledged == (1, 2)
    assert not bench.parked_file.exists()


POISON = {
    "a character that jsonb cannot hold": samples.poisoned(
        samples.event(1, 3), '{"event": {"x": "\\u0000"}}'
    ),
    "a text that is no JSON": samples.poisoned(samples.event(1, 3), '{"event": '),
    "a raw zero byte": dataclasses.replace(samples.event(1, 3), kind="Timer\0Fired"),
    "half a surrogate pair": dataclasses.replace(samples.event(1, 3), kind="Timer\ud800"),
    "an id that is no UUID": dataclasses.replace(samples.event(1, 3), stream_id="not-a-uuid"),
    "an id with a version of another kind": dataclasses.replace(
        samples.event(1, 3), stream_id="0193ab12-0000-4000-8000-000000000001"
    ),
    "an id that only looks like a UUIDv7": dataclasses.replace(
        samples.event(1, 3), stream_id="0193ab12-0000-7000-8000-00000000000g"
    ),
    "a number out of range": dataclasses.replace(samples.event(1, 3), seq=2**31),
    "a number below one": dataclasses.replace(samples.event(1, 3), seq=0),
    "an instant that is a text": dataclasses.replace(
        samples.event(1, 3),
        at="yesterday",  # type: ignore[arg-type]
    ),
    "no brand": dataclasses.replace(samples.event(1, 3), brand=None),  # type: ignore[arg-type]
}


@pytest.mark.postgres
@pytest.mark.parametrize("poison", list(POISON.values()), ids=list(POISON))
async def test_a_poison_row_is_parked_and_its_neighbours_get_through(
    url: str, tmp_path: Path, poison: EventRow
) -> None:
    poison = dataclasses.replace(poison, call=None)
    rows = samples.call(1, 6)
    journal = await ship(url, [*rows[:2], poison, *rows[3:]], folder=tmp_path)
    async with connected(url) as connection:
        held = await contents(connection)
    assert len(held["events"]) == 5
    assert len(held["calls"]) == 1
    assert journal.acknowledged == (1, 6)
    [(_, kind, _, sentence, body)] = held["parked"]
    assert kind == "event"
    assert sentence
    assert "guneskent" not in sentence, "the sentence does not quote the row"
    assert json.loads(body)["payload"] == poison.payload
    assert not (tmp_path / "parked.jsonl").exists()


@pytest.mark.postgres
async def test_a_call_with_a_poison_picture_is_parked_and_its_event_is_not(url: str) -> None:
    row = samples.event(1, 1)
    assert row.call is not None
    bad = dataclasses.replace(row, call=dataclasses.replace(row.call, flow="ma\0in"))
    await ship(url, [bad, samples.event(2, 1)])
    async with connected(url) as connection:
        held = await contents(connection)
    assert [len(held[name]) for name in ("events", "calls", "parked")] == [2, 1, 1]
    assert held["parked"][0][1] == "call"


@pytest.mark.postgres
async def test_a_parked_number_leaves_its_sealed_bytes_out(url: str) -> None:
    bad = dataclasses.replace(samples.number(1), number_id=NumberId("nonsense"))
    await ship(url, [bad, samples.number(2)])
    async with connected(url) as connection:
        held = await contents(connection)
    assert len(held["numbers"]) == 1
    [(_, kind, _, _, body)] = held["parked"]
    assert kind == "number"
    assert "sealed_at" in body
    assert "sealed" not in json.loads(body)


@pytest.mark.postgres
async def test_an_event_whose_place_is_taken_by_another_is_parked_and_not_dropped(url: str) -> None:
    first = samples.event(1, 1)
    await ship(url, [first])
    await ship(
        url, [samples.poisoned(first, '{"event": {"timer_id": "another"}}'), samples.event(1, 2)]
    )
    async with connected(url) as connection:
        held = await contents(connection)
    assert len(held["events"]) == 2
    [(_, kind, _, sentence, body)] = held["parked"]
    assert kind == "event"
    assert "already" in sentence
    assert "another" in body
