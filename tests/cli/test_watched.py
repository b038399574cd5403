"""Where an engine is watched: at once, or, as a standby, as soon as the place is free."""

import asyncio
import socket

import aiohttp
import pytest
import structlog

from ivrengine.cli import watched as watching
from ivrengine.cli.watched import ListeningError, watched
from ivrengine.telemetry import metrics
from ivrengine.telemetry.readiness import Readiness
from ivrengine.telemetry.watching import Watched

pytestmark = pytest.mark.real_time


def pages() -> Watched:
    return Watched(metrics.new().registry, lambda: Readiness(checks=()))


async def test_without_an_address_nothing_listens() -> None:
    async with watched(None, pages(), patiently=True):
        pass


async def test_an_address_that_another_has_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(
            ListeningError, match=f"{address} cannot be listened on: Address already"
        ):
            async with watched(address, pages(), patiently=False):
                pass


async def test_a_standby_listens_where_the_engine_before_it_did_when_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watching, "RETRY_S", 0.02)
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    with structlog.testing.capture_logs() as logs:
        async with watched(f"127.0.0.1:{port}", pages(), patiently=True):
            async with asyncio.timeout(3):
                while not logs:
                    await asyncio.sleep(0.01)
            taken.close()
            async with asyncio.timeout(3), aiohttp.ClientSession() as session:
                while True:
                    try:
                        async with session.get(f"http://127.0.0.1:{port}/healthz") as answer:
                            assert answer.status == 200
                            break
                    except aiohttp.ClientError:
                        await asyncio.sleep(0.01)
    assert [entry["event"] for entry in logs] == ["not listening yet"]
