"""The table of what a restarted engine does about each kind of effect."""

from typing import get_args

import pytest

from ivrengine.core import effects
from ivrengine.core.after_crash import AFTER_CRASH, AfterCrash


def test_every_kind_of_effect_has_exactly_one_row() -> None:
    assert set(AFTER_CRASH) == set(get_args(effects.Effect))


def test_every_answer_is_used_so_that_none_is_there_for_nothing() -> None:
    assert set(AFTER_CRASH.values()) == set(AfterCrash)


@pytest.mark.parametrize("kind", [effects.Dial])
def test_what_costs_money_or_rings_people_is_never_repeated_blindly(
    kind: type[effects.Effect],
) -> None:
    assert AFTER_CRASH[kind] is AfterCrash.NEVER_REPEAT


@pytest.mark.parametrize("kind", [effects.Play, effects.StartRecording])
def test_what_would_run_twice_under_one_id_begins_again_under_a_new_one(
    kind: type[effects.Effect],
) -> None:
    assert AFTER_CRASH[kind] is AfterCrash.BEGIN_AGAIN
