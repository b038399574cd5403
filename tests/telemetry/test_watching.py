"""The pages for those who watch: what they say, and that they say it whatever else hangs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ivrengine.telemetry import metrics
from ivrengine.telemetry.readiness import Check, Readiness, State, one_suffices
from ivrengine.telemetry.watching import Watched, open_to_watch

pytestmark = pytest.mark.real_time

ASTERISK = Check(name="asterisk ast1", state=State.OK)
DATABASE = Check(name="database", state=State.DEGRADED, why="nobody listens there")
JOURNAL = Check(name="journal", state=State.FAILED, why="the disk is full")


@contextlib.asynccontextmanager
async def watched(
    *checks: Check,
) -> AsyncIterator[aiohttp.ClientSession]:
    pages = Watched(metrics.new().registry, lambda: Readiness(checks=checks))
    async with (
        open_to_watch("127.0.0.1:0", pages) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


@pytest.mark.parametrize(
    ("checks", "status", "word"),
    [
        ((ASTERISK,), 200, "ready"),
        ((ASTERISK, DATABASE), 200, "degraded"),
        ((ASTERISK, DATABASE, JOURNAL), 503, "not ready"),
    ],
)
async def test_readiness_names_each_dependency_with_its_reason(
    checks: tuple[Check, ...], status: int, word: str
) -> None:
    async with (
        watched(*checks) as session,
        session.get("/readyz") as answer,
    ):
        assert answer.status == status
        assert answer.content_type == "application/json"
        found = await answer.json()
    assert found["status"] == word
    assert set(found["checks"]) == {check.name for check in checks}
    for check in checks:
        told = found["checks"][check.name]
        assert told["state"] == check.state
        assert told.get("why", "") == check.why


async def test_health_is_that_the_loop_turns_and_nothing_more() -> None:
    async with (
        watched(JOURNAL) as session,
        session.get("/healthz") as answer,
    ):
        assert answer.status == 200
        assert await answer.json() == {"status": "ok"}


async def test_metrics_are_prometheus_text_and_written_once_for_all_who_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = 0

    def count(registry: CollectorRegistry) -> bytes:
        nonlocal written
        written += 1
        return generate_latest(registry)

    monkeypatch.setattr("ivrengine.telemetry.watching.generate_latest", count)
    async with watched() as session:

        async def scrape() -> str:
            async with session.get("/metrics") as answer:
                assert answer.status == 200
                assert answer.content_type == "text/plain"
                return await answer.text()

        bodies = await asyncio.gather(*(scrape() for _ in range(10)))
        assert "# TYPE ivrengine_calls_in_progress gauge" in bodies[0]
        assert 1 <= written < 10


async def test_a_scraper_that_goes_away_takes_nothing_from_the_next() -> None:
    async with watched() as session:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.0001), session.get("/metrics"):
                pass
        async with session.get("/metrics") as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("POST", "/metrics", 405)]
)
async def test_there_is_nothing_else(method: str, path: str, status: int) -> None:
    async with (
        watched() as session,
        session.request(method, path, data=b"x" * 100_000) as answer,
    ):
        assert answer.status == status


def test_of_several_nodes_one_that_is_well_suffices() -> None:
    lost = Check(name="asterisk ast2", state=State.FAILED, why="nothing listens there")
    assert Readiness(checks=one_suffices([ASTERISK, lost])).word == "degraded"
    assert Readiness(checks=one_suffices([lost, lost])).word == "not ready"
    assert Readiness(checks=one_suffices([ASTERISK])).word == "ready"
    sentence = Readiness(checks=one_suffices([ASTERISK, lost])).sentence()
    assert sentence == "degraded; asterisk ast2: nothing listens there"
