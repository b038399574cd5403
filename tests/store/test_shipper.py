"""The shipper's loop on a virtual clock, with a database in memory."""

import asyncio

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ivrengine.store import shipper as shipping
from ivrengine.store.backoff import LONGEST_S, delay_s
from ivrengine.store.faults import DatabaseRefusedError
from tests.store import samples
from tests.store.a_shipper import Bench, now, waits
from tests.store.fakes import FakeJournal


async def test_everything_in_the_journal_is_shipped_in_bounded_batches_and_acknowledged() -> None:
    rows = samples.interleaved([samples.call(n, 9) for n in range(5)])
    bench = Bench(rows)
    await bench.ship_all()
    assert bench.database.events == rows
    assert bench.database.batches == [10, 10, 10, 10, 5]
    assert bench.journal.acknowledged == (1, 45)
    assert bench.count("rows_shipped", kind="event") == 45
    assert bench.database.closed == 1


async def test_a_lone_row_is_shipped_at_once_when_nothing_else_is_going_on() -> None:
    bench = Bench()
    async with bench.running():
        await asyncio.sleep(3)
        bench.append(samples.event(1, 1))
        await asyncio.sleep(1)
        assert bench.database.written_at == [3]


async def test_under_load_the_database_sees_at_most_twenty_five_transactions_a_second() -> None:
    bench = Bench(batch_rows=1000)
    async with bench.running():
        await asyncio.sleep(1)
        for seq in range(1, 1001):
            bench.append(samples.event(1, seq))
            await asyncio.sleep(0.001)
    assert len(bench.database.events) == 1000
    assert 22 <= len(bench.database.batches) <= 27


async def test_no_row_waits_longer_than_fifty_milliseconds_for_a_healthy_database() -> None:
    bench = Bench(batch_rows=1000)
    bench.database.write_s = 0.005
    async with bench.running():
        for seq in range(1, 301):
            written_at = now()
            bench.append(samples.event(1, seq))
            await asyncio.sleep(0.05)
            assert bench.database.events[-1].seq == seq, f"not there 50 ms after {written_at}"
            await asyncio.sleep((seq * 7 % 13) / 1000)


async def test_a_lost_call_is_made_up_for_by_looking_every_few_seconds() -> None:
    bench = Bench()
    async with bench.running():
        await asyncio.sleep(1)
        bench.journal.rows.append(samples.event(1, 1))  # and nobody says so
        await asyncio.sleep(shipping.IDLE_S + 1)
        assert len(bench.database.events) == 1


async def test_an_idle_shipper_reads_seldom() -> None:
    bench = Bench()
    async with bench.running():
        await asyncio.sleep(3600)
    assert bench.journal.reads < 3600 / shipping.IDLE_S + 5


async def test_an_outage_of_a_minute_loses_nothing_doubles_nothing_and_is_told_once() -> None:
    bench = Bench(batch_rows=250)
    with capture_logs() as logs:
        async with bench.running():
            for seq in range(1, 2001):
                if seq == 200:
                    bench.database.trouble = ConnectionRefusedError
                if seq == 1400:
                    bench.database.trouble = lambda: None
                bench.append(samples.event(seq % 7, seq // 7 + 1))
                await asyncio.sleep(0.05)
                assert bench.state != "starting"
            await asyncio.sleep(LONGEST_S)
    assert sorted(bench.database.events, key=id) == sorted(bench.journal.rows, key=id)
    assert bench.database.in_memory_max <= 250 + 7, "a batch, and the calls in it"
    told = [entry for entry in logs if entry["event"].startswith("shipping")]
    assert [entry["event"] for entry in told] == [
        "shipping",
        "shipping interrupted",
        "shipping again",
    ]
    assert told[1]["reason"] == "because of ConnectionRefusedError"
    assert 59 <= told[2]["after_s"] <= 60 + LONGEST_S


async def test_each_kind_of_trouble_is_told_when_it_begins() -> None:
    bench = Bench(samples.call(1, 3))
    troubles = iter(
        [ConnectionRefusedError()] * 3
        + [asyncpg.InvalidPasswordError("nope")] * 3
        + [DatabaseRefusedError("too new")] * 2
    )
    bench.database.trouble = lambda: next(troubles, None)
    with capture_logs() as logs:
        await bench.ship_all()
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("shipping interrupted", "warning"),
        ("shipping interrupted", "error"),
        ("shipping again", "info"),
    ]
    assert bench.count("shipping_failed") == 8


async def test_thewaits_between_tries_double_up_to_a_limit_and_begin_anew_after_a_success() -> None:
    bench = Bench(samples.call(1, 3))
    bench.database.trouble = ConnectionRefusedError
    async with bench.running():
        await asyncio.sleep(61)
        bench.database.trouble = lambda: None
        await asyncio.sleep(11)
        apart = waits(bench.database.connects)
        assert apart[:6] == pytest.approx([0.25, 0.5, 1, 2, 4, 8], rel=0.01)
        assert apart[6:] == pytest.approx([10] * len(apart[6:]), rel=0.01)
        begun_anew = now()
        bench.database.connects.clear()
        bench.database.trouble = ConnectionResetError
        bench.append(samples.event(2, 1))
        await asyncio.sleep(1)
        bench.database.trouble = lambda: None
        assert bench.database.connects[0] - begun_anew == pytest.approx(0.25, rel=0.1)
    assert len(bench.database.events) == 4


@given(st.integers(min_value=0, max_value=10**6), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_longer_than_the_longest_and_never_nothing(
    attempt: int, chance: float
) -> None:
    assert 0.125 <= delay_s(attempt, chance) <= LONGEST_S


async def test_a_database_that_connects_but_cannot_write_is_not_hammered() -> None:
    bench = Bench(samples.call(1, 3))
    bench.database.write_trouble = lambda _: asyncpg.DiskFullError("full")
    async with bench.running():
        await asyncio.sleep(60)
        assert len(bench.database.connects) < 15
        assert bench.state == "waiting"
        assert bench.database.parked == [], "a full disk is no fault of the rows"
        bench.database.write_trouble = lambda _: None
        await asyncio.sleep(LONGEST_S)
        assert len(bench.database.events) == 3
        assert bench.state == "shipping"


async def test_a_batch_whose_commit_was_in_doubt_is_sent_again() -> None:
    bench = Bench(samples.call(1, 3))
    broken = iter([asyncpg.ConnectionDoesNotExistError("cut"), TimeoutError()])
    bench.database.write_trouble = lambda _: next(broken, None)
    await bench.ship_all()
    assert bench.database.events == bench.journal.rows
    assert bench.journal.acknowledged == (1, 3)


async def test_nothing_is_acknowledged_before_it_is_committed() -> None:
    bench = Bench(samples.call(1, 3))
    bench.database.write_s = 1.0
    async with bench.running():
        await asyncio.sleep(0.5)
        assert bench.journal.acknowledged == (1, 0)
        await asyncio.sleep(1)
        assert bench.journal.acknowledged == (1, 3)


async def test_finishing_cuts_a_wait_short_for_one_more_try() -> None:
    bench = Bench(samples.call(1, 3))
    bench.database.trouble = ConnectionRefusedError
    task = asyncio.create_task(bench.shipper.run())
    await asyncio.sleep(100)
    bench.database.trouble = lambda: None
    asked_at = now()
    bench.shipper.finish()
    await task
    assert now() == asked_at
    assert len(bench.database.events) == 3


async def test_finishing_without_a_database_goes_on_trying_at_the_usual_pace() -> None:
    bench = Bench(samples.call(1, 3))
    bench.database.trouble = ConnectionRefusedError
    bench.shipper.finish()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5):
            await bench.shipper.run()
    assert 3 <= len(bench.database.connects) <= 8


async def test_the_store_is_tidied_at_the_start_and_every_hour() -> None:
    bench = Bench()
    async with bench.running():
        await asyncio.sleep(3 * 3600 + 60)
    assert waits(bench.database.tidied) == pytest.approx([3600] * 3, abs=shipping.IDLE_S)


async def test_a_failing_tidy_up_keeps_no_row_from_being_shipped() -> None:
    bench = Bench(samples.call(1, 3))
    bench.database.tidy_trouble = lambda: asyncpg.InsufficientPrivilegeError("no right to delete")
    async with bench.running():
        await asyncio.sleep(1)
        assert len(bench.database.events) == 3
        await asyncio.sleep(600)
        assert 8 <= len(bench.database.tidied) <= 11
        assert bench.state == "shipping"


class BrokenDisk(FakeJournal):
    broken = True

    def acknowledge(self, end: tuple[int, int]) -> None:
        if self.broken:
            raise OSError(28, "No space left on device")
        super().acknowledge(end)


async def test_a_journal_that_cannot_keep_its_place_is_said_so_and_tried_again() -> None:
    bench = Bench()
    broken = BrokenDisk(samples.call(1, 3))
    bench.journal = broken
    bench.shipper._source = broken
    with capture_logs() as logs:
        async with bench.running():
            await asyncio.sleep(5)
            broken.broken = False
            await asyncio.sleep(10)
            assert broken.acknowledged == (1, 3)
    assert [entry.get("fault") for entry in logs if "interrupted" in entry["event"]] == ["journal"]


async def test_a_mistake_of_ours_ends_the_shipper_instead_of_being_retried() -> None:
    bench = Bench(samples.call(1, 3))
    bench.database.write_trouble = lambda _: ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await bench.ship_all()
    assert bench.database.closed == 1
