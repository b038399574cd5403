"""What calls look up in the store."""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from ivrengine.core.asking import UnansweredError
from ivrengine.core.effects import FindAnswers
from ivrengine.core.ids import BrandId, CallerKey, CallId, RequestId
from ivrengine.core.rows import AnswerRow
from ivrengine.store.database import Database
from ivrengine.store.lookups import CONNECTIONS_MAX, Lookups
from tests.store import samples
from tests.store.a_database import connected, ship

pytestmark = pytest.mark.postgres

ROW = samples.keeping(1, 1)
[ANSWER] = [row for row in ROW.kept if isinstance(row, AnswerRow)]
assert ANSWER.caller_key is not None
QUESTION = FindAnswers(
    request_id=RequestId("q"),
    brand=ANSWER.brand,
    survey=ANSWER.survey,
    caller_key=ANSWER.caller_key,
    call_id=CallId(samples.stream_id(99)),
    since_at=ANSWER.at - timedelta(days=90),
    deadline_s=1.0,
)


@contextlib.asynccontextmanager
async def looking_into(url: str) -> AsyncIterator[Lookups]:
    lookups = Lookups(Database(url, Path("nowhere")))
    try:
        yield lookups
    finally:
        await lookups.close()


async def asked_at(lookups: Lookups, **changes: object) -> datetime | None:
    return await lookups.last_asked_at(dataclasses.replace(QUESTION, **changes))  # type: ignore[arg-type]


async def test_a_caller_was_asked_when_the_last_question_was_put_to_them(url: str) -> None:
    async with looking_into(url) as lookups:
        assert await asked_at(lookups) is None
        later = dataclasses.replace(ANSWER, index=9, at=ANSWER.at + timedelta(days=1), score=None)
        await ship(url, [dataclasses.replace(ROW, kept=(ANSWER, later))])
        assert await asked_at(lookups) == later.at


@pytest.mark.parametrize(
    "change",
    [
        {"brand": BrandId("other")},
        {"survey": "another"},
        {"caller_key": CallerKey("k1:other")},
        {"call_id": ANSWER.call_id},
        {"since_at": ANSWER.at + timedelta(seconds=1)},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_only_the_same_survey_of_another_call_of_the_time_counts(
    url: str, change: dict[str, object]
) -> None:
    async with looking_into(url) as lookups:
        await ship(url, [ROW])
        assert await asked_at(lookups) == ANSWER.at
        assert await asked_at(lookups, **change) is None


async def test_many_ask_at_once_over_few_connections(url: str) -> None:
    async with looking_into(url) as lookups:
        await ship(url, [ROW])
        found = await asyncio.gather(*(asked_at(lookups) for _ in range(50)))
        assert found == [ANSWER.at] * 50
        assert await _connections(url) <= CONNECTIONS_MAX


async def _connections(url: str) -> int:
    async with connected(url) as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return count


async def test_connections_that_broke_meanwhile_are_replaced(url: str) -> None:
    async with looking_into(url) as lookups:
        await ship(url, [ROW])
        assert await asked_at(lookups) == ANSWER.at
        async with connected(url) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert await asked_at(lookups) == ANSWER.at


async def test_a_look_up_that_is_given_up_spoils_none_that_follows(url: str) -> None:
    async with looking_into(url) as lookups:
        await ship(url, [ROW])
        assert await asked_at(lookups) == ANSWER.at
        async with connected(url) as connection, connection.transaction():
            await connection.execute("LOCK TABLE survey_answers IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await asked_at(lookups)
        assert await asked_at(lookups) == ANSWER.at


async def test_a_store_that_is_away_says_nothing(tmp_path: Path) -> None:
    async with looking_into(f"postgresql://nobody@/none?host={tmp_path}") as lookups:
        with pytest.raises(UnansweredError):
            await asked_at(lookups)


async def test_a_database_without_tables_says_nothing(empty_url: str) -> None:
    async with looking_into(empty_url) as lookups:
        with pytest.raises(UnansweredError):
            await asked_at(lookups)
