"""A disk that is really full, under calls: those in progress end, new ones go to people, and nothing is lost."""

import asyncio
import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ivrengine.sim import script
from tests.engine.a_house import DID, House, a_house
from tests.engine.test_engine import MENU

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
DISK: Final = "4m"
RESERVE_BYTES: Final = 1 << 20
WALKS: Final = script.script(
    script.hear("menu"),
    script.press("1", after_s=5),
    script.press("42#", after_s=20),
    fallback_s=60,
)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a disk of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK}", "small", str(folder))
    if subprocess.run(mount, check=False, capture_output=True).returncode:  # noqa: S603 - ours
        pytest.skip("this machine mounts nothing")
    try:
        yield folder
    finally:
        subprocess.run(("umount", "-l", str(folder)), check=True)  # noqa: S603, S607 - ours


@contextlib.contextmanager
def full(disk: Path) -> Iterator[None]:
    """Take all the room that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    yield
    ballast.unlink()


@root
async def test_on_a_full_disk_calls_end_new_ones_go_to_people_and_room_brings_all_back(
    disk: Path,
) -> None:
    async with a_house(disk / "j", MENU, reserve_bytes=RESERVE_BYTES) as house:
        callers = [house.switch.call(DID, script=WALKS) for _ in range(50)]
        await asyncio.gather(*(caller.hears("menu") for caller in callers))
        with full(disk):
            await _short_of_room(house)
            late = house.switch.call(DID, script=WALKS)
            await asyncio.sleep(120)
            assert late.fallback
            assert house.count("calls_refused_total", reason="journal") == 1
            assert not any(caller.fallback for caller in callers), "they end as they would have"
            assert house.count("calls_ended_total", outcome="completed") == len(callers)
            assert house.count("calls_failed_total") == 0
        await asyncio.sleep(1)
        newcomer = house.switch.call(DID, script=WALKS)
        await asyncio.sleep(120)
        assert not newcomer.fallback
        assert house.count("calls_ended_total", outcome="completed") == len(callers) + 1
        ended = [row for row in house.rows() if row.kind == "ChannelEnded"]
        assert len(ended) == len(callers) + 1, "every step of every call is in the journal"


async def _short_of_room(house: House) -> None:
    """Wait until a step finds the disk full."""
    async with asyncio.timeout(60):
        while (house.folder / "reserve").exists():
            await asyncio.sleep(0.1)
