"""Rows on their way from a journal in memory into a real PostgreSQL."""

import asyncio
import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ivrengine.core.rows import EventRow, Row
from ivrengine.store.connecting import Connection
from ivrengine.store.shipper import Shipper
from ivrengine.store.tables import PostgresTables
from ivrengine.telemetry import metrics
from tests.store import samples
from tests.store.a_database import JOURNAL, connected, contents, ship, shipper
from tests.store.fakes import FakeJournal

pytestmark = pytest.mark.postgres


async def test_each_kind_of_row_reaches_its_table(url: str) -> None:
    await ship(url, JOURNAL)
    async with connected(url) as connection:
        held = await contents(connection)
        event = await connection.fetchrow("SELECT * FROM events ORDER BY stream_id, seq LIMIT 1")
        call = await connection.fetchrow("SELECT * FROM calls ORDER BY call_id LIMIT 1")
    assert {name: len(rows) for name, rows in held.items()} == {
        "calls": 8, "events": 36, "numbers": 2, "flows": 2, "parked": 1,
        "messages": 2, "attributes": 4, "answers": 2, "recordings": 2,
    }  # fmt: skip
    assert event is not None
    assert call is not None
    sent = samples.event(0, 1, 4)
    assert str(event["stream_id"]) == sent.stream_id
    assert (event["seq"], event["stream_kind"], event["brand"]) == (1, "call", "guneskent")
    assert (event["at"], event["kind"]) == (sent.at, "TimerFired")
    assert json.loads(event["payload"]) == json.loads(sent.payload)
    newest = samples.call_row(0, 4, 4)
    expected = {field.name: getattr(newest, field.name) for field in dataclasses.fields(newest)}
    assert {**dict(call), "call_id": str(call["call_id"])} == expected


async def test_an_older_picture_of_a_call_never_overwrites_a_newer_one(url: str) -> None:
    rows = samples.call(1, 5)
    await ship(url, [rows[4]])
    await ship(url, rows[:4])
    async with connected(url) as connection:
        call = await connection.fetchrow("SELECT last_seq, phase, outcome FROM calls")
    assert call is not None
    assert tuple(call) == (5, "ended", "completed")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_however_often_and_in_whatever_batches_a_journal_is_sent_the_tables_are_the_same(
    url: str, data: st.DataObject
) -> None:
    async with connected(url) as connection:
        await _empty(connection)
        await _send_in_any_way(connection, data)
        held = await contents(connection)
    digest = hashlib.sha256(repr(sorted(held.items())).encode()).hexdigest()
    if not _first_outcome:
        _first_outcome.append(digest)
    assert held["events"]
    assert digest == _first_outcome[0]


_first_outcome: list[str] = []


async def _send_in_any_way(connection: Connection, data: st.DataObject) -> None:
    """Send the journal in random batches, going back at random, with tries that end before their commit."""
    journal = FakeJournal(JOURNAL)
    for _ in range(data.draw(st.integers(0, 6), label="detours")):
        upto = data.draw(st.integers(1, 25), label="rows")
        await _one_try(connection, journal.read(upto).rows, commits=data.draw(st.booleans()))
        journal.rewind((1, data.draw(st.integers(0, journal.position()[1]), label="back to")))
    journal.rewind((1, 0))
    while rows := journal.read(data.draw(st.integers(1, 40), label="batch")).rows:
        await _one_try(connection, rows, commits=True)


async def _one_try(connection: Connection, rows: Sequence[Row], *, commits: bool) -> None:
    carrier = Shipper(
        FakeJournal(rows),
        lambda: _same(_Uncommitted(connection) if not commits else _Shared(connection)),
        metrics=metrics.new(),
        parked_file=Path("nowhere"),
        chance=lambda: 0.0,
    )
    carrier.finish()
    with contextlib.suppress(_CutError):
        await carrier.run()


async def _same(tables: PostgresTables) -> PostgresTables:
    return tables


class _CutError(Exception):
    """The engine dies here."""


class _Shared(PostgresTables):
    """Tables on a connection that is used again."""

    async def close(self) -> None:
        pass


class _Uncommitted(_Shared):
    """Tables whose transaction is never committed."""

    async def write(self, items: Sequence[Any]) -> Sequence[EventRow]:
        async with self._connection.transaction():
            await super().write(items)
            raise _CutError


async def _empty(connection: Connection) -> None:
    async with connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("TRUNCATE calls, events, numbers, flow_versions, parked_rows")


async def test_two_shippers_on_one_database_do_not_disturb_each_other(url: str) -> None:
    rows = samples.interleaved([samples.call(n, 12) for n in range(20)])
    await asyncio.gather(*(ship(url, rows, batch_rows=17 + n) for n in range(3)))
    async with connected(url) as connection:
        held = await contents(connection)
    assert [len(held[name]) for name in ("events", "calls", "parked")] == [240, 20, 0]


async def test_a_lone_row_is_in_the_table_within_fifty_milliseconds(url: str) -> None:
    journal = FakeJournal()
    carrier = shipper(url, journal)
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    async with connected(url) as connection:
        task = asyncio.create_task(carrier.run())
        for seq in range(1, 22):
            journal.rows.append(samples.event(1, seq))
            written_at = loop.time()
            carrier.wake()
            while await connection.fetchval("SELECT count(*) FROM events") < seq:
                pass
            waits.append(loop.time() - written_at)
        carrier.finish()
        await task
    _, *others = waits  # the first had to wait for the connection
    assert sorted(others)[len(others) // 2] < 0.05, waits
