"""How much of the journal waits for the store: nothing, some, or far more than anybody wants to read."""

from datetime import timedelta
from pathlib import Path

import pytest

from ivrengine.core import events
from ivrengine.core.ids import TimerId
from ivrengine.engine import journal_depth
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_depth import Depth
from ivrengine.engine.journal_reading import Reader, Recovered
from tests.engine.test_journal import AT, a_call


def written(folder: Path, steps: int, *, segment_bytes: int = 1 << 20) -> Journal:
    journal = Journal(folder, reserve_bytes=0, segment_bytes=segment_bytes)
    journal.begin(Recovered(), AT)
    for number in range(steps):
        at = AT + timedelta(seconds=number)
        event = events.TimerFired(at=at, timer_id=TimerId("t"))
        journal.append_step(event, (), a_call(f"call-{number}"))
    return journal


def reader(journal: Journal) -> Reader:
    return Reader(journal.folder, lambda: journal.segment, lambda: None)


def shipped(source: Reader, rows: int) -> None:
    source.acknowledge(source.read(rows).end)


def test_a_journal_that_is_shipped_has_no_depth(tmp_path: Path) -> None:
    journal = written(tmp_path, 10)
    source = reader(journal)
    depth = Depth(tmp_path, source.acknowledged)
    shipped(source, 100)
    assert depth.size_bytes() == depth.rows() == 0
    assert depth.oldest_at() is None
    journal.close()


@pytest.mark.parametrize("segment_bytes", [1 << 20, 4096])
def test_what_waits_is_counted_across_segments(tmp_path: Path, segment_bytes: int) -> None:
    journal = written(tmp_path, 50, segment_bytes=segment_bytes)
    source = reader(journal)
    depth = Depth(tmp_path, source.acknowledged)
    whole = sum(path.stat().st_size for path in tmp_path.glob("*.jsonl"))
    assert depth.size_bytes() == whole
    assert depth.oldest_at() == AT
    shipped(source, 20)
    oldest_at = depth.oldest_at()
    begun_before = timedelta(seconds=1)  # a segment that begins there says when it was begun
    assert oldest_at is not None
    assert AT + timedelta(seconds=20) - begun_before <= oldest_at <= AT + timedelta(seconds=20)
    assert 0 < depth.size_bytes() < whole
    if segment_bytes > whole:
        assert depth.rows() == 30
    shipped(source, 1000)
    assert depth.rows() == 0
    journal.close()


def test_far_too_much_is_reckoned_and_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = written(tmp_path, 500)
    depth = Depth(tmp_path, lambda: (0, 0))
    exact = depth.rows()
    monkeypatch.setattr(journal_depth, "LOOK_BYTES", depth.size_bytes() // 10)
    assert depth.rows() == pytest.approx(exact, rel=0.1)
    assert depth.oldest_at() == AT
    journal.close()


def test_damage_hides_no_age(tmp_path: Path) -> None:
    journal = written(tmp_path, 3)
    (file,) = tmp_path.glob("*.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"torn\n" + b"".join(lines[2:]))
    assert Depth(tmp_path, lambda: (0, 0)).oldest_at() == AT + timedelta(seconds=1)
    journal.close()


def test_a_folder_that_is_gone_has_no_depth(tmp_path: Path) -> None:
    depth = Depth(tmp_path / "gone", lambda: (0, 0))
    assert depth.size_bytes() == depth.rows() == 0
    assert depth.oldest_at() is None
