"""An ``sms`` node puts a message into the outbox and goes on; a ``note`` node notes something about the call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core import effects
from ivrengine.core.call import Outcome, Phase, Value
from ivrengine.core.ids import NumberId
from ivrengine.flow import sms_parts
from ivrengine.flow.model import Flow
from ivrengine.flow.sms_parts import parts_of
from tests.flow.walk import Walk, flow_of

NUMBER = NumberId("0193ab12-0000-7000-8000-000000000001")
FLOW = """
variables:
  name: {type: string}
  flat: {type: int, default: 42}
  due: {type: double, default: 1250.5}
on_error: sorry
on_hangup: write
start: ask
nodes:
  ask:
    type: menu
    prompt: menu
    choices: {1: write, 2: english}
    no_input: bye
    no_match: bye
  english: {type: language, to: en, next: write}
  write:
    type: sms
    to: caller
    text: {tr: "Sayın {name}, daire {flat}: {due} TL", en: "Dear {name}, flat {flat}: {due} TRY"}
    next: bye
    no_number: by-letter
  by-letter: {type: hangup}
  sorry: {type: hangup}
  bye: {type: hangup}
"""


def sent(walk: Walk) -> list[str]:
    return [message.text for message in walk.all(effects.SendMessage)]


def walk_on(flow: Flow, number_id: NumberId | None = NUMBER, **variables: Value) -> Walk:
    return Walk(flow, number_id=number_id, variables=variables)


def test_the_message_is_in_the_language_of_the_call_with_the_values_of_the_moment() -> None:
    walk = walk_on(flow_of(FLOW), name="Ayşe")
    walk.presses("1")
    assert walk.exits()[-2] == ("write", "next")
    [message] = walk.all(effects.SendMessage)
    assert message == effects.SendMessage(
        message_id=message.message_id,
        kind="sms",
        number_id=NUMBER,
        text="Sayın Ayşe, daire 42: 1250,50 TL",
        language="tr",
    )
    assert message.message_id.startswith(walk.call.call_id)


def test_an_amount_has_the_decimal_sign_of_the_language_and_none_without_cause() -> None:
    walk = walk_on(flow_of(FLOW))
    walk.presses("2")
    assert sent(walk) == ["Dear , flat 42: 1250.50 TRY"]
    walk = walk_on(flow_of(FLOW), due=900.0)
    walk.presses("1")
    assert sent(walk) == ["Sayın , daire 42: 900 TL"]


def test_a_caller_without_a_number_gets_no_message() -> None:
    walk = walk_on(flow_of(FLOW), number_id=None)
    walk.presses("1")
    assert not sent(walk)
    assert walk.exits()[-2] == ("write", "no_number")


def test_a_message_can_be_sent_after_the_caller_has_left() -> None:
    walk = walk_on(flow_of(FLOW))
    walk.hangs_up()
    assert len(sent(walk)) == 1
    assert (walk.call.phase, walk.call.outcome) == (Phase.ENDED, Outcome.HUNG_UP)


def test_two_messages_of_a_call_are_two() -> None:
    flow = flow_of("""
    start: first
    nodes:
      first: {type: sms, text: {tr: bir, en: one}, next: second, no_number: bye}
      second: {type: sms, text: {tr: iki, en: two}, next: bye, no_number: bye}
      bye: {type: hangup}
    """)
    walk = walk_on(flow)
    assert sent(walk) == ["bir", "iki"]
    assert len({message.message_id for message in walk.all(effects.SendMessage)}) == 2


def test_a_message_that_turns_out_too_long_is_not_sent() -> None:
    walk = walk_on(flow_of(FLOW), name="ş" * 300)
    walk.presses("1")
    assert not sent(walk)
    assert walk.nodes()[-1] == "sorry"


def test_what_is_noted_is_computed_and_a_long_text_is_an_error() -> None:
    flow = flow_of("""
    variables: {name: {type: string}, flat: {type: int, default: 42}}
    on_error: bye
    start: note
    nodes:
      note:
        type: note
        set: {reason: "'dues'", flat: flat + 1, is-tenant: flat > 40, name: name}
        next: bye
      bye: {type: hangup}
    """)
    walk = walk_on(flow)
    noted = {note.name: note.value for note in walk.all(effects.SetAttribute)}
    assert noted == {"reason": "dues", "flat": 43, "is-tenant": True, "name": ""}
    assert walk.exits()[0] == ("note", "next")
    walk = walk_on(flow, name="x" * 201)
    assert not walk.all(effects.SetAttribute)
    assert walk.exits()[0] == ("note", "error")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("x", 1),
        ("x" * 160, 1),
        ("x" * 161, 2),
        ("x" * 306, 2),
        ("x" * 307, 3),
        ("é" * 160, 1),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("x" * 152 + "€" + "x" * 153, 3),
        ("ş" * 70, 1),
        ("ş" * 71, 2),
        ("ş" * 134, 2),
        ("ş" * 135, 3),
        ("\N{GRINNING FACE}" * 35, 1),
        ("\N{GRINNING FACE}" * 36, 2),
        ("\N{GRINNING FACE}" * 67, 3),
    ],
    ids=lambda value: f"{value[0]}{len(value)}" if isinstance(value, str) else str(value),
)
def test_a_text_takes_as_many_parts_as_networks_count(text: str, parts: int) -> None:
    assert parts_of(text) == parts


@given(st.text(), st.text(max_size=40))
def test_a_longer_text_never_takes_fewer_parts(text: str, more: str) -> None:
    assert 1 <= parts_of(text) <= parts_of(text + more)
    assert parts_of(text) <= 1 + 2 * len(text) // (sms_parts.UCS2_OF_SEVERAL - 1)
