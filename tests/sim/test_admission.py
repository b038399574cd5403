"""The simulated exchange gives calls away as the dialplan does."""

from datetime import UTC, datetime

import pytest

from ivrengine.core.switching import Announcement
from ivrengine.sim.admission import Admission, Verdict

AT = datetime(2026, 3, 2, tzinfo=UTC)
EMERGENCY = "+902124440199"


def said(calls_max: int = 10, calls_per_s_max: int = 10, share: float = 0.0) -> Announcement:
    return Announcement(
        at=AT,
        engine="e1",
        calls_max=calls_max,
        calls_per_s_max=calls_per_s_max,
        emergency=(EMERGENCY,),
        emergency_share=share,
    )


def judged(admission: Admission, now_s: float, *, did: str = "1", others: int = 0) -> Verdict:
    return admission.judge(did, now_s, in_progress=lambda: others)


@pytest.mark.parametrize(
    ("age_s", "verdict"),
    [(0.0, Verdict.ADMITTED), (4.9, Verdict.ADMITTED), (5.0, Verdict.FALLBACK)],
)
def test_an_engine_that_was_silent_for_five_seconds_gets_no_calls(
    age_s: float, verdict: Verdict
) -> None:
    admission = Admission()
    admission.announced(said(), 100.0)
    assert judged(admission, 100.0 + age_s) is verdict


def test_an_engine_that_takes_no_calls_leaves_them_to_people() -> None:
    admission = Admission()
    admission.announced(said(calls_max=0), 0.0)
    assert judged(admission, 1.0) is Verdict.FALLBACK


def test_a_share_of_both_limits_is_kept_for_emergencies() -> None:
    admission = Admission()
    admission.announced(said(calls_max=10, share=0.5), 0.0)
    assert judged(admission, 1.0, others=4) is Verdict.ADMITTED
    assert judged(admission, 2.0, others=5) is Verdict.SHED
    assert judged(admission, 3.0, others=9, did=EMERGENCY) is Verdict.ADMITTED
    assert judged(admission, 4.0, others=10, did=EMERGENCY) is Verdict.SHED


def test_the_calls_of_a_second_are_counted_anew_in_the_next() -> None:
    admission = Admission()
    admission.announced(said(calls_per_s_max=2), 0.0)
    assert [judged(admission, 1.0 + part) for part in (0.0, 0.1, 0.2)] == [
        Verdict.ADMITTED,
        Verdict.ADMITTED,
        Verdict.SHED,
    ]
    assert judged(admission, 2.0) is Verdict.ADMITTED
