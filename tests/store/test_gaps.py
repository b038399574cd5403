"""Rows that a database has lost, and numbers that a journal skips."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from ivrengine.core.rows import EventRow
from ivrengine.store import gaps
from ivrengine.store.gaps import Numbering, Recent, Sent
from ivrengine.store.tables import PostgresTables
from tests.store import samples
from tests.store.a_database import connected, contents, lose, ship, shipper
from tests.store.a_shipper import Bench
from tests.store.fakes import FakeJournal


async def test_rows_that_a_new_primary_has_lost_are_sent_again() -> None:
    rows = samples.interleaved([samples.call(n, 20) for n in range(5)])
    bench = Bench(rows, batch_rows=10)
    broken = iter([asyncpg.ConnectionDoesNotExistError("fail-over")])
    with capture_logs() as logs:
        async with bench.running():
            await asyncio.sleep(1)
            assert len(bench.database.events) == 100
            bench.database.lose(7)
            bench.database.write_trouble = lambda _: next(broken, None)
            bench.append(samples.event(9, 1))
            await asyncio.sleep(2)
            assert {(row.stream_id, row.seq) for row in bench.database.events} == {
                (row.stream_id, row.seq) for row in bench.journal.rows if isinstance(row, EventRow)
            }
    assert [entry["event"] for entry in logs].count("rows lost by the database, sending again") == 1
    assert bench.count("gaps") == 1


async def test_a_loss_without_a_broken_connection_is_found_by_the_regular_look() -> None:
    bench = Bench(samples.call(1, 20), batch_rows=10)
    async with bench.running():
        await asyncio.sleep(1)
        bench.database.lose(3)
        await asyncio.sleep(40)
        assert {row.seq for row in bench.database.events} == set(range(1, 21))


async def test_rows_that_vanish_again_and_again_are_not_sent_for_ever() -> None:
    bench = Bench(samples.call(1, 20), batch_rows=10)
    bench.database.swallows = lambda item: isinstance(item, EventRow) and item.seq > 17
    with capture_logs() as logs:
        async with bench.running():
            await asyncio.sleep(3600)
    assert len(bench.journal.rewinds) == gaps.REWINDS_MAX
    assert [entry["event"] for entry in logs].count("rows stay lost") == 1


async def test_a_row_that_the_journal_tells_twice_is_not_lost_for_being_one() -> None:
    bench = Bench([*samples.call(1, 4), *samples.call(1, 4)[-1:], samples.event(2, 1)])
    with capture_logs() as logs:
        async with bench.running():
            await asyncio.sleep(3600)
    assert bench.journal.rewinds == []
    assert "rows lost by the database, sending again" not in [entry["event"] for entry in logs]


async def test_a_hole_in_the_journal_is_told_and_counted() -> None:
    rows = [row for row in samples.call(1, 9) if row.seq not in {4, 5}]
    bench = Bench(rows)
    with capture_logs() as logs:
        await bench.ship_all()
    told = [entry for entry in logs if entry["event"] == "hole in the journal"]
    assert [(entry["after"], entry["found"]) for entry in told] == [(3, 6)]
    assert bench.count("gaps") == 1
    assert len(bench.database.events) == 7


@pytest.mark.postgres
async def test_the_gap_detector_finds_lost_rows_and_has_them_sent_again(url: str) -> None:
    rows = samples.interleaved([samples.call(n, 30) for n in range(10)])
    journal = FakeJournal(rows)
    carrier = shipper(url, journal, batch_rows=20)
    async with connected(url) as connection:
        task = asyncio.create_task(carrier.run())
        await journal.shipped(300)
        before = await contents(connection)
        await lose(connection, "DELETE FROM events WHERE seq > 25")
        assert await connection.fetchval("SELECT count(*) FROM events") == 250
        await connection.execute(  # a fail-over breaks the connection
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        journal.rows.append(samples.event(50, 1))
        carrier.finish()
        await task
        await lose(connection, "DELETE FROM events WHERE stream_id = $1", samples.stream_id(50))
        await connection.execute("DELETE FROM calls WHERE call_id = $1", samples.stream_id(50))
        after = await contents(connection)
    assert journal.rewinds
    assert after == before


@pytest.mark.postgres
@pytest.mark.parametrize(
    ("statement", "lost"),
    [
        ("SELECT 1", None),
        ("DELETE FROM events WHERE seq = 2", 0),
        ("DELETE FROM events WHERE seq = 4", 1),
        ("DELETE FROM numbers", 1),
        ("DELETE FROM flow_versions", 0),
    ],
)
async def test_the_earliest_slice_with_a_lost_row_is_found(
    url: str, statement: str, lost: int | None
) -> None:
    await ship(url, [*samples.call(1, 5), samples.number(1), samples.flow(1)])
    stream, vault, version = samples.stream_id(1), samples.number(1), samples.flow(1)
    sent = Sent(
        runs=[(0, stream, 1, 3, 3), (1, stream, 4, 5, 2)],
        numbers=[
            (1, vault.brand, vault.number_id, vault.expires_at),
            (0, vault.brand, samples.number(9).number_id, samples.NOON - timedelta(days=1)),
        ],
        flows=[(0, version.brand, version.name, version.flow_hash)],
    )
    async with connected(url) as connection:
        await lose(connection, statement)
        assert await PostgresTables(connection).first_lost(sent) == lost


class Checker:
    """Says which slice has lost a row."""

    def __init__(self) -> None:
        self.lost: int | None = None
        self.asked: list[Sent] = []

    async def first_lost(self, sent: Sent) -> int | None:
        self.asked.append(sent)
        return self.lost


async def test_what_is_sent_within_a_slice_is_remembered_as_one_entry_for_each_stream() -> None:
    recent, checker = Recent(), Checker()
    recent.note((1, 0), (1, 5), samples.call(1, 5), at=0.0)
    recent.note((1, 5), (1, 8), samples.call(2, 3), at=1.0)
    recent.note((1, 8), (1, 10), [samples.event(1, 6), samples.event(1, 7)], at=2.5)
    assert await recent.check(checker, 3.0) is None
    first, second = samples.stream_id(1), samples.stream_id(2)
    assert checker.asked[0].runs == [(0, first, 1, 5, 5), (0, second, 1, 3, 3), (1, first, 6, 7, 2)]


async def test_a_loss_leads_back_to_the_beginning_of_its_slice_until_all_is_sent_again() -> None:
    recent, checker = Recent(), Checker()

    def send(number: int, at: float) -> None:
        recent.note((1, number), (1, number + 1), [samples.event(number, 1)], at=at)

    for number in range(5):
        send(number, at=10.0 * number)
    checker.lost = 3
    assert await recent.check(checker, 50.0) == (1, 3)
    assert await recent.check(checker, 50.5) is None, (
        "it is being sent again: nothing to look at yet"
    )
    send(3, at=51.0)
    assert not recent.due(51.0)
    send(4, at=51.1)
    assert recent.due(51.1), "whether it helped"
    checker.lost = None
    assert await recent.check(checker, 51.2) is None
    assert [entry[0] for entry in checker.asked[-1].runs] == [0, 1, 2, 3, 4]
    assert len(checker.asked) == 2


async def test_what_is_old_and_was_there_is_looked_at_no_more() -> None:
    recent, checker = Recent(), Checker()
    recent.note((1, 0), (1, 5), samples.call(1, 5), at=0.0)
    assert not recent.due(gaps.CHECK_EVERY_S - 1)
    assert recent.due(gaps.CHECK_EVERY_S)
    await recent.check(checker, gaps.KEPT_S)
    assert not recent.due(10 * gaps.KEPT_S)


async def test_what_is_remembered_has_a_bound_and_is_looked_at_before_it_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gaps, "RUNS_MAX", 100)
    recent, checker = Recent(), Checker()
    remembered: list[int] = []
    for number in range(1000):
        at = number * 0.5
        recent.note((1, number), (1, number + 1), [samples.event(number, 1)], at=at)
        if recent.due(at):
            await recent.check(checker, at)
        remembered.append(len(recent._sent().runs))
    assert max(remembered) <= 100
    looked_at = {entry[1] for sent in checker.asked for entry in sent.runs}
    assert looked_at >= {samples.stream_id(number) for number in range(900)}


def test_numbering_forgives_what_is_read_again_and_what_begins_in_the_middle() -> None:
    numbering = Numbering()
    rows = samples.call(1, 9)
    assert numbering.holes(rows[3:6]) == []
    assert numbering.holes(rows[:5]) == []
    assert numbering.holes(rows[5:8]) == []
    [hole] = numbering.holes([samples.event(1, 11)])
    assert (hole.after, hole.found) == (8, 11)


def test_numbering_remembers_a_bounded_number_of_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gaps, "STREAMS_MAX", 10)
    numbering = Numbering()
    for number in range(100):
        numbering.holes([samples.event(number, 1)])
    assert len(numbering._last) == 10
    assert numbering.holes([samples.event(5, 7)]) == [], (
        "forgotten, so nothing is known to be missing"
    )
    assert len(numbering.holes([samples.event(99, 7)])) == 1
