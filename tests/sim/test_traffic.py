import itertools
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.sim import traffic
from ivrengine.sim.script import Hear, Press

DIDS = ("+902124440101", "+902124440102")
ANSWERS = {"menu": ("1", "2"), "number": ("1234#",)}


def some(seed: int, count: int, habits: traffic.Habits | None = None) -> list[traffic.Visit]:
    crowd = traffic.visits(
        seed,
        DIDS,
        load=traffic.Load.steady(2.0),
        answers=ANSWERS,
        habits=habits or traffic.Habits(),
    )
    return list(itertools.islice(crowd, count))


@given(seed=st.integers(0, 2**32))
def test_the_same_seed_brings_the_same_callers(seed: int) -> None:
    assert some(seed, 20) == some(seed, 20)
    assert some(seed, 20) != some(seed + 1, 20)


def test_callers_come_at_the_rate_asked_for() -> None:
    gaps_s = [b.at_s - a.at_s for a, b in itertools.pairwise(some(1, 4000))]
    assert statistics.fmean(gaps_s) == pytest.approx(0.5, rel=0.05)
    assert statistics.stdev(gaps_s) == pytest.approx(0.5, rel=0.1)


def test_a_day_has_its_calls_when_people_are_awake() -> None:
    crowd = traffic.visits(3, DIDS, load=traffic.Load.office_day(5000), answers=ANSWERS)
    day = list(traffic.until(24 * traffic.HOUR_S, crowd))
    assert len(day) == pytest.approx(5000, rel=0.06)
    by_hour = [int(visit.at_s // traffic.HOUR_S) for visit in day]
    assert by_hour.count(10) > 3 * by_hour.count(18) / 2 > 10 * by_hour.count(3)


def test_shares_are_those_of_the_habits() -> None:
    crowd = some(2, 4000, traffic.Habits(withheld=0.25, silent=0.1, repeat=0.5))
    assert sum(visit.number is None for visit in crowd) == pytest.approx(1000, rel=0.1)
    assert sum(not visit.script.reflexes for visit in crowd) == pytest.approx(400, rel=0.2)
    numbers = [visit.number for visit in crowd if visit.number]
    assert len(set(numbers)) == pytest.approx(len(numbers) / 2, rel=0.1)
    assert {visit.did for visit in crowd} == set(DIDS)


@given(seed=st.integers(0, 2**32))
def test_callers_press_what_answers_the_question_or_slip(seed: int) -> None:
    for visit in some(seed, 30):
        assert visit.script.patience_s is not None
        assert visit.script.patience_s >= 5
        for reflex in visit.script.reflexes:
            for steps in reflex.does:
                assert all(isinstance(step, Hear | Press) for step in steps)
                keys = [step.digits for step in steps if isinstance(step, Press)]
                assert len(keys) <= 1
                assert set(keys) <= {*ANSWERS[reflex.prompt], *traffic.KEYS}


def test_numbers_are_plausible_and_not_shown() -> None:
    for visit in some(4, 500):
        assert visit.number is None or (visit.number.startswith("+905") and len(visit.number) == 13)
        assert visit.number is None or visit.number not in repr(visit)
