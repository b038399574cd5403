"""One process writes a journal; another waits for its end if it is told to, and knows who came before."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from ivrengine.engine import tenure
from ivrengine.engine.tenure import JournalError, JournalInUseError


def test_each_process_has_a_name_of_its_own_and_knows_those_before(tmp_path: Path) -> None:
    names: list[str] = []
    for _ in range(tenure.PAST_MAX + 3):
        held = tenure.take(tmp_path)
        assert held.past == names[: tenure.PAST_MAX]
        assert held.engine.isalpha()
        assert held.engine.isascii()
        names.insert(0, held.engine)
        held.close()
    assert len(set(names)) == len(names)


def test_a_second_one_is_told_how_to_wait(tmp_path: Path) -> None:
    held = tenure.take(tmp_path / "journal")
    with pytest.raises(JournalInUseError, match=r"another engine is running on .*--standby"):
        tenure.take(tmp_path / "journal")
    held.close()
    tenure.take(tmp_path / "journal").close()


@pytest.mark.real_time
async def test_a_standby_has_the_journal_the_moment_it_is_free(tmp_path: Path) -> None:
    held = tenure.take(tmp_path)
    waiting = asyncio.ensure_future(tenure.wait(tmp_path))
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    held.close()
    async with asyncio.timeout(2):
        next_one = await waiting
    assert next_one.past == [held.engine]
    with pytest.raises(JournalInUseError):
        tenure.take(tmp_path)
    next_one.close()


@pytest.mark.real_time
async def test_a_standby_that_is_told_to_stop_leaves_the_journal_to_others(tmp_path: Path) -> None:
    held = tenure.take(tmp_path)
    waiting = asyncio.ensure_future(tenure.wait(tmp_path))
    await asyncio.wait([waiting], timeout=0.05)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    later = asyncio.ensure_future(tenure.wait(tmp_path))
    await asyncio.wait([later], timeout=0.05)
    held.close()
    async with asyncio.timeout(2):
        (await later).close()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be used: Not a directory"):
        tenure.take(tmp_path / "file" / "journal")


def test_a_lock_file_with_anything_in_it_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff\x00 x" * 1000)
    held = tenure.take(tmp_path)
    assert len(held.past) <= tenure.PAST_MAX
    held.close()
