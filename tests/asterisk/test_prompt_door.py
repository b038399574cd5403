"""The door for prompts: hands out finished prompts to those who are allowed, and nothing else to anybody."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import aiohttp
import pytest
import structlog

from ivrengine.asterisk.prompt_door import PromptDoor
from ivrengine.telemetry import metrics

pytestmark = pytest.mark.real_time

PLACE = "guneskent/tr/welcome-0123456789ab"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of prompts, and secrets round it."""
    sounds = tmp_path / "data" / "sounds"
    for suffix in (".wav", ".alaw", ".ulaw", ".sln16"):
        file = sounds / f"{PLACE}{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"sound {suffix}")
    (tmp_path / "data" / "keys").write_text("secret")
    (sounds / ".synthesiser").write_text("secret")
    (sounds / "guneskent/tr/half-0123456789ab.part").write_text("secret")
    (sounds / "guneskent/tr/linked-0123456789ab.wav").symlink_to(tmp_path / "data" / "keys")
    (tmp_path / "data" / "tr").mkdir()
    (tmp_path / "data" / "tr" / "keys-0123456789ab.wav").write_text("secret")
    (sounds / "link").symlink_to(tmp_path / "data")
    return sounds


def door(folder: Path, *allowed: str) -> tuple[PromptDoor, metrics.Metrics]:
    counted = metrics.new()
    networks = [ip_network(each) for each in allowed or ("127.0.0.0/8",)]
    return PromptDoor(folder, networks, counted), counted


async def raw(port: int, request: str) -> bytes:
    """Send a request as it is: clients would tidy the path."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def served(counted: metrics.Metrics) -> Sequence[float]:
    return [
        counted.registry.get_sample_value("ivrengine_prompts_fetched_total", {"outcome": outcome})
        or 0
        for outcome in metrics.FETCHED
    ]


async def test_each_form_of_a_prompt_is_handed_out_and_may_be_kept_for_ever(folder: Path) -> None:
    opened, counted = door(folder)
    async with opened.open("127.0.0.1:0") as port, aiohttp.ClientSession() as http:
        for suffix in (".wav", ".alaw", ".ulaw", ".sln16"):
            async with http.get(f"http://127.0.0.1:{port}/{PLACE}{suffix}") as answer:
                assert answer.status == 200
                assert await answer.text() == f"sound {suffix}"
                assert "immutable" in answer.headers["Cache-Control"]
                assert answer.headers["ETag"]
    assert served(counted) == [4, 0, 0]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "//",
        "/.synthesiser",
        "/../keys",
        "/..%2fkeys",
        "/guneskent/../../keys",
        "/guneskent/tr/../../../keys",
        "/guneskent/tr",
        f"/{PLACE}",
        f"/{PLACE}.mp3",
        f"/{PLACE}.wav/",
        f"/{PLACE}.wav?x=1",
        f"/{PLACE}.wav%00",
        f"/{PLACE}%2ewav",
        f"//{PLACE}.wav",
        f"/./{PLACE}.wav",
        "/guneskent/tr/half-0123456789ab.part",
        "/guneskent/tr/linked-0123456789ab.wav",
        "/link/tr/keys-0123456789ab.wav",
        "/guneskent/tr/gone-0123456789ab.wav",
        "/guneskent/tr/" + "a" * 5000 + "-0123456789ab.wav",
        "http://other/guneskent/tr/keys-0123456789ab.wav",
    ],
)
async def test_nothing_else_is_found(folder: Path, path: str) -> None:
    opened, counted = door(folder)
    async with opened.open("127.0.0.1:0") as port:
        answer = await raw(port, f"GET {path}")
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert b"secret" not in answer
    assert served(counted)[0] == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_nothing_can_be_done_but_fetch(folder: Path, method: str) -> None:
    opened, _ = door(folder)
    async with opened.open("127.0.0.1:0") as port:
        assert b" 405 " in (await raw(port, f"{method} /{PLACE}.wav"))[:20]


async def test_strangers_get_nothing_and_are_told_of_once(folder: Path) -> None:
    opened, counted = door(folder, "10.0.0.7", "fd00::/8")
    with structlog.testing.capture_logs() as lines:
        async with opened.open("127.0.0.1:0") as port:
            for _ in range(3):
                answer = await raw(port, f"GET /{PLACE}.wav")
                assert answer.startswith(b"HTTP/1.1 403")
                assert b"sound" not in answer
    assert served(counted) == [0, 0, 3]
    assert [(line["event"], line["asked_by"]) for line in lines] == [
        ("prompt refused", "127.0.0.1")
    ]
