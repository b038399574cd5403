"""What menus and their prompts are found to disagree about."""

import pytest

from ivrengine.flow.checking import spoken_keys
from ivrengine.flow.problems import Code
from ivrengine.flow.source import draft
from ivrengine.flow.source.text import read_text
from tests.flow.walk import HEADER


def found(choices: str, more: str = "", **texts: str) -> list[tuple[Code, str]]:
    source = (
        f"{HEADER}start: ask\nnodes:\n  ask:\n    type: menu\n    prompt: p\n    choices: {{{choices}}}\n{more}"
        "    no_input: bye\n    no_match: bye\n  bye: {type: hangup}\n"
    )
    document, _ = read_text(source, "f")
    assert document is not None
    candidate, wrong = draft.read(document)
    assert wrong == []
    return [
        (problem.code, problem.sentence.split("`")[-2])
        for problem in spoken_keys.check(candidate, {"p": texts}, {})
    ]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "For sales, press one. For service, two. To hear this again, press star."),
        ("en", "Press 1 for sales, 2 for service or * to hear this again."),
        (
            "en",
            "Press one to buy or two to complain. We are here from nine to six. Press the star key to repeat.",
        ),
        ("tr", "Satış için biri, servis için ikiyi, tekrar için yıldızı tuşlayın."),
        ("tr", "Satış için 1'e, servis için 2'ye, tekrar için *'a basınız."),
        (
            "tr",
            "Sabah sekizde bir ekibimiz gelir. Satış için bire, servis için ikiye, tekrar için yıldıza basın.",
        ),
        ("tr", "Türkçe için biri tuşlayın. For English, press two. Press star to repeat."),
    ],
)
def test_a_prompt_that_says_every_key_is_right(language: str, said: str) -> None:
    assert found("1: bye, 2: bye, '*': bye", **{language: said}) == []


def test_a_key_that_no_prompt_says_is_told_unless_it_is_meant() -> None:
    said = "For sales, press one."
    assert found("1: bye, 2: bye", en=said) == [(Code.KEY_UNMENTIONED, "2")]
    assert found("1: bye, 2: bye", "    unspoken: 2\n", en=said) == []


def test_a_key_that_only_the_prompt_has_is_told() -> None:
    said = "For sales, press one. For service, press two."
    assert found("1: bye", en=said) == [(Code.KEY_WITHOUT_CHOICE, "2")]
    assert found("1: bye", tr="Satış için biri, servis için ikiyi tuşlayın.") == [
        (Code.KEY_WITHOUT_CHOICE, "2")
    ]


@pytest.mark.parametrize(
    "said",
    ["Would you like to go on?", "Say what you want.", "One moment please.", "Bir dakika lütfen."],
)
def test_nothing_is_said_of_prompts_that_name_no_keys(said: str) -> None:
    assert found("1: bye, 2: bye", en=said, tr=said) == []


def test_nothing_is_said_of_languages_that_are_not_known() -> None:
    assert found("1: bye", de="Für den Vertrieb drücken Sie die zwei.") == []
