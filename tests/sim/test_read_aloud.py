import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core.effects import Spoken
from ivrengine.core.ids import BrandId
from ivrengine.prompts.library import PromptMissingError
from ivrengine.sim.read_aloud import ReadAloud

BRAND = BrandId("guneskent")
PROMPTS = {BRAND: {"welcome": {"tr": "Güneşkent Sitesi'ne hoş geldiniz.", "en": "Welcome."}}}


def test_a_prompt_is_found_again_by_its_medium() -> None:
    aloud = ReadAloud(PROMPTS)
    spoken = aloud.spoken(aloud.media(BRAND, "welcome", "tr"))
    assert spoken is not None
    assert (spoken.name, spoken.text) == ("welcome", PROMPTS[BRAND]["welcome"]["tr"])


def test_a_language_without_text_falls_back_or_is_missing() -> None:
    aloud = ReadAloud(PROMPTS)
    assert aloud.media(BRAND, "welcome", "de", fallback="en") == aloud.media(BRAND, "welcome", "en")
    with pytest.raises(PromptMissingError, match="guneskent has no text of welcome in de"):
        aloud.media(BRAND, "welcome", "de")


@given(text=st.text(max_size=500))
def test_a_longer_text_takes_longer(text: str) -> None:
    aloud = ReadAloud({BRAND: {"one": {"tr": text}, "two": {"tr": text + " ve"}}})
    one, two = (aloud.duration_s(aloud.media(BRAND, name, "tr")) for name in ("one", "two"))
    assert one is not None
    assert two is not None
    assert 0 < one < two


def test_what_is_no_prompt_has_no_length() -> None:
    assert ReadAloud(PROMPTS).duration_s("sound:other") is None
    assert ReadAloud(PROMPTS).spoken("music:default") is None


async def test_composed_words_are_read_aloud_under_the_name_of_their_prompt() -> None:
    aloud = ReadAloud(PROMPTS)
    media = await aloud.speech(BRAND, Spoken(text="Saat: on dört", prompt="it-is"), "tr")
    heard = aloud.spoken(media)
    assert heard is not None
    assert (heard.name, heard.language, heard.text) == ("it-is", "tr", "Saat: on dört")
    shorter = await aloud.speech(BRAND, Spoken(text="on"), "tr")
    assert (aloud.duration_s(media) or 0) > (aloud.duration_s(shorter) or 0) > 0
