"""However TCP cuts the stream, the same messages come out of it, and what it may cost is bounded."""

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from ivrengine.asterisk.ami_frames import Frames, TooLong

BYTES_MAX = 40


@given(
    st.lists(st.binary(max_size=60).filter(lambda each: b"\r" not in each and b"\n" not in each)),
    st.lists(st.integers(min_value=1, max_value=30), min_size=1),
)
def test_messages_are_the_same_however_they_are_cut(sent: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(each + b"\r\n\r\n" for each in sent)
    frames = Frames(BYTES_MAX)
    found: list[str | TooLong] = []
    at = turn = 0
    while at < len(stream):
        length = cuts[turn % len(cuts)]
        found += frames.feed(stream[at : at + length])
        at, turn = at + length, turn + 1
    expected = [each.decode("latin-1") if len(each) <= BYTES_MAX else TooLong() for each in sent]
    assert found == expected


def test_an_event_without_an_end_is_not_kept() -> None:
    frames = Frames()
    tracemalloc.start()
    found = [each for _ in range(2_000) for each in frames.feed(b"X" * 10_000)]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [TooLong()]
    assert most < 1_000_000
    assert frames.feed(b"\r\n\r\nEvent: Shutdown\r\n\r\n") == ["Event: Shutdown"]
