"""What calls keep beside their events: messages, answers, notes, recordings."""

import dataclasses
import json
from pathlib import Path

import pytest

from ivrengine.core.rows import AnswerRow, KeptRow, MessageRow
from ivrengine.store.gaps import Sent, table_of
from ivrengine.store.items import items_of
from ivrengine.store.parking import parked
from ivrengine.store.tables import PostgresTables
from tests.store import samples
from tests.store.a_database import connected, contents, lose, ship

ROW = samples.keeping(1, 1)


def test_what_an_event_keeps_is_parked_by_itself_and_a_messages_text_is_not() -> None:
    items = items_of([ROW])
    assert set(ROW.kept) <= set(items)
    bodies = {
        type(item): json.loads(parked(item, ValueError("bad")).body)
        for item in items
        if not isinstance(item, MessageRow)
    }
    assert all("text" not in body for body in bodies.values())
    [message] = [item for item in items if isinstance(item, MessageRow)]
    kept = parked(message, ValueError("bad"))
    assert kept.row_kind == "message"
    assert json.loads(kept.body)["message_id"] == message.message_id
    assert "1.250,50" not in kept.body
    assert len(items) == 2 + len(ROW.kept)


@pytest.mark.postgres
async def test_rows_that_are_kept_hold_all_that_was_decided(url: str) -> None:
    await ship(url, [ROW])
    async with connected(url) as connection:
        for row in ROW.kept:
            found = await connection.fetchrow(
                f"SELECT * FROM {table_of(row)} WHERE index = $1",  # noqa: S608 - a name of ours
                row.index,
            )
            assert found is not None
            held = {**dict(found), "call_id": str(found["call_id"])}
            expected = dataclasses.asdict(row)
            if isinstance(row, MessageRow):
                expected["created_at"] = expected.pop("at")
                held["number_id"] = str(held["number_id"])
                assert (held["status"], held["attempts"], held["sent_at"]) == ("queued", 0, None)
            assert {name: held[name] for name in expected} == expected


@pytest.mark.postgres
async def test_what_a_gateway_notes_stays_when_rows_are_sent_again(url: str) -> None:
    await ship(url, [ROW])
    async with connected(url) as connection:
        await connection.execute("UPDATE messages SET status = 'sent', attempts = 2")
        before = await contents(connection)
        await ship(url, [ROW])
        assert await contents(connection) == before
        assert len(before["messages"]) == 1


@pytest.mark.postgres
async def test_a_row_that_no_table_takes_is_parked_and_the_others_of_its_event_get_through(
    url: str, tmp_path: Path
) -> None:
    bad = tuple(
        dataclasses.replace(row, language="t\0r") if isinstance(row, MessageRow) else row
        for row in ROW.kept
    )
    await ship(url, [dataclasses.replace(ROW, kept=bad)], folder=tmp_path)
    async with connected(url) as connection:
        held = await contents(connection)
    counts = {name: len(rows) for name, rows in held.items()}
    assert (counts["messages"], counts["attributes"], counts["answers"]) == (0, 2, 1)
    assert (counts["events"], counts["recordings"]) == (1, 1)
    [(_, kind, *_)] = held["parked"]
    assert kind == "message"


@pytest.mark.postgres
@pytest.mark.parametrize("row", ROW.kept, ids=lambda row: f"{table_of(row)}-{row.index}")
async def test_a_row_that_the_database_lost_is_missed(url: str, row: KeptRow) -> None:
    await ship(url, [ROW])
    sent = Sent(
        runs=[],
        numbers=[],
        flows=[],
        kept=[(3, table_of(each), each.call_id, each.seq, each.index) for each in ROW.kept],
    )
    async with connected(url) as connection:
        tables = PostgresTables(connection)
        assert await tables.first_lost(sent) is None
        statement = f"DELETE FROM {table_of(row)} WHERE index = $1"  # noqa: S608 - a name of ours
        await lose(connection, statement, row.index)
        assert await tables.first_lost(sent) == 3


@pytest.mark.postgres
async def test_a_question_put_and_answered_is_one_result(url: str) -> None:
    [answer] = [row for row in ROW.kept if isinstance(row, AnswerRow)]
    put = dataclasses.replace(answer, index=1, score=None)
    unanswered = samples.event(2, 1)
    assert unanswered.call is not None
    other = dataclasses.replace(put, call_id=unanswered.call.call_id)
    await ship(
        url,
        [
            dataclasses.replace(ROW, kept=(put, answer)),
            dataclasses.replace(unanswered, kept=(other,)),
        ],
    )
    async with connected(url) as connection:
        found = await connection.fetch("SELECT * FROM survey_results ORDER BY call_id")
    assert [(row["question"], row["score"]) for row in found] == [
        ("recommend", 9),
        ("recommend", None),
    ]
