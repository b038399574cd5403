"""The journal keeps every step, survives what a crash leaves behind, and hands every row to the store once."""

import asyncio
import errno
import os
import resource
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.core import effects, events, rows
from ivrengine.core.call import Call, Caller, FlowRef, Outcome, Phase
from ivrengine.core.ids import (
    BrandId,
    CallId,
    ChannelId,
    FlowHash,
    NumberId,
    PlaybackId,
    TimerId,
)
from ivrengine.engine import lines
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_reading import Reader, Recovered, recover, segment_name, segments
from ivrengine.engine.tenure import JournalError, JournalInUseError

AT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LEAVE = effects.LeaveNode(node="menu", exit="1")


def play(playback_id: str) -> effects.Play:
    return effects.Play(
        channel_id=ChannelId("ast1:1"),
        playback_id=PlaybackId(playback_id),
        prompts=("menu",),
        language="tr",
    )


def finished(play: effects.Play) -> events.PlaybackFinished:
    return events.PlaybackFinished(at=AT, playback_id=play.playback_id, completed=True)


def a_call(name: str, phase: Phase = Phase.IN_FLOW) -> Call:
    return Call(
        call_id=CallId(name),
        brand=BrandId("guneskent"),
        did="+902124440101",
        channel_id=ChannelId(f"ast1:{name}"),
        caller=Caller(withheld=True, mask="withheld", key=None, number_id=None),
        flow=FlowRef(name="main", hash=FlowHash("abc")),
        language="tr",
        arrived_at=AT,
        phase=phase,
        outcome=Outcome.COMPLETED if phase is Phase.ENDED else None,
    )


def tick(second: int) -> events.TimerFired:
    return events.TimerFired(at=AT + timedelta(seconds=second), timer_id=TimerId("t1"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def journal(folder: Path) -> Iterator[Journal]:
    journal = Journal(folder)
    journal.begin(Recovered(), AT)
    yield journal
    journal.close()


def reader_of(journal: Journal) -> Reader:
    return Reader(journal.folder, lambda: journal.segment, lambda: None)


def seqs(batch: rows.Batch) -> list[tuple[str, int]]:
    return [(row.stream_id, row.seq) for row in batch.rows if isinstance(row, rows.EventRow)]


def test_steps_of_a_call_are_numbered_without_gaps(journal: Journal) -> None:
    numbers = [journal.append_step(tick(i), (LEAVE,), a_call("a")) for i in range(3)]
    other = journal.append_step(tick(4), (), a_call("b"))
    assert (numbers, other) == ([1, 2, 3], 1)


def test_the_reader_gives_every_row_once_and_in_order(journal: Journal) -> None:
    for i in range(5):
        journal.append_step(tick(i), (LEAVE,), a_call("ab"[i % 2]))
    reader = reader_of(journal)
    first, second, third = reader.read(3), reader.read(3), reader.read(3)
    assert seqs(first) + seqs(second) == [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("a", 3)]
    assert third.rows == ()


def test_a_row_holds_the_event_its_effects_and_the_call_as_it_stood(journal: Journal) -> None:
    journal.append_step(tick(7), (LEAVE,), a_call("a"))
    [row] = reader_of(journal).read(10).rows
    assert isinstance(row, rows.EventRow)
    assert row.kind == "TimerFired"
    assert row.payload == (
        '{"event":{"at":"2026-11-21T12:00:07Z","timer_id":"t1"},'
        '"effects":[["LeaveNode",{"node":"menu","exit":"1","subflow":""}]]}'
    )
    assert row.call is not None
    assert (row.call.flow, row.call.phase, row.call.last_seq) == ("main", "in_flow", 1)


def test_numbers_and_flows_travel_in_the_same_journal(journal: Journal) -> None:
    number = rows.NumberRow(
        number_id=NumberId("n"),
        brand=BrandId("b"),
        purpose="call",
        key_id="k1",
        sealed=b"\x00\xff",
        sealed_at=AT,
        expires_at=AT,
    )
    flow = rows.FlowRow(
        flow_hash=FlowHash("h"),
        brand=BrandId("b"),
        name="main",
        text="flow: ş\n" * 90_000,
        loaded_at=AT,
    )
    journal.append_number(number)
    journal.append_flow(flow)
    assert reader_of(journal).read(10).rows == (number, flow)


def test_what_was_acknowledged_is_not_read_again_by_the_next_process(journal: Journal) -> None:
    for i in range(4):
        journal.append_step(tick(i), (), a_call("a"))
    reader = reader_of(journal)
    reader.acknowledge(reader.read(3).end)
    assert seqs(reader_of(journal).read(10)) == [("a", 4)]


def test_what_was_read_but_not_acknowledged_is_read_again(journal: Journal) -> None:
    journal.append_step(tick(1), (), a_call("a"))
    reader_of(journal).read(10)
    assert seqs(reader_of(journal).read(10)) == [("a", 1)]


def test_rewinding_gives_the_same_rows_again(journal: Journal) -> None:
    reader = reader_of(journal)
    for i in range(4):
        journal.append_step(tick(i), (), a_call("a"))
    start = reader.position()
    before = reader.read(10)
    reader.rewind(start)
    assert reader.read(10).rows == before.rows


def test_a_restart_finds_the_calls_in_progress_with_what_may_still_be_heard(
    journal: Journal, folder: Path
) -> None:
    journal.append_step(tick(1), (), a_call("gone"))
    over, heard = play("ast1:ivr-open-p1"), play("ast1:ivr-open-p2")
    journal.append_step(tick(2), (LEAVE, over, heard), a_call("open"))
    journal.append_step(finished(over), (), a_call("open"))
    journal.append_step(tick(3), (), a_call("gone", Phase.ENDED))
    found = recover(folder)
    [held] = found.open_calls
    assert (held.call.call_id, held.seq) == ("open", 2)
    assert held.unfinished == {heard.playback_id}
    assert found.last_at == AT + timedelta(seconds=3)


def version(name: str, flow_hash: str) -> rows.FlowRow:
    return rows.FlowRow(
        flow_hash=FlowHash(flow_hash),
        brand=BrandId("guneskent"),
        name=name,
        text=f"flow: {name}",
        loaded_at=AT,
    )


def test_every_segment_has_the_flows_that_calls_are_on_or_may_begin_on(
    folder: Path,
) -> None:
    journal = Journal(folder, segment_bytes=600, reserve_bytes=0)
    journal.begin(Recovered(), AT)
    used, replaced, present = version("main", "abc"), version("main", "b"), version("main", "c")
    for row in (used, replaced, present):
        journal.append_flow(row)
    journal.retire_flows([(present.brand, present.flow_hash)])
    for second in range(5):
        journal.append_step(tick(second), (), a_call("open"))
    assert journal.segment > 2
    journal.close()
    found = recover(folder)
    assert set(found.flows) == {used, present}
    again = Journal(folder, segment_bytes=600, reserve_bytes=0)
    again.begin(found, AT)
    again.append_flow(present)
    again.retire_flows([(present.brand, present.flow_hash)])
    again.append_step(tick(9), (), a_call("open", Phase.ENDED))
    again.close()
    assert {row.flow_hash for row in recover(folder).flows} == {"c"}


def test_a_call_that_another_version_wrote_keeps_no_engine_from_starting(
    journal: Journal, folder: Path
) -> None:
    journal.append_step(tick(1), (LEAVE,), a_call("a"))
    journal.append_step(tick(2), (LEAVE,), a_call("b"))
    path = folder / segment_name(1)
    *others, last = path.read_bytes().splitlines()
    json = last.partition(b" ")[2].replace(b'"phase":"in_flow"', b'"phase":"dreaming"')
    path.write_bytes(b"\n".join(others) + b"\n" + lines.framed(json))
    found = recover(folder)
    assert [held.call.call_id for held in found.open_calls] == ["a"]
    assert found.unreadable == 1


def test_numbering_goes_on_after_a_restart(folder: Path) -> None:
    with_crash = Journal(folder)
    with_crash.begin(Recovered(), AT)
    with_crash.append_step(tick(1), (), a_call("a"))
    with_crash.close()
    again = Journal(folder)
    again.begin(recover(folder), AT)
    assert again.append_step(tick(2), (), a_call("a")) == 2
    again.close()


def test_rotation_carries_calls_in_progress_into_the_new_segment(folder: Path) -> None:
    journal = Journal(folder, segment_bytes=2_000)
    journal.begin(Recovered(), AT)
    journal.append_step(tick(0), (), a_call("long"))
    for i in range(20):
        journal.append_step(tick(i), (), a_call(f"short{i}"))
        journal.append_step(tick(i), (), a_call(f"short{i}", Phase.ENDED))
    journal.close()
    assert len(segments(folder)) > 3
    for old in segments(folder)[:-1]:
        (folder / segment_name(old)).unlink()
    assert [held.call.call_id for held in recover(folder).open_calls] == ["long"]


def test_a_segment_whose_head_was_cut_by_a_crash_is_not_trusted(folder: Path) -> None:
    journal = Journal(folder)
    journal.begin(Recovered(), AT)
    journal.append_step(tick(1), (), a_call("a"))
    journal.close()
    second = Journal(folder)
    second.begin(recover(folder), AT)
    second.close()
    newest = folder / segment_name(segments(folder)[-1])
    newest.write_bytes(newest.read_bytes()[:-10])
    assert [held.call.call_id for held in recover(folder).open_calls] == ["a"]


def test_segments_that_are_in_the_store_are_let_go(folder: Path) -> None:
    journal = Journal(folder, segment_bytes=1_000)
    journal.begin(Recovered(), AT)
    for i in range(20):
        journal.append_step(tick(i), (), a_call("a"))
    reader = reader_of(journal)
    before = len(segments(folder))
    reader.acknowledge(reader.read(1_000).end)
    assert before > 6
    assert len(segments(folder)) <= 3
    journal.close()


@given(cut=st.integers(min_value=0, max_value=5_000))
@settings(max_examples=60, deadline=None)
def test_a_journal_cut_anywhere_gives_a_prefix_of_what_was_written(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cut") / "journal"
    journal = Journal(folder)
    journal.begin(Recovered(), AT)
    for i in range(8):
        journal.append_step(tick(i), (LEAVE,), a_call("ab"[i % 2]))
    whole = seqs(reader_of(journal).read(100))
    journal.close()
    path = folder / segment_name(1)
    path.write_bytes(path.read_bytes()[:cut])
    later = Journal(folder)
    later.begin(recover(folder), AT)
    later.append_step(tick(9), (), a_call("new"))
    found = seqs(reader_of(later).read(100))
    later.close()
    assert found[-1] == ("new", 1)
    assert found[:-1] == whole[: len(found) - 1]


def test_a_damaged_line_is_counted_and_costs_no_other(journal: Journal, folder: Path) -> None:
    for i in range(3):
        journal.append_step(tick(i), (), a_call("a"))
    path = folder / segment_name(1)
    text = path.read_bytes().replace(b'"seq":2', b'"seq":7')
    path.write_bytes(text)
    torn: list[bool] = []
    reader = Reader(folder, lambda: 1, lambda: torn.append(True))
    assert seqs(reader.read(10)) == [("a", 1), ("a", 3)]
    assert torn == [True]


def test_a_second_engine_on_the_same_folder_is_refused(journal: Journal) -> None:
    folder = journal.folder
    with pytest.raises(JournalInUseError, match="another engine"):
        Journal(folder)


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be used"):
        Journal(tmp_path / "file" / "journal")


def test_a_full_disk_fails_the_step_and_the_next_line_is_whole_again(
    journal: Journal, folder: Path
) -> None:
    """The file-size limit of the process stands in for the full disk: the kernel cuts the write short the same way."""
    journal.append_step(tick(1), (), a_call("a"))
    size = (folder / segment_name(1)).stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, hard))
    try:
        with pytest.raises(JournalError, match="cannot be written"):
            journal.append_step(tick(2), (), a_call("a"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert journal.append_step(tick(3), (), a_call("a")) == 2
    assert seqs(reader_of(journal).read(10)) == [("a", 1), ("a", 2)]


def test_a_segment_that_cannot_be_begun_costs_no_step_and_is_begun_later(folder: Path) -> None:
    journal = Journal(folder, segment_bytes=1_000, reserve_bytes=0)
    journal.begin(Recovered(), AT)
    obstacle = folder / segment_name(2)
    obstacle.mkdir()
    for i in range(5):
        journal.append_step(tick(i), (), a_call("a", Phase.ENDED if i == 4 else Phase.IN_FLOW))
    assert journal.segment == 1
    obstacle.rmdir()
    for i in range(5):
        journal.append_step(tick(i), (), a_call("b"))
    assert journal.segment > 1
    assert seqs(reader_of(journal).read(100)) == [(name, i) for name in "ab" for i in range(1, 6)]
    assert [held.call.call_id for held in recover(folder).open_calls] == ["b"]
    journal.close()


def test_on_a_full_disk_calls_in_progress_end_in_the_reserve_and_no_new_one_begins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(folder, reserve_bytes=4_096)
    journal.begin(Recovered(), AT)
    journal.append_step(tick(1), (), a_call("a"))
    reserve = folder / "reserve"
    assert journal.has_room()
    write = os.write

    def full(fd: int, data: bytes) -> int:
        """Stand in for the kernel, which lets half a line through before it says that the disk is full."""
        if not reserve.exists():
            return write(fd, data)
        if len(data) < 50:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[:-40])

    monkeypatch.setattr(os, "write", full)
    assert journal.append_step(tick(2), (), a_call("a")) == 2
    assert not reserve.exists()
    monkeypatch.undo()
    assert seqs(reader_of(journal).read(10)) == [("a", 1), ("a", 2)]
    assert journal.has_room(), "the disk has room again, so the reserve is taken anew"
    journal.close()


@pytest.mark.real_time
async def test_group_fsync_outlives_the_change_of_segments(folder: Path) -> None:
    journal = Journal(folder, segment_bytes=1_000, fsync="group", reserve_bytes=0)
    journal.begin(Recovered(), AT)
    syncing = asyncio.create_task(journal.keep_synced())
    while journal.segment < 30:  # some 60 steps, and a flush in every fifth
        journal.append_step(tick(1), (), a_call("a"))
        await asyncio.sleep(0.01)
    assert not syncing.done()
    syncing.cancel()
    journal.close()


def test_the_journal_is_for_its_owner_only(journal: Journal) -> None:
    assert (journal.folder / segment_name(1)).stat().st_mode & 0o077 == 0
