import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest
import structlog

from ivrengine.core.ids import BrandId
from ivrengine.prompts import audio, child, speech
from ivrengine.prompts.library import Library
from ivrengine.prompts.speech import Espeak, SpeechError, Tones
from tests.prompts.sounds import level_db

pytestmark = pytest.mark.real_time
needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"
)
SUN = BrandId("guneskent")
TEXTS = {
    "welcome": {
        "tr": "Güneşkent Sitesi'ne hoş geldiniz.",
        "en": "Welcome to the Guneskent estate.",
    },
    "menu": {
        "tr": "Aidat borcunuzu öğrenmek için bire, güvenlik için ikiye basın.",
        "en": "To hear what you owe, press one. For the security desk, press two.",
    },
}


async def the_espeak() -> Espeak:
    espeak = await speech.find_espeak()
    assert espeak is not None
    return espeak


@needs_espeak
async def test_espeak_is_found_with_its_version() -> None:
    espeak = await the_espeak()
    assert re.fullmatch(r"eSpeak NG text-to-speech: [\w.-]+", espeak.version)
    assert espeak.identity == f"{espeak.version} speed 160"


@needs_espeak
async def test_turkish_and_english_prompts_sound_as_prompts_should(tmp_path: Path) -> None:
    prompts = Library({SUN: TEXTS}, tmp_path / "none", tmp_path / "cache", await the_espeak())
    made = await prompts.build()
    assert [entry.problem for entry in made] == [None] * 4
    contents = set()
    for entry in made:
        path = Path(f"{(entry.media or '').removeprefix('sound:')}.wav")
        sound = audio.read_wav(path)
        assert sound.rate_hz == 8000
        letters = len(TEXTS[entry.name][entry.language])
        assert 0.03 * letters < entry.duration_s < 0.15 * letters
        assert -26 < level_db(sound.samples) < -14
        contents.add(sound.samples.tobytes())
    assert len(contents) == 4


@needs_espeak
async def test_a_text_is_spoken_the_same_each_time_and_another_text_is_not(tmp_path: Path) -> None:
    espeak = await the_espeak()
    for name, text in (("a", "bir"), ("b", "bir"), ("c", "iki")):
        await espeak.speak(text, "tr", tmp_path / name)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


@needs_espeak
async def test_no_text_is_taken_for_an_option(tmp_path: Path) -> None:
    await (await the_espeak()).speak("--version -w other.wav", "en", tmp_path / "a.wav")
    assert audio.read_wav(tmp_path / "a.wav").duration_s > 1


@needs_espeak
async def test_a_language_without_a_voice_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SpeechError) as caught:
        await (await the_espeak()).speak("x", "zz", tmp_path / "a.wav")
    assert str(caught.value) == "espeak-ng has no voice for the language zz"


@needs_espeak
async def test_a_text_with_nothing_to_say_is_one_sentence(tmp_path: Path) -> None:
    prompts = Library(
        {SUN: {"none": {"tr": "  "}, "dots": {"tr": "…"}}},
        tmp_path / "none",
        tmp_path / "cache",
        await the_espeak(),
    )
    made = {entry.name: entry for entry in await prompts.build()}
    assert made["none"].problem == "espeak-ng made no sound of it: there is nothing to say"
    assert (made["dots"].media is None) == (made["dots"].problem is not None)


def command(tmp_path: Path, script: str) -> str:
    path = tmp_path / "espeak"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


async def test_a_synthesiser_that_hangs_is_killed_in_time(tmp_path: Path) -> None:
    hanging = command(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    espeak = Espeak(version="1", command=hanging, limit_s=0.3)
    with pytest.raises(SpeechError) as caught:
        await espeak.speak("x", "tr", tmp_path / "a.wav")
    assert str(caught.value) == "espeak-ng took longer than 0.3 s"
    pid = int((tmp_path / "pid").read_text(encoding="ascii"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_child_process_dies_with_the_task_that_wanted_it(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    hanging = command(tmp_path, f"echo $$ > {begun}; exec sleep 600")
    task = asyncio.ensure_future(child.run(hanging, limit_s=60))
    pid = int(await asyncio.to_thread(begun.read_text, encoding="ascii"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_a_child_process_stands_behind_the_calls() -> None:
    waiting = f"while [ $(nice) -lt {child.NICE} ]; do :; done; nice"
    code, said = await child.run("sh", "-c", waiting, limit_s=5)
    assert (code, said) == (0, str(max(child.NICE, os.nice(0))))


async def test_a_synthesiser_that_fails_or_vanishes_is_one_sentence(tmp_path: Path) -> None:
    failing = Espeak(version="1", command=command(tmp_path, "echo out of paper; exit 3"))
    with pytest.raises(SpeechError, match="espeak-ng made no sound of it: out of paper"):
        await failing.speak("x", "tr", tmp_path / "a.wav")
    gone = Espeak(version="1", command=str(tmp_path / "gone"))
    with pytest.raises(SpeechError, match="espeak-ng cannot be run: No such file or directory"):
        await gone.speak("x", "tr", tmp_path / "a.wav")


@pytest.mark.parametrize("script", ["exit 1", "echo something else", "exit 0"])
async def test_another_program_of_that_name_is_not_espeak(tmp_path: Path, script: str) -> None:
    assert await speech.find_espeak(command(tmp_path, script)) is None


async def test_where_espeak_is_missing_tones_may_stand_in_and_the_log_says_so_once() -> None:
    with structlog.testing.capture_logs() as lines:
        assert await speech.choose(stand_in=True, command="no-such-espeak") == Tones()
    assert [(line["event"], line["stand_in"]) for line in lines] == [("espeak_ng_missing", "tones")]
    with structlog.testing.capture_logs() as lines:
        assert await speech.choose(stand_in=False, command="no-such-espeak") is None
    assert [(line["event"], line["stand_in"]) for line in lines] == [("espeak_ng_missing", "none")]


@needs_espeak
async def test_where_espeak_is_there_it_is_chosen_without_a_word() -> None:
    with structlog.testing.capture_logs() as lines:
        assert isinstance(await speech.choose(stand_in=True), Espeak)
    assert lines == []


async def test_tones_last_as_long_as_the_text_and_differ_with_it(tmp_path: Path) -> None:
    tones = Tones()
    for name, text in (("a", "x" * 20), ("b", "y" * 40), ("c", "z" * 40)):
        await tones.speak(text, "tr", tmp_path / name)
    a, b, c = (audio.read_wav(tmp_path / name) for name in "abc")
    assert a.duration_s == pytest.approx(1.3)
    assert b.duration_s == c.duration_s == pytest.approx(2.6)
    assert b.samples != c.samples
