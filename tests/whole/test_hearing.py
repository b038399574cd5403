"""What callers of the example flow hear, told from the sound that reached them: the right prompts, and no others."""

import asyncio
from typing import Final

import pytest

from tests.sip import hearing
from tests.sip.call import Call
from tests.sip.g711 import RATE, Samples
from tests.whole import records
from tests.whole.engine import Engine, until
from tests.whole.people import ESTATE, dial, prompt

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.timeout(120)]
"""On a new machine the engine speaks all prompts of the examples before it answers."""

UNHEARD: Final = 0.4
"""A prompt that was not played scores below 0.3 in the sound of others of the same voice; see tests/sip/test_hearing.py."""
REACTION_S: Final = 0.6
"""From a key that cuts a prompt short to the next prompt, as heard: the key itself takes 0.1 s, and the machine is shared."""


def _said(name: str, language: str = "tr") -> Samples:
    return prompt(name, language, brand="guneskent")


async def _hears_next(
    call: Call, name: str, language: str = "tr", *, after_s: float = 0.0
) -> hearing.Match:
    """Wait until a prompt has been heard to its end in what came after ``after_s``; its place is counted from there."""
    match = hearing.NOTHING

    async def is_so() -> bool:
        nonlocal match
        sound = call.heard()[round(after_s * RATE) :]
        match = await asyncio.to_thread(hearing.match, _said(name, language), sound)
        return match.whole

    await until(is_so, 25, lambda: f"{name} {language}: {match}", every_s=0.5)
    return match


async def _hears_in_turn(call: Call, *names: str, language: str = "tr") -> float:
    """Wait for prompts to be heard one behind the other; return where the last one ends."""
    end_s = 0.0
    for name in names:
        heard = await _hears_next(call, name, language)
        assert heard.offset_s > end_s - 0.1, f"{name} began before the prompt before it was over"
        end_s = heard.offset_s + len(_said(name, language)) / RATE
    return end_s


def _assert_unheard(call: Call, *names: tuple[str, str]) -> None:
    for name in names:
        assert hearing.match(_said(*name), call.heard()).score < UNHEARD, name


async def _says_nothing() -> None:
    async with dial(ESTATE) as call:
        await call.answered()
        await _hears_in_turn(call, "welcome", "choose-language", "main-menu")
        others = ("welcome", "choose-language", "main-menu")
        _assert_unheard(
            call, *((name, "en") for name in others), ("ask-flat", "tr"), ("dues", "tr")
        )


async def _chooses_english() -> None:
    async with dial(ESTATE, keys="info") as call:
        await call.answered()
        await call.press("2")
        await _hears_in_turn(call, "main-menu", language="en")
        await call.press("1")
        await _hears_in_turn(call, "main-menu", "ask-flat", language="en")
        await call.press("480#")
        await _hears_in_turn(call, "ask-flat", "dues", "anything-else", language="en")
        _assert_unheard(call, ("main-menu", "tr"), ("dues", "tr"), ("no-such-flat", "en"))


async def _keeps_silent_when_asked() -> None:
    """Is asked for the flat again, five seconds after the question."""
    async with dial(ESTATE) as call:
        await call.answered()
        await call.press("11")
        asked_s = await _hears_in_turn(call, "ask-flat")
        again = await _hears_next(call, "ask-flat", after_s=asked_s)
        assert 4.5 < again.offset_s < 6.5, "asked again neither too soon nor too late"


async def _cuts_a_prompt_short() -> None:
    """Presses a key a second into the menu."""
    async with dial(ESTATE) as call:
        await call.answered()
        await call.press("1")
        menu = _said("main-menu")
        await until(lambda: len(call.heard()) > 1.5 * RATE, 10)
        await call.press("1")
        heard = await _hears_next(call, "ask-flat")
        cut = hearing.match(menu, call.heard())
        assert not cut.recognised
        assert 0 < cut.heard < 0.5
        reaction_s = heard.offset_s - (cut.offset_s + cut.heard * len(menu) / RATE)
        assert reaction_s < REACTION_S


async def _presses_ahead() -> None:
    """Knows the way: all keys in one go, before the first prompt is over."""
    async with dial(ESTATE) as call:
        await call.answered()
        await call.press("117#", held_s=0.08, gap_s=0.06)
        await _hears_next(call, "dues")
        _assert_unheard(call, ("choose-language", "tr"), ("main-menu", "tr"), ("ask-flat", "tr"))
        assert hearing.match(_said("welcome"), call.heard()).heard < 0.5


async def _is_told_that_there_is_no_such_flat() -> None:
    async with dial(ESTATE, keys="info") as call:
        await call.answered()
        await call.press("11999#")
        await _hears_in_turn(call, "no-such-flat", "ask-flat")
        _assert_unheard(call, ("dues", "tr"), ("not-understood", "tr"))


SCENES: Final = (
    _says_nothing,
    _chooses_english,
    _keeps_silent_when_asked,
    _cuts_a_prompt_short,
    _presses_ahead,
    _is_told_that_there_is_no_such_flat,
)


async def test_callers_hear_what_the_flow_says_to_them_all_at_the_same_time(estate: Engine) -> None:
    async with asyncio.TaskGroup() as callers:
        for scene in SCENES:
            callers.create_task(scene(), name=scene.__name__)
    for fields in records.arrivals(estate.data):
        assert await records.ended(estate.data, fields["call_id"]) == "hung_up"
