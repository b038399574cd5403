"""The limits of admission: whatever is measured, they stay in their bounds; they fall fast and come back."""

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.engine import admission
from ivrengine.engine.admission import Admitted, Ceiling, Measured, adapted, at_first

CEILING = Ceiling(calls_max=2000, calls_per_s_max=400)
CALM = Measured(lag_s=0.0, request_s=0.002, calls=300, arrived=100)
BUSY = dataclasses.replace(CALM, arrived=400)

seconds = st.floats(min_value=0, max_value=100, allow_nan=False)
measurements = st.builds(
    Measured,
    lag_s=seconds,
    request_s=st.none() | seconds,
    calls=st.integers(0, 10_000),
    arrived=st.integers(0, 10_000),
)
ceilings = st.builds(
    Ceiling, calls_max=st.integers(1, 100_000), calls_per_s_max=st.integers(1, 10_000)
)


def strained(calls: int, arrived: int) -> Measured:
    return Measured(lag_s=2 * admission.LAG_S_MAX, request_s=None, calls=calls, arrived=arrived)


@given(ceilings, st.lists(measurements, max_size=60))
def test_the_limits_stay_between_floor_and_ceiling(
    ceiling: Ceiling, second_by_second: list[Measured]
) -> None:
    admitted = at_first(ceiling)
    for measured in second_by_second:
        admitted = adapted(admitted, measured, ceiling)
        assert admission.FLOOR * ceiling.calls_max - 1 < admitted.calls_max <= ceiling.calls_max
        floor_per_s = admission.FLOOR * ceiling.calls_per_s_max - 1
        assert floor_per_s < admitted.calls_per_s_max <= ceiling.calls_per_s_max
        assert min(admitted.calls_max, admitted.calls_per_s_max) >= 1


@given(ceilings, st.lists(measurements, max_size=20))
def test_calm_brings_all_of_it_back(ceiling: Ceiling, before: list[Measured]) -> None:
    admitted = at_first(ceiling)
    for measured in before:
        admitted = adapted(admitted, measured, ceiling)
    for _ in range(round(1 / admission.CAREFUL_GROWTH) + admission.SETTLING_S + 1):
        admitted = adapted(admitted, dataclasses.replace(CALM, arrived=10_000), ceiling)
    assert (admitted.calls_max, admitted.calls_per_s_max) == (
        ceiling.calls_max,
        ceiling.calls_per_s_max,
    )


@given(measurements, st.lists(measurements, max_size=10))
def test_more_strain_never_means_more_calls(measured: Measured, before: list[Measured]) -> None:
    admitted = at_first(CEILING)
    for each in before:
        admitted = adapted(admitted, each, CEILING)
    strain = Measured(
        lag_s=measured.lag_s + admission.LAG_S_MAX,
        request_s=measured.request_s,
        calls=measured.calls,
        arrived=measured.arrived,
    )
    assert _of(adapted(admitted, strain, CEILING)) <= _of(adapted(admitted, measured, CEILING))


def _of(admitted: Admitted) -> tuple[float, float]:
    return admitted.calls_per_s, admitted.calls


def test_a_limit_grows_only_as_far_as_it_was_tried() -> None:
    first = at_first(CEILING)
    assert first.calls_per_s_max == 100
    assert after(*[CALM] * 60).calls_per_s_max == 150
    assert after(*[BUSY] * 60).calls_per_s_max == 400
    few = dataclasses.replace(CALM, arrived=3)
    assert after(*[few] * 60).calls_per_s_max == 100


def test_what_was_tried_is_forgotten() -> None:
    few = dataclasses.replace(CALM, arrived=3)
    assert after(*[BUSY] * 60, *[few] * 35).calls_per_s_max == 295
    assert after(*[BUSY] * 60, *[few] * 600).calls_per_s_max == 100


def after(*second_by_second: Measured) -> Admitted:
    admitted = at_first(CEILING)
    for measured in second_by_second:
        admitted = adapted(admitted, measured, CEILING)
    return admitted


def test_a_cut_begins_at_what_really_came() -> None:
    strain = strained(calls=1000, arrived=200)
    admitted = after(*[BUSY] * 20, strain, strain)
    assert admitted.calls_max == 950
    assert admitted.calls_per_s == pytest.approx(225, abs=1)
    cut = after(*[BUSY] * 20, severe(calls=1000, arrived=200))
    assert cut.calls_per_s == pytest.approx(225, abs=1)


def severe(calls: int, arrived: int) -> Measured:
    return Measured(lag_s=0.0, request_s=10.0, calls=calls, arrived=arrived)


def test_a_second_in_which_nothing_came_is_no_measure_of_what_the_machine_can_do() -> None:
    choked = severe(calls=1000, arrived=0)
    assert after(*[BUSY] * 20, choked).calls_per_s == pytest.approx(150, abs=1)


def test_near_the_last_strain_growth_is_careful() -> None:
    busy = dataclasses.replace(CALM, arrived=250)
    admitted = after(*[busy] * 30, severe(calls=500, arrived=250))
    assert admitted.calls_per_s_max == 187
    came = [admitted.calls_per_s_max]
    for _ in range(12):
        admitted = adapted(admitted, dataclasses.replace(CALM, arrived=came[-1]), CEILING)
        came.append(admitted.calls_per_s_max)
    steps = [after - before for before, after in itertools.pairwise(came)]
    assert steps[0] == 20
    assert set(steps[2:]) <= {3, 4, 5}


def test_one_late_second_alone_is_no_overload() -> None:
    strain = strained(calls=1000, arrived=200)
    calm = after(*[BUSY] * 20)
    admitted = adapted(adapted(adapted(calm, strain, CEILING), BUSY, CEILING), strain, CEILING)
    assert _of(admitted) == _of(calm)


def test_a_cut_is_given_some_seconds_to_show_its_effect() -> None:
    strain = strained(calls=1000, arrived=200)
    less = strained(calls=1000, arrived=200)
    before = [*[BUSY] * 20, strain, strain]
    settling = [less] * (admission.SETTLING_S - 1)
    assert _of(after(*before, *settling)) == _of(after(*before))
    assert after(*before, *settling, less).calls_per_s_max < after(*before).calls_per_s_max


def test_between_calm_and_strain_the_limits_stay() -> None:
    strain = strained(calls=1000, arrived=200)
    near = Measured(lag_s=0.8 * admission.LAG_S_MAX, request_s=None, calls=900, arrived=140)
    assert _of(after(strain, strain, *[near] * 10)) == _of(after(strain, strain))


def test_slow_requests_are_strain_too() -> None:
    slow = Measured(lag_s=0.0, request_s=0.3, calls=1000, arrived=200)
    assert after(*[BUSY] * 20, slow, slow).calls_per_s == pytest.approx(225, abs=1)
