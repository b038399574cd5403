"""What is composed for one call: the ``say`` node, and prompts that are given values."""

import dataclasses
from typing import Final

import pytest

from ivrengine.core import events
from ivrengine.core.effects import Play, SendToFallback, Spoken
from ivrengine.flow.model import Flow
from ivrengine.flow.spoken.words import Kind
from ivrengine.flow.templates import Parameter, Template, pieces
from tests.flow.walk import NOON, Walk, flow_of

DUES: Final = Template(
    parameters={
        "due": Parameter(kind=Kind.MONEY, currency="TRY"),
        "by": Parameter(kind=Kind.DATE, weekday=True),
    },
    pieces={
        "tr": pieces("Borcunuz {due}, son gün {by}."),
        "en": pieces("By {by} you owe us {due}."),
    },
)
DUES_IN_TURKISH: Final = Spoken(
    text="Borcunuz bin iki yüz elli lira elli kuruş, son gün otuz Kasım iki bin yirmi altı, Pazartesi.",
    prompt="dues-are",
)
USE: Final = "{prompt: dues-are, with: {due: amount, by: due_on}}"
VARIABLES: Final = """
    variables:
      amount: {type: int, default: 125050}
      due_on: {type: string, default: "2026-11-30"}
"""


def saying(items: str, *, more: str = "") -> Flow:
    return flow_of(
        f"""
    timezone: Europe/Istanbul
    {VARIABLES}
    start: said
    nodes:
      said: {{type: say, say: [{items}], next: bye{more}}}
      sorry: {{type: hangup, prompt: sorry}}
      bye: {{type: hangup, prompt: bye}}
    """
    )


def with_dues(flow: Flow) -> Flow:
    return dataclasses.replace(
        flow, kit=dataclasses.replace(flow.kit, templates={"dues-are": DUES})
    )


def test_what_stands_side_by_side_is_said_in_one_breath() -> None:
    walk = Walk(
        saying(
            "{prompt: welcome}, {text: \"'Borcunuz'\"}, {money: amount, currency: TRY}, {prompt: by}, "
            "{date: due_on}, {ordinal: '2'}, {prompt: at}, {time: now}"
        )
    )
    assert walk.played() == [
        (
            "welcome",
            Spoken(text="Borcunuz bin iki yüz elli lira elli kuruş"),
            "by",
            Spoken(text="otuz Kasım iki bin yirmi altı ikinci"),
            "at",
            Spoken(text="on beş"),
        )
    ]
    walk.prompt_ends()
    assert walk.exits() == [("said", "next")]
    assert walk.played()[-1] == ("bye",)


def test_it_is_said_in_the_language_of_the_call() -> None:
    flow = flow_of(
        """
        start: english
        nodes:
          english: {type: language, to: en, next: said}
          said: {type: say, say: [{number: "7"}, {duration: "3900"}], next: bye}
          bye: {type: hangup}
        """
    )
    [play] = Walk(flow).all(Play)
    assert play.prompts == (Spoken(text="seven one hour and five minutes"),)
    assert play.language == "en"


def test_a_zone_of_its_own_is_another_clock() -> None:
    assert Walk(saying("{time: now, zone: America/New_York}")).played() == [(Spoken(text="yedi"),)]


def test_a_difference_of_instants_is_a_duration() -> None:
    spoken = Spoken(text="iki saat")
    assert Walk(saying("{duration: timestamp('2026-11-21T14:00:00Z') - now}")).played() == [
        (spoken,)
    ], NOON


def test_nothing_to_say_is_passed_by() -> None:
    walk = Walk(saying("{text: \"' '\"}"))
    assert walk.played() == [("bye",)]


@pytest.mark.parametrize(
    "item",
    [
        "{date: \"'2026-02-30'\"}",
        "{ordinal: '0 - amount'}",
        "{number: amount / (amount - amount)}",
        "{duration: now - timestamp('2027-01-01T00:00:00Z')}",
        "{date: timestamp('9999-12-31T23:59:59Z')}",
    ],
)
def test_a_value_that_cannot_be_said_is_an_error_of_the_node(item: str) -> None:
    walk = Walk(saying(item, more=", error: sorry"))
    assert walk.exits() == [("said", "error")]
    assert walk.played() == [("sorry",)]


def test_a_key_cuts_it_short() -> None:
    walk = Walk(saying("{number: amount}"))
    walk.barges_in()
    assert walk.exits() == [("said", "next")]


def test_words_that_the_switch_refuses_are_an_error_of_the_node() -> None:
    walk = Walk(saying("{number: amount}", more=", error: sorry"))
    playing = walk.call.cursor.playback_id
    assert playing is not None
    walk.request_fails("Play", playing, events.Failure.REFUSED)
    assert walk.played()[-1] == ("sorry",)


def test_after_a_gap_it_is_said_again() -> None:
    walk = Walk(saying("{number: amount}"))
    walk.resumes()
    first, again = walk.played()
    assert first == again


def asking(no_match: str = "bye") -> Flow:
    return with_dues(
        flow_of(
            f"""
    {VARIABLES}
    start: ask
    nodes:
      ask:
        type: menu
        prompt: [welcome, {USE}]
        invalid_prompt: {USE}
        choices: {{1: bye}}
        no_input: {{to: bye, reprompts: [{USE}, [still-there, {USE}]]}}
        no_match: {no_match}
      bye: {{type: hangup, prompt: {USE}}}
    """
        )
    )


def test_a_prompt_with_values_is_played_wherever_a_prompt_is() -> None:
    walk = Walk(asking())
    walk.prompt_ends()
    walk.timer_fires()
    walk.prompt_ends()
    walk.timer_fires()
    walk.presses("9")
    dues = DUES_IN_TURKISH
    assert walk.played() == [
        ("welcome", dues),
        (dues,),
        ("still-there", dues),
        (dues,),
    ]


def test_a_prompt_with_values_is_played_before_the_question_again() -> None:
    walk = Walk(asking())
    walk.presses("9")
    assert walk.played()[-1] == (DUES_IN_TURKISH, "welcome", DUES_IN_TURKISH)


def test_a_say_node_says_a_prompt_with_values_by_itself() -> None:
    walk = Walk(
        with_dues(
            saying(
                "{text: \"'A'\"}, {prompt: dues-are, with: {due: amount, by: due_on}}, {number: '1'}"
            )
        )
    )
    assert walk.played() == [(Spoken(text="A"), DUES_IN_TURKISH, Spoken(text="bir"))]


def test_a_value_that_does_not_fit_a_prompt_is_an_error_of_the_node() -> None:
    walk = Walk(asking(), variables={"due_on": "some day"})
    assert walk.just(SendToFallback)


def test_a_prompt_that_has_gone_since_is_an_error_of_the_node() -> None:
    flow = asking()
    gone = dataclasses.replace(flow, kit=dataclasses.replace(flow.kit, templates={}))
    assert Walk(gone).just(SendToFallback)
