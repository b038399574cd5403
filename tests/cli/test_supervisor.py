"""What systemd is told, heard on a socket of the test."""

import asyncio
import os
import socket
from pathlib import Path

import pytest
import structlog

from ivrengine.cli.supervisor import Supervisor, told


def listening(address: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    found.bind(address)
    found.setblocking(False)
    return found


@pytest.mark.parametrize("abstract", [False, True])
def test_it_is_told_over_a_socket_with_or_without_a_file(tmp_path: Path, abstract: bool) -> None:
    name = f"@ivrengine-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with listening(name.replace("@", "\0", 1) if abstract else name) as heard:
        Supervisor({"NOTIFY_SOCKET": name}).tell("READY=1", "STATUS=well")
        assert heard.recv(1024) == b"READY=1\nSTATUS=well"


def test_without_a_supervisor_nothing_is_said() -> None:
    with structlog.testing.capture_logs() as logs:
        Supervisor({}).tell("READY=1")
    assert not logs


def test_one_that_is_gone_is_missed_once_and_stops_nothing(tmp_path: Path) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "gone")})
    with structlog.testing.capture_logs() as logs:
        supervisor.tell("READY=1")
        supervisor.tell("WATCHDOG=1")
    assert [entry["event"] for entry in logs] == ["supervisor not told"]


@pytest.mark.parametrize(
    ("environment", "beat_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "10000000"}, 5.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}, 5.0),
        ({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_a_watchdog_is_fed_twice_within_its_patience(
    environment: dict[str, str], beat_s: float | None
) -> None:
    assert Supervisor(environment).beat_s == beat_s


def received(heard: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(heard.recv(4096).decode())
        except BlockingIOError:
            return found


async def test_the_watchdog_is_fed_by_the_loop_and_only_while_it_turns(tmp_path: Path) -> None:
    name = str(tmp_path / "notify")
    with listening(name) as heard:
        supervisor = Supervisor({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "4000000"})
        async with told(supervisor, lambda: "degraded;\ndatabase: away"):
            await asyncio.sleep(7.9)
            assert received(heard) == ["WATCHDOG=1\nSTATUS=degraded; database: away"] * 4
        await asyncio.sleep(60)
        assert not received(heard)


async def test_a_status_as_long_as_a_book_is_cut(tmp_path: Path) -> None:
    name = str(tmp_path / "notify")
    with listening(name) as heard:
        async with told(Supervisor({"NOTIFY_SOCKET": name}), lambda: "x" * 100_000):
            await asyncio.sleep(0)
            (line,) = received(heard)
        assert len(line) < 600
