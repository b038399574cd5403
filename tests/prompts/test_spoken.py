"""Words composed for one call: made once, shared, kept, and given up in time."""

import asyncio
import dataclasses
import os
import shutil
from pathlib import Path

import pytest

from ivrengine.core.effects import Spoken
from ivrengine.core.ids import BrandId
from ivrengine.prompts import spoken
from ivrengine.prompts.cache import Cache
from ivrengine.prompts.library import Library, PromptMissingError
from ivrengine.prompts.speech import Synthesiser
from tests.prompts.voices import Voice

pytestmark = pytest.mark.real_time
SUN = BrandId("guneskent")
DUES = Spoken(text="bin iki yüz elli lira")


def library(cache: Path, voice: Synthesiser | None) -> Library:
    return Library({}, Path("none"), cache, voice, sounds_path="/sounds")


def place(media: str) -> str:
    return media.removeprefix("sound:/sounds/")


def files(cache: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in cache.glob(pattern))


@dataclasses.dataclass
class Slow(Voice):
    """Does not speak until it may."""

    may: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    asked: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def speak(self, text: str, language: str, target: Path) -> None:
        self.asked.set()
        await self.may.wait()
        await super().speak(text, language, target)


async def test_words_are_made_audible_in_four_forms_and_leave_nothing_else(tmp_path: Path) -> None:
    media = await library(tmp_path, Voice()).speech(SUN, DUES, "tr")
    assert place(media).startswith("guneskent/tr/spoken-")
    assert files(tmp_path, "*/*/*") == [
        f"{Path(media).name}{suffix}" for suffix in (".alaw", ".sln16", ".ulaw", ".wav")
    ]
    assert files(tmp_path, ".making-*") == []


async def test_the_same_words_are_made_once_also_by_the_next_engine(tmp_path: Path) -> None:
    voice = Voice()
    prompts = library(tmp_path, voice)
    first = await prompts.speech(SUN, DUES, "tr")
    assert await prompts.speech(SUN, dataclasses.replace(DUES, prompt="dues-are"), "tr") == first
    assert await library(tmp_path, voice).speech(SUN, DUES, "tr") == first
    assert voice.said == [("tr", DUES.text)]


async def test_other_words_languages_brands_and_voices_are_other_files(tmp_path: Path) -> None:
    prompts = library(tmp_path, Voice())
    found = {
        await prompts.speech(SUN, DUES, "tr"),
        await prompts.speech(SUN, DUES, "en"),
        await prompts.speech(BrandId("aykent"), DUES, "tr"),
        await prompts.speech(SUN, Spoken(text="iki lira"), "tr"),
        await library(tmp_path, Voice(called="voice 2")).speech(SUN, DUES, "tr"),
    }
    assert len(found) == 5


async def test_calls_that_want_the_same_words_share_one_making(tmp_path: Path) -> None:
    voice = Slow()
    prompts = library(tmp_path, voice)
    async with asyncio.TaskGroup() as calls:
        wanted = [calls.create_task(prompts.speech(SUN, DUES, "tr")) for _ in range(5)]
        await voice.asked.wait()
        voice.may.set()
    assert len({call.result() for call in wanted}) == 1
    assert len(voice.said) == 1


async def test_who_gives_up_leaves_the_making_to_the_next(tmp_path: Path) -> None:
    voice = Slow()
    prompts = library(tmp_path, voice)
    first = asyncio.ensure_future(prompts.speech(SUN, DUES, "tr"))
    await voice.asked.wait()
    second = asyncio.ensure_future(prompts.speech(SUN, DUES, "tr"))
    voice.asked.clear()
    await asyncio.sleep(0)
    first.cancel()
    await voice.asked.wait()
    voice.may.set()
    assert (await second).startswith("sound:")
    assert first.cancelled()


async def test_what_goes_wrong_is_told_to_all_who_wait_and_tried_again_for_the_next(
    tmp_path: Path,
) -> None:
    voice = Voice(mute=frozenset({DUES.text}))
    prompts = library(tmp_path, voice)
    both = [prompts.speech(SUN, DUES, "tr") for _ in range(2)]
    found = await asyncio.gather(*both, return_exceptions=True)
    assert [str(error) for error in found] == [
        "the brand guneskent has no audio of a text in tr: the voice is hoarse"
    ] * 2
    voice.mute = frozenset()
    assert (await prompts.speech(SUN, DUES, "tr")).startswith("sound:")


async def test_without_a_synthesiser_only_what_is_there_is_played(tmp_path: Path) -> None:
    prompts = library(tmp_path, None)
    with pytest.raises(PromptMissingError, match="espeak-ng is not installed"):
        await prompts.speech(SUN, DUES, "tr")


async def test_a_folder_that_cannot_be_written_is_a_missing_prompt(tmp_path: Path) -> None:
    blocked = tmp_path / "sounds"
    blocked.write_text("a file")
    with pytest.raises(PromptMissingError, match="cannot be written"):
        await library(blocked, Voice()).speech(SUN, DUES, "tr")


async def test_what_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spoken, "LIMIT_S", 0.05)
    with pytest.raises(PromptMissingError, match=r"could not be spoken within 0\.05 s"):
        await library(tmp_path, Slow()).speech(SUN, DUES, "tr")


async def test_the_folder_is_bounded_and_the_next_words_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spoken, "TEXTS_MAX", 1)
    monkeypatch.setattr(spoken, "CLEARED_EVERY", 1)
    prompts = library(tmp_path, Voice())
    for n in range(3):
        await prompts.speech(SUN, Spoken(text=f"{n}"), "tr")
    with pytest.raises(PromptMissingError, match="as many spoken texts as it may"):
        await prompts.speech(SUN, DUES, "tr")


async def test_words_that_nobody_used_for_long_make_room(tmp_path: Path) -> None:
    prompts = library(tmp_path, Voice())
    old, used, new = [
        place(await prompts.speech(SUN, Spoken(text=text), "tr")) for text in ("a", "b", "c")
    ]
    for each in (old, used):
        os.utime(tmp_path / f"{each}.wav", (1, 1))
    cache = Cache(tmp_path)
    assert cache.use(used)
    assert cache.thin_out(1, 3600) == 2
    assert files(tmp_path, f"{old}.*") == []
    assert cache.use(new)


async def test_files_that_somebody_removed_are_made_again_by_the_next_engine(
    tmp_path: Path,
) -> None:
    await library(tmp_path, Voice()).speech(SUN, DUES, "tr")
    shutil.rmtree(tmp_path / SUN)
    media = await library(tmp_path, Voice()).speech(SUN, DUES, "tr")
    assert (tmp_path / f"{place(media)}.wav").exists()
