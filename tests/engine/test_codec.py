"""What is journaled reads back as it was, whatever it holds."""

import dataclasses
from datetime import UTC
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Value
from ivrengine.engine import codec

_instants = st.datetimes(timezones=st.just(UTC))
_plain = {
    float: st.floats(allow_nan=False, allow_infinity=False),
    Value: st.text() | st.booleans() | st.integers(-(2**63), 2**63 - 1),
}


def _anything(kind: type[Any]) -> st.SearchStrategy[Any]:
    st.register_type_strategy(float, _plain[float])
    fields = {f.name for f in dataclasses.fields(kind)}
    given_fields: dict[str, Any] = {
        name: _instants for name in fields if name in {"at", "arrived_at"}
    }
    given_fields |= {name: st.none() | _instants for name in fields & {"answered_at", "ended_at"}}
    for name in fields & {"variables", "values", "body"}:
        given_fields[name] = st.dictionaries(st.text(), _plain[Value])
    return st.builds(kind, **given_fields)


@pytest.mark.parametrize("kind", get_args(events.CallEvent), ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=25)
def test_every_event_reads_back_as_it_was(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(_anything(kind))
    name, fields = codec.pair(event)
    assert codec.event(name, codec.encode(fields)) == event


@pytest.mark.parametrize("kind", get_args(effects.Effect), ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=25)
def test_every_effect_reads_back_as_it_was(kind: type[Any], data: st.DataObject) -> None:
    effect = data.draw(_anything(kind))
    [(name, fields)] = codec.pairs(codec.encode([codec.pair(effect)]))
    assert codec.effect(name, fields) == effect


@given(call=_anything(Call))
def test_every_call_reads_back_as_it_was(call: Call) -> None:
    assert codec.call(codec.encode(call)) == call


def test_a_kind_that_this_version_does_not_know_is_named() -> None:
    with pytest.raises(codec.UnknownKindError, match="Teleported"):
        codec.event("Teleported", b"{}")


def test_a_playback_of_yesterday_is_of_names_alone() -> None:
    written = (
        b'{"channel_id":"ast1:1.1","playback_id":"ast1:p","prompts":["a","b"],"language":"tr"}'
    )
    read = codec.effect("Play", written)
    assert isinstance(read, effects.Play)
    assert read.prompts == ("a", "b")
