import asyncio
import os
import shutil
import stat
import subprocess
import sys
import wave
from pathlib import Path

import pytest

from ivrengine.prompts import audio
from ivrengine.prompts.library import NOT_MADE, Entry, PromptMissingError
from ivrengine.prompts.speech import INSTALL
from ivrengine.prompts.wanted import Source, Texts
from tests.prompts.a_library import (
    MOON,
    SUN,
    finished,
    half_made,
    in_folder,
    library,
    only,
    sole,
)
from tests.prompts.sounds import tone, write
from tests.prompts.voices import Voice

pytestmark = pytest.mark.real_time


async def test_every_prompt_is_made_in_four_forms_that_asterisk_reads(cache: Path) -> None:
    made = await library(cache, Voice()).build()
    assert [(e.brand, e.name, e.language) for e in made] == [
        (MOON, "welcome", "tr"),
        (SUN, "menu", "tr"),
        (SUN, "welcome", "en"),
        (SUN, "welcome", "tr"),
    ]
    assert len(finished(cache)) == 16
    for entry in made:
        assert entry.source is Source.SYNTHESISED
        assert entry.problem is None
        assert entry.media is not None
        stem = Path(entry.media.removeprefix("sound:"))
        with wave.open(f"{stem}.wav") as file:
            assert file.getparams()[:3] == (1, 2, 8000)
            frames = file.getnframes()
        assert entry.duration_s == frames / 8000
        for form, octets in ((".ulaw", 1), (".alaw", 1), (".sln16", 4)):
            size = stem.with_name(stem.name + form).stat().st_size
            assert size == pytest.approx(octets * frames, abs=2)


async def test_media_is_the_path_as_asterisk_sees_it_without_a_suffix(cache: Path) -> None:
    prompts = library(cache, Voice(), sounds_path="/var/lib/asterisk/sounds/ivrengine/")
    await prompts.build()
    media = prompts.media(SUN, "welcome", "en")
    place = media.removeprefix("sound:/var/lib/asterisk/sounds/ivrengine/")
    assert place != media
    assert (cache / f"{place}.wav").exists()
    assert place.startswith("guneskent/en/welcome-")
    assert prompts.duration_of(media) == prompts.duration_s(SUN, "welcome", "en") > 0
    assert prompts.duration_of("sound:beep") is None


async def test_a_missing_language_falls_back_only_where_it_is_told_to(cache: Path) -> None:
    prompts = library(cache, Voice())
    await prompts.build()
    assert prompts.media(SUN, "menu", "en", fallback="tr") == prompts.media(SUN, "menu", "tr")
    assert prompts.duration_s(SUN, "menu", "en", fallback="tr") > 0
    assert prompts.media(SUN, "welcome", "en", fallback="tr").split("/")[-2] == "en"
    with pytest.raises(PromptMissingError, match="the brand guneskent has no audio of menu in en"):
        prompts.media(SUN, "menu", "en")
    with pytest.raises(PromptMissingError):
        prompts.media(SUN, "menu", "en", fallback="de")
    with pytest.raises(PromptMissingError):
        prompts.media(MOON, "menu", "tr")
    with pytest.raises(PromptMissingError):
        prompts.duration_s(SUN, "farewell", "tr")


async def test_at_call_time_the_disk_is_not_touched(cache: Path) -> None:
    prompts = library(cache, Voice())
    await prompts.build()
    shutil.rmtree(cache)
    assert prompts.media(SUN, "welcome", "tr").startswith("sound:")
    assert prompts.duration_s(SUN, "welcome", "tr") > 0


async def test_what_is_in_the_cache_is_not_made_again(cache: Path) -> None:
    first = await library(cache, Voice()).build()
    before = [(p, p.stat().st_mtime_ns) for p in finished(cache)]
    again = Voice()
    made: list[Entry] = []
    assert await library(cache, again).build(made.append) == first
    assert again.said == []
    assert made == []
    assert [(p, p.stat().st_mtime_ns) for p in finished(cache)] == before


async def test_a_changed_text_makes_a_new_file_and_leaves_the_old_one(cache: Path) -> None:
    old = sole(await library(cache, Voice(), only("Merhaba.")).build())
    voice = Voice()
    new = sole(await library(cache, voice, only("İyi günler.")).build())
    assert voice.said == [("tr", "İyi günler.")]
    assert new.media != old.media
    assert len(finished(cache)) == 8


async def test_another_voice_makes_new_files(cache: Path) -> None:
    old = sole(await library(cache, Voice(called="voice 1"), only("Merhaba.")).build())
    new = sole(await library(cache, Voice(called="voice 2"), only("Merhaba.")).build())
    assert new.media != old.media


async def test_another_voice_in_one_language_leaves_the_others_as_they_are(cache: Path) -> None:
    class Polyglot(Voice):
        def identity(self, language: str) -> str:
            return self.called if language == "tr" else "voice 1"

    texts: Texts = {SUN: {"welcome": {"tr": "Merhaba.", "en": "Welcome."}}}
    await library(cache, Polyglot(called="voice 1"), texts).build()
    voice = Polyglot(called="voice 2")
    await library(cache, voice, texts).build()
    assert voice.said == [("tr", "Merhaba.")]
    prompts = library(cache, None, texts)
    await prompts.build()
    assert prompts.missing == 0


async def test_line_breaks_in_a_text_are_only_spaces(cache: Path) -> None:
    voice = Voice()
    old = sole(await library(cache, voice, only("Bir\n  iki\n")).build())
    new = sole(await library(cache, voice, only("Bir iki")).build())
    assert voice.said == [("tr", "Bir iki")]
    assert new.media == old.media


async def test_to_look_makes_nothing_and_finds_what_is_there(cache: Path) -> None:
    voice = Voice()
    prompts = library(cache, voice)
    looked = await prompts.look()
    assert {entry.problem for entry in looked} == {NOT_MADE}
    assert prompts.missing == 4
    assert voice.said == []
    assert in_folder(cache.parent) == []
    await prompts.build()
    assert prompts.missing == 0
    assert all(entry.media for entry in await library(cache, voice).look())


async def test_each_prompt_is_told_of_as_it_is_made(cache: Path) -> None:
    told: list[Entry] = []
    made = await library(cache, Voice()).build(told.append)
    assert sorted(told, key=lambda e: (e.brand, e.name, e.language)) == list(made)


async def test_without_a_synthesiser_what_exists_is_played_and_the_rest_counted(
    cache: Path, recordings: Path
) -> None:
    await library(cache, Voice(), only("Merhaba.")).build()
    write(recordings / SUN / "en" / "goodbye.wav", tone(440).samples.tobytes())
    texts = {SUN: {"welcome": {"tr": "Merhaba."}, "menu": {"tr": "Bire basın."}}}
    prompts = library(cache, None, texts, recordings)
    made = await prompts.build()
    assert {e.name: e.problem for e in made} == {"goodbye": None, "welcome": None, "menu": INSTALL}
    assert prompts.missing == 1
    assert prompts.media(SUN, "welcome", "tr")


async def test_tones_are_never_remembered_as_a_voice(cache: Path) -> None:
    await library(cache, Voice(intelligible=False), only("Merhaba.")).build()
    prompts = library(cache, None, only("Merhaba."))
    await prompts.build()
    assert prompts.missing == 1


async def test_one_prompt_that_fails_stops_no_other(cache: Path) -> None:
    prompts = library(cache, Voice(mute=frozenset({"Welcome."})))
    made = await prompts.build()
    assert [e.problem for e in made if e.media is None] == ["the voice is hoarse"]
    assert prompts.missing == 1
    assert len(finished(cache)) == 12


async def test_a_finished_file_that_was_cut_short_is_made_again(cache: Path) -> None:
    entry = sole(await library(cache, Voice(), only("Merhaba.")).build())
    file = next(p for p in finished(cache) if p.suffix == ".wav")
    os.truncate(file, 100)
    voice = Voice()
    assert sole(await library(cache, voice, only("Merhaba.")).build()) == entry
    assert voice.said == [("tr", "Merhaba.")]
    file.with_suffix(".ulaw").unlink()
    assert sole(await library(cache, voice, only("Merhaba.")).build()) == entry
    assert len(voice.said) == 2


async def test_asterisk_may_read_what_is_made_whatever_the_umask(cache: Path) -> None:
    before = os.umask(0o077)
    try:
        await library(cache, Voice(), only("Merhaba.")).build()
    finally:
        os.umask(before)
    for path in finished(cache):
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
        for folder in (path.parent, path.parent.parent, cache):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o755


async def test_a_folder_that_cannot_be_written_is_a_sentence_on_each_prompt(cache: Path) -> None:
    write(cache, b"")  # a file in its place
    prompts = library(cache, Voice())
    problems = {entry.problem for entry in await prompts.build()}
    assert problems == {"the folder of prompts cannot be written: Not a directory"}
    assert prompts.missing == 4


async def test_two_libraries_building_at_once_do_not_disturb_each_other(cache: Path) -> None:
    one, other = library(cache, Voice()), library(cache, Voice())
    made, again = await asyncio.gather(one.build(), other.build())
    assert made == again
    assert one.missing == 0
    assert len(finished(cache)) == 16
    assert not half_made(cache)


async def test_what_a_build_made_before_it_was_cut_short_is_played_without_a_synthesiser(
    cache: Path,
) -> None:
    both: Texts = {SUN: {"a": {"en": "One."}, "b": {"tr": "Bir."}}}
    second = asyncio.Event()

    class Halting(Voice):
        async def speak(self, text: str, language: str, target: Path) -> None:
            if language == "tr":
                second.set()
                await asyncio.Event().wait()
            await super().speak(text, language, target)

    made = asyncio.Event()
    build = asyncio.ensure_future(library(cache, Halting(), both).build(lambda _: made.set()))
    await made.wait()
    await second.wait()
    build.cancel()
    with pytest.raises(asyncio.CancelledError):
        await build
    await library(cache, Voice(), both).build(only=(SUN, "b", "tr"))
    prompts = library(cache, None, both)
    await prompts.look()
    assert prompts.missing == 0


async def test_a_build_that_is_cancelled_leaves_nothing_half_made(cache: Path) -> None:
    speaking = asyncio.Event()

    class Slow(Voice):
        async def speak(self, text: str, language: str, target: Path) -> None:
            write(target, b"half")
            speaking.set()
            await asyncio.Event().wait()

    build = asyncio.ensure_future(library(cache, Slow()).build())
    await speaking.wait()
    build.cancel()
    with pytest.raises(asyncio.CancelledError):
        await build
    assert finished(cache) == []
    assert not half_made(cache)


BUILDS = """
import asyncio, pathlib, sys
from ivrengine.prompts.library import Library
from tests.prompts.voices import Voice
texts = {"guneskent": {"welcome": {"tr": "Merhaba.", "en": "Welcome."}, "menu": {"tr": "Bir."}}}
prompts = Library(texts, pathlib.Path("none"), pathlib.Path(sys.argv[1]), Voice())
asyncio.run(prompts.build())
sys.exit(prompts.missing)
"""
DIES_BEFORE_THE_LAST_RENAME = """
import os, pathlib
rename = pathlib.Path.replace
def dying(self, target):
    if self.suffix == ".wav":
        os._exit(9)
    return rename(self, target)
pathlib.Path.replace = dying
"""


@pytest.mark.timeout(30)  # starts an interpreter of its own
async def test_a_crash_between_writing_and_renaming_leaves_no_broken_prompt(cache: Path) -> None:
    died = await asyncio.to_thread(run, DIES_BEFORE_THE_LAST_RENAME + BUILDS, cache)
    assert died.returncode == 9
    assert not [p for p in finished(cache) if p.suffix == ".wav"]
    left = half_made(cache)
    assert left
    prompts = library(cache, Voice())
    await prompts.build()
    assert prompts.missing == 0
    assert left[0].exists()  # it might be another process's, still at work
    an_hour_ago = left[0].stat().st_mtime - 3700
    os.utime(left[0], (an_hour_ago, an_hour_ago))
    await library(cache, Voice(called="voice 2")).build()
    assert not half_made(cache)


@pytest.mark.timeout(30)
async def test_two_processes_may_build_at_once(cache: Path) -> None:
    ended = await asyncio.gather(*(asyncio.to_thread(run, BUILDS, cache) for _ in range(2)))
    assert [each.returncode for each in ended] == [0, 0]
    assert len(finished(cache)) == 12
    assert all(audio.duration_s(p) for p in finished(cache) if p.suffix == ".wav")


def run(script: str, cache: Path) -> subprocess.CompletedProcess[bytes]:
    root = Path(__file__).resolve().parents[2]
    return subprocess.run(  # noqa: S603 - a script of this file
        [sys.executable, "-c", script, str(cache)], cwd=root, check=False
    )
