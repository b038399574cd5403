"""Missed calls are told until they are recorded: whatever dies when, none is lost, and each is the same fact each time."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pytest
import structlog
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ivrengine.asterisk import missed, missed_file
from ivrengine.asterisk.missed import Missed
from ivrengine.asterisk.missed_file import CURRENT, READ_OUT, REFUSED, STATE, MissedFile
from ivrengine.core.missed import MissedCall
from ivrengine.core.switching import NotTakenError, SwitchEvent
from tests.asterisk.fake_ari import Counted
from tests.asterisk.test_missed_lines import LINE, READING


def line(number: int) -> str:
    return LINE.replace("1795312470.0", f"1795312470.{number}")


class Told:
    """What the engine was told; it may be unable to record, or die."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.full = False

    def tell(self, event: SwitchEvent) -> None:
        if self.full:
            raise NotTakenError
        assert isinstance(event, MissedCall)
        self.calls.append(event.channel_id.removeprefix("ast1:1795312470."))


def reader(folder: Path | None, told: Told, meter: Counted | None = None) -> Missed:
    return Missed(READING, folder, tell=told.tell, meter=meter or Counted())


def write(folder: Path, *numbers: int) -> None:
    with (folder / CURRENT).open("a") as file:
        file.writelines(f"{line(number)}\n" for number in numbers)


def read_all(it: Missed) -> None:
    while it.read_some():
        pass


def test_what_was_written_is_told_once(tmp_path: Path) -> None:
    told = Told()
    write(tmp_path, 1, 2)
    read_all(reader(tmp_path, told))
    write(tmp_path, 3)
    read_all(reader(tmp_path, told))
    read_all(reader(tmp_path, told))
    assert told.calls == ["1", "2", "3"]


def test_a_line_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    told = Told()
    it = reader(tmp_path, told)
    (tmp_path / CURRENT).write_text(line(1)[:40])
    read_all(it)
    (tmp_path / CURRENT).write_text(line(1) + "\n" + line(2)[:40])
    read_all(it)
    assert told.calls == ["1"]
    (tmp_path / CURRENT).write_text(line(1) + "\n" + line(2) + "\n")
    read_all(it)
    assert told.calls == ["1", "2"]


def test_what_the_journal_does_not_take_is_told_again(tmp_path: Path) -> None:
    told = Told()
    it = reader(tmp_path, told)
    write(tmp_path, 1, 2)
    told.full = True
    with pytest.raises(NotTakenError):
        read_all(it)
    told.full = False
    read_all(it)
    assert told.calls == ["1", "2"]


def test_what_says_nothing_is_kept_for_a_person_and_holds_up_nothing(tmp_path: Path) -> None:
    told, meter = Told(), Counted()
    (tmp_path / CURRENT).write_bytes(
        b"2|from the future\n\n\xff\x00\x1b[2J\n"
        + b"x" * 100_000
        + b"\n"
        + line(7).encode()
        + b"\n"
    )
    with structlog.testing.capture_logs() as logs:
        read_all(reader(tmp_path, told, meter))
    assert told.calls == ["7"]
    assert set(meter.drops) == {"unknown version", "not text"}
    assert (tmp_path / REFUSED).read_bytes().startswith(b"2|from the future\n\xff\x00\x1b[2J\n")
    assert "\\x1b" not in str(logs)
    assert "future" not in str(logs)


def test_what_is_put_aside_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(missed_file, "REFUSED_BYTES_MAX", 1_000)
    meter = Counted()
    (tmp_path / CURRENT).write_text("nonsense\n" * 500)
    read_all(reader(tmp_path, Told(), meter))
    assert (tmp_path / REFUSED).stat().st_size <= 1_000
    assert "too many refused lines" in meter.drops


def test_a_file_that_is_read_goes_and_what_comes_late_is_still_told(tmp_path: Path) -> None:
    told = Told()
    it = reader(tmp_path, told)
    write(tmp_path, 1)
    with (tmp_path / CURRENT).open("a") as asterisk:  # it has opened the file and writes later
        read_all(it)
        it._remove(0)
        assert not (tmp_path / CURRENT).exists()
        write(tmp_path, 3)
        asterisk.write(f"{line(2)}\n")
    read_all(it)
    assert told.calls == ["1", "2", "3"]
    it._remove(missed.LINGER_S - 1)
    assert (tmp_path / READ_OUT).exists()
    it._remove(missed.LINGER_S)
    read_all(it)
    assert told.calls == ["1", "2", "3"]
    it._remove(3 * missed.LINGER_S)
    assert sorted(path.name for path in tmp_path.iterdir()) == [STATE]


def test_a_new_engine_does_not_remove_at_once_what_the_last_one_has_just_renamed(
    tmp_path: Path,
) -> None:
    told = Told()
    write(tmp_path, 1)
    read_all(reader(tmp_path, told))
    reader(tmp_path, told)._remove(0)
    again = reader(tmp_path, told)
    again._remove(1_000)
    assert (tmp_path / READ_OUT).exists()
    again._remove(1_000 + missed.LINGER_S)
    assert not (tmp_path / READ_OUT).exists()


def test_a_line_that_was_never_finished_does_not_keep_the_file(tmp_path: Path) -> None:
    told = Told()
    it = reader(tmp_path, told)
    write(tmp_path, 1)
    read_all(it)
    it._remove(0)
    with (tmp_path / READ_OUT).open("a") as asterisk:
        asterisk.write(line(2)[:50])
    read_all(it)
    it._remove(missed.LINGER_S)
    assert not (tmp_path / READ_OUT).exists()
    assert line(2)[:50] in (tmp_path / REFUSED).read_text()


def test_an_offset_of_another_file_is_never_used(tmp_path: Path) -> None:
    told = Told()
    write(tmp_path, 1, 2, 3)
    read_all(reader(tmp_path, told))
    (tmp_path / CURRENT).unlink()
    write(tmp_path, 4, 5)
    read_all(reader(tmp_path, told))
    assert told.calls == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("state", [b"", b"[]", b'{"a": null}', b"\xff", b'{"a": {}}', b"7"])
def test_a_state_that_says_nothing_lets_all_be_told_again(tmp_path: Path, state: bytes) -> None:
    told = Told()
    (tmp_path / STATE).write_bytes(state)
    write(tmp_path, 1)
    read_all(reader(tmp_path, told))
    assert told.calls == ["1"]


class Dead(Exception):  # noqa: N818 (a thing that happens)
    """The process has died."""


class Mortal(MissedFile):
    """A folder whose engine dies before or after the n-th thing that it does."""

    def __init__(self, folder: Path, dies: Iterator[bool]) -> None:
        super().__init__(folder)
        self._dies = dies

    def step(self) -> None:
        if next(self._dies):
            raise Dead

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in {"acknowledge", "put_aside", "begin_removal", "finish_removal", "_save"}:
            return found

        def done(*given: Any) -> Any:
            self.step()
            answer = found(*given)
            self.step()
            return answer

        return done


WRITES: Final = "writes"
OPENS: Final = "opens and writes later"
ENDS: Final = "writes what it began later"
READS: Final = "reads"
REMOVES: Final = "removes"
TEARS: Final = "begins a line and never ends it"


class World:
    """Asterisk, which writes lines in whatever way, and an engine that dies whenever and comes back."""

    def __init__(self, folder: Path, deaths: list[bool]) -> None:
        self._folder = folder
        self._dies = iter([*deaths, *[False] * 10_000])
        self._late: list[Any] = []
        self._now_s = 0.0
        self.told = Told()
        self.written = 0
        self._engine = self._born()

    def _born(self) -> Missed:
        it = reader(self._folder, self.told)
        it._file = file = Mortal(self._folder, self._dies)

        def tell(event: SwitchEvent) -> None:
            file.step()
            self.told.tell(event)
            file.step()

        it._tell = tell
        return it

    def act(self, what: str) -> None:
        try:
            match what:
                case "writes":
                    self.written += 1
                    write(self._folder, self.written)
                case "opens and writes later":
                    self._late.append((self._folder / CURRENT).open("a"))
                case "begins a line and never ends it":
                    with (self._folder / CURRENT).open("a") as file:
                        file.write(line(0)[:30])
                case "writes what it began later":
                    self._write_late()
                case "reads":
                    read_all(self._engine)
                case _:
                    self._now_s += 1.0 if self._late else missed.LINGER_S
                    self._engine._remove(self._now_s)
        except Dead:
            self._engine = self._born()

    def _write_late(self) -> None:
        if self._late:
            self.written += 1
            with self._late.pop() as file:
                file.write(f"{line(self.written)}\n")

    def end(self) -> None:
        """Let all that was begun be written, and an engine that lives read it."""
        while self._late:
            self._write_late()
        final = reader(self._folder, self.told)
        for turn in range(6):
            read_all(final)
            final._remove(self._now_s + turn * missed.LINGER_S)


@settings(max_examples=300)
@example(acts=[WRITES, OPENS, READS, REMOVES, ENDS, REMOVES, REMOVES], deaths=[])
@given(
    st.lists(
        st.sampled_from([WRITES, WRITES, OPENS, ENDS, READS, READS, REMOVES, REMOVES, TEARS]),
        max_size=25,
    ),
    st.lists(st.booleans() | st.just(False), max_size=60),
)
def test_no_crash_loses_a_call(acts: list[str], deaths: list[bool]) -> None:
    with TemporaryDirectory() as name:
        world = World(Path(name), deaths)
        for act in acts:
            world.act(act)
        world.end()
    told = world.told.calls
    assert set(told) - {"0"} == {str(number) for number in range(1, world.written + 1)}
    if not any(deaths):
        assert len(told) == len(set(told)), "told twice without a crash"


async def test_the_bell_wakes_it_and_without_one_it_looks_by_itself(tmp_path: Path) -> None:
    told = Told()
    it = reader(tmp_path, told)
    running = asyncio.ensure_future(it.run())
    clock = asyncio.get_running_loop().time
    try:
        await asyncio.sleep(0.5)
        write(tmp_path, 1)
        it.ring("")
        await asyncio.sleep(0.1)
        assert told.calls == ["1"]
        write(tmp_path, 2)
        began = clock()
        while told.calls != ["1", "2"]:
            await asyncio.sleep(0.5)
        assert clock() - began <= missed.LOOK_EVERY_S + 1
    finally:
        running.cancel()


async def test_without_a_folder_the_lines_that_ring_are_the_facts() -> None:
    told = Told()
    it = reader(None, told)
    running = asyncio.ensure_future(it.run())
    try:
        told.full = True
        for number in (1, 2):
            it.ring(line(number))
        it.ring("")
        await asyncio.sleep(1)
        assert told.calls == []
        told.full = False
        await asyncio.sleep(missed.AGAIN_S)
        assert told.calls == ["1", "2"]
    finally:
        running.cancel()


async def test_a_folder_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        running = asyncio.ensure_future(reader(tmp_path / "nowhere", Told()).run())
        await asyncio.sleep(60)
        running.cancel()
    (said,) = logs
    assert said["event"] == "missed calls not read"
    assert said["reason"].endswith("nowhere: No such file or directory")
