import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest
import structlog

from ivrengine.core.ids import BrandId
from ivrengine.flow.source import wav
from ivrengine.prompts import child, speech
from ivrengine.prompts.library import Library
from ivrengine.prompts.speech import Command, Espeak, SpeechError, Tones
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
    assert espeak.identity("tr") == f"{espeak.version} speed 160"


@needs_espeak
async def test_turkish_and_english_prompts_sound_as_prompts_should(tmp_path: Path) -> None:
    prompts = Library({SUN: TEXTS}, tmp_path / "none", tmp_path / "cache", await the_espeak())
    made = await prompts.build()
    assert [entry.problem for entry in made] == [None] * 4
    contents = set()
    for entry in made:
        path = Path(f"{(entry.media or '').removeprefix('sound:')}.wav")
        sound = wav.read(path)
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
    assert wav.read(tmp_path / "a.wav").duration_s > 1


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


@needs_espeak
async def test_a_language_may_have_a_voice_of_its_own(tmp_path: Path) -> None:
    deep = await speech.find_espeak(voices={"en": "en+m7", "tr": "none-such"})
    assert deep is not None
    await deep.speak("Welcome.", "en", tmp_path / "deep.wav")
    await (await the_espeak()).speak("Welcome.", "en", tmp_path / "plain.wav")
    assert (tmp_path / "deep.wav").read_bytes() != (tmp_path / "plain.wav").read_bytes()
    assert deep.identity("en") != deep.identity("de")
    with pytest.raises(SpeechError) as caught:
        await deep.speak("Merhaba.", "tr", tmp_path / "a.wav")
    assert str(caught.value) == "espeak-ng has no voice none-such for the language tr"


def another(tmp_path: Path, script: str, *words: str, **voices: str) -> Command:
    return Command(words=(command(tmp_path, script), *words), voices=voices, limit_s=5)


async def test_any_command_speaks_from_its_standard_input(tmp_path: Path) -> None:
    speaker = another(
        tmp_path, 'echo "$1 $2 $(cat)" > "$3"', "{language}", "v-{voice}", "{file}", tr="ayse"
    )
    await speaker.speak("Hoş geldiniz {file}.", "tr", tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_text() == "tr v-ayse Hoş geldiniz {file}.\n"


async def test_any_command_may_get_the_text_as_a_word(tmp_path: Path) -> None:
    speaker = another(tmp_path, 'echo "$1|$(cat)" > "$2"', "say: {text}", "{file}")
    await speaker.speak("{language}; $(id)", "tr", tmp_path / "a.wav")
    assert (tmp_path / "a.wav").read_text() == "say: {language}; $(id)|\n"
    plain = another(tmp_path, 'echo "$1" > "$2"', "{text}", "{file}")
    await plain.speak("--help", "tr", tmp_path / "b.wav")
    assert (tmp_path / "b.wav").read_text() == " --help\n"


async def test_a_command_does_not_learn_the_secrets_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IVRENGINE_ASTERISK__0__PASSWORD", "hush-1")
    monkeypatch.setenv("DATABASE_URL", "hush-2")
    monkeypatch.setenv("SPEECH_KEY", "its-own")
    speaker = another(tmp_path, 'env > "$1"', "{file}")
    await speaker.speak("x", "tr", tmp_path / "a.txt")
    environment = (tmp_path / "a.txt").read_text()
    assert "hush-" not in environment
    assert "SPEECH_KEY=its-own" in environment


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo one; echo out of credit >&2; exit 7", "ended with 7: out of credit"),
        ("exit 1", "ended with 1: it said nothing"),
        ("echo done", "wrote no file: done"),
    ],
)
async def test_a_command_that_fails_is_one_sentence(
    tmp_path: Path, script: str, sentence: str
) -> None:
    speaker = another(tmp_path, script, "{file}")
    with pytest.raises(SpeechError) as caught:
        await speaker.speak("x", "tr", tmp_path / "a.wav")
    assert str(caught.value) == f"{speaker.words[0]} {sentence}"


async def test_a_command_that_is_not_there_hangs_or_lacks_a_voice_is_one_sentence(
    tmp_path: Path,
) -> None:
    target = tmp_path / "a.wav"
    with pytest.raises(SpeechError, match=r"^there is no command no-such \(speech.command\)$"):
        await Command(words=("no-such", "{file}")).speak("x", "tr", target)
    hanging = Command(words=(command(tmp_path, "exec sleep 600"), "{file}"), limit_s=0.2)
    with pytest.raises(SpeechError, match=r"took longer than 0\.2 s"):
        await hanging.speak("x", "tr", target)
    with pytest.raises(SpeechError, match=r"^speech.voices has no voice for the language tr$"):
        await Command(words=("x", "{voice}", "{file}"), voices={"en": "amy"}).speak(
            "x", "tr", target
        )


async def test_a_command_that_writes_no_sound_is_a_problem_of_the_prompt(tmp_path: Path) -> None:
    speaker = another(tmp_path, 'echo hello > "$1"', "{file}")
    prompts = Library({SUN: {"a": {"tr": "x"}}}, tmp_path / "none", tmp_path / "cache", speaker)
    (made,) = await prompts.build()
    assert made.problem == "expected a WAV file of 16-bit PCM, found no WAV"


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
    a, b, c = (wav.read(tmp_path / name) for name in "abc")
    assert a.duration_s == pytest.approx(1.3)
    assert b.duration_s == c.duration_s == pytest.approx(2.6)
    assert b.samples != c.samples
