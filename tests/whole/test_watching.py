"""What an engine on a real Asterisk says of itself to those who watch."""

import asyncio
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.live.access import CHECKOUT
from tests.whole.engine import Engine, open_folder, until
from tests.whole.people import HOUSE, dial

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

NUMBER = "+905329998877"


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return f"127.0.0.1:{found.getsockname()[1]}"


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[Engine, str]]:
    address = free_address()
    engine = Engine(folder, metrics__listen=address)
    engine.start()
    try:
        yield engine, f"http://{address}"
    finally:
        engine.close()


async def asked(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(url) as answer:
                text = answer.content_type == "text/plain"
                return answer.status, await (answer.text() if text else answer.json())
        except aiohttp.ClientError:
            return 0, None


def healthy(engine: Engine) -> int:
    script = CHECKOUT / "deploy" / "engine_healthy.py"
    environment = engine.environment | {"IVRENGINE_CONFIG": str(engine.settings)}
    return subprocess.run(  # noqa: S603 - ours
        [sys.executable, str(script)], env=environment, check=False, capture_output=True
    ).returncode


async def test_readiness_metrics_and_the_health_check_of_a_container_agree(folder: Path) -> None:
    async with served(folder) as (engine, url):

        async def ready() -> bool:
            status, found = await asked(f"{url}/readyz")
            return status == 200 and found["status"] == "ready"

        await engine.ready()
        await until(ready, 30)
        _, found = await asked(f"{url}/readyz")
        assert {check["state"] for check in found["checks"].values()} == {"ok"}
        names = " ".join(found["checks"])
        assert re.match(r"engine flows release journal database calls loop asterisk \S+", names)
        assert (await asked(f"{url}/healthz"))[0] == 200
        assert await asyncio.to_thread(healthy, engine) == 0
        async with dial(HOUSE, number=NUMBER, keys="info") as call:
            await call.answered()
            await call.press("5")
            await call.hung_up()
        await engine.said("call ended")
        _, text = await asked(f"{url}/metrics")
        assert re.search(r'calls_ended_total\{.*flow="house",outcome="completed"\} 1\.0', text)
        assert re.search(
            r'requests_total\{node=".*",operation="channels.answer",outcome="done"', text
        )
        assert NUMBER.lstrip("+") not in text
        assert HOUSE.lstrip("+") not in text
        engine.kill()
        assert await asyncio.to_thread(healthy, engine) != 0
