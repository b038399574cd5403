"""The waits between attempts."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from ivrengine.asterisk.backoff import FIRST_S, MOST_S, delays_s


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 200))
def test_a_wait_is_never_longer_than_the_most_and_never_nothing(chance: float, turn: int) -> None:
    waits = list(itertools.islice(delays_s(lambda: chance), turn))
    assert all(FIRST_S / 2 <= wait <= MOST_S for wait in waits)
    assert waits == sorted(waits)


def test_waits_double_up_to_the_most() -> None:
    waits = list(itertools.islice(delays_s(lambda: 0.0), 8))
    assert waits == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_two_engines_do_not_knock_in_step() -> None:
    early, late = next(delays_s(lambda: 0.99)), next(delays_s(lambda: 0.0))
    assert late - early >= FIRST_S * 0.45
