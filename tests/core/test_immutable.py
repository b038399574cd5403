"""Events, effects and calls are facts: frozen, slotted, and told apart by value."""

import dataclasses
from datetime import UTC, datetime
from typing import get_args

import pytest

from ivrengine.core import call, effects, events
from ivrengine.core.ids import ChannelId
from ivrengine.core.switching import Arrival, DigitHeard

FACTS = [
    *get_args(events.CallEvent),
    *get_args(effects.Effect),
    call.Call,
    call.Caller,
    call.Cursor,
]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_facts_are_frozen_slotted_and_keyword_only(fact: type) -> None:
    parameters = fact.__dataclass_params__  # type: ignore[attr-defined]
    assert parameters.frozen
    assert parameters.eq
    assert fact is call.Call or "__slots__" in vars(fact)
    assert all(field.kw_only for field in dataclasses.fields(fact))


@pytest.mark.parametrize("event", get_args(events.CallEvent), ids=lambda event: event.__name__)
def test_every_event_says_when(event: type) -> None:
    assert dataclasses.fields(event)[0].name == "at"


def test_a_digit_on_the_way_is_not_shown() -> None:
    at, channel = datetime(2026, 1, 1, tzinfo=UTC), ChannelId("ast1:1")
    assert "7" not in repr(DigitHeard(at=at, channel_id=channel, digit="7"))
    arrival = Arrival(at=at, channel_id=channel, did="+90212", number="+905321234567")
    assert "5321234567" not in repr(arrival)
