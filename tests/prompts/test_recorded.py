"""Recorded prompts: made of the recording if it is a good one, else of the text, and told of."""

from pathlib import Path

import pytest

from ivrengine.flow.source import wav
from ivrengine.prompts.speech import INSTALL
from ivrengine.prompts.wanted import Source
from tests.prompts.a_library import SUN, library, only, sole
from tests.prompts.sounds import tone, write
from tests.prompts.voices import Voice

pytestmark = pytest.mark.real_time


async def test_a_recorded_file_wins_over_the_text(cache: Path, recordings: Path) -> None:
    recorded = tone(440, rate_hz=44100, seconds=1.5)
    wav.write(write(recordings / SUN / "tr" / "welcome.wav", b""), recorded)
    voice = Voice()
    prompts = library(cache, voice, only("Merhaba."), recordings)
    entry = sole(await prompts.build())
    assert entry.source is Source.RECORDED
    assert entry.duration_s == pytest.approx(1.5, abs=0.001)
    assert voice.said == []
    assert sole(await library(cache, voice, only("Başka."), recordings).build()) == entry
    wav.write(recordings / SUN / "tr" / "welcome.wav", tone(660, seconds=2))
    changed = sole(await library(cache, voice, only("Merhaba."), recordings).build())
    assert changed.media != entry.media
    assert changed.duration_s == 2


async def test_a_recording_needs_no_text(cache: Path, recordings: Path) -> None:
    write(recordings / SUN / "en" / "goodbye.wav", tone(440).samples.tobytes())
    prompts = library(cache, None, {}, recordings)
    await prompts.build()
    assert prompts.missing == 0
    assert prompts.duration_s(SUN, "goodbye", "en") == 1


async def test_a_bad_recording_is_told_and_its_text_spoken(cache: Path, recordings: Path) -> None:
    path = write(recordings / SUN / "tr" / "welcome.wav", b"\1\0\1\0" * 99, channels=2)
    prompts = library(cache, Voice(), only("Merhaba."), recordings)
    entry = sole(await prompts.build())
    assert entry.problem == (
        f"the recording {path} cannot be used: expected one channel (mono), found stereo; "
        "its text is spoken"
    )
    assert entry.source is Source.SYNTHESISED
    assert entry.media is not None
    assert prompts.missing == 0
    assert sole(await library(cache, Voice(), only("Merhaba."), recordings).look()) == entry


async def test_a_bad_recording_without_a_text_is_a_missing_prompt(
    cache: Path, recordings: Path
) -> None:
    write(recordings / SUN / "tr" / "welcome.wav", b"")
    prompts = library(cache, Voice(), {}, recordings)
    entry = sole(await prompts.build())
    assert entry.problem is not None
    assert entry.problem.endswith(
        "welcome.wav cannot be used: it is empty; there is no text to speak instead"
    )
    assert (entry.source, entry.media, prompts.missing) == (None, None, 1)


async def test_a_bad_recording_whose_text_cannot_be_spoken_either_is_told_with_both_reasons(
    cache: Path, recordings: Path
) -> None:
    write(recordings / SUN / "tr" / "welcome.wav", b"")
    entry = sole(await library(cache, None, only("Merhaba."), recordings).build())
    assert entry.media is None
    assert entry.problem is not None
    assert entry.problem.endswith(f"it is empty; its text is spoken, but {INSTALL}")


async def test_a_file_that_no_flow_could_name_is_no_prompt(cache: Path, recordings: Path) -> None:
    for place in ("tr/Hoş Geldiniz.wav", "tr/a.b.wav", "turkish/welcome.wav", "welcome.wav"):
        write(recordings / SUN / place, tone(440).samples.tobytes())
    assert await library(cache, Voice(), {}, recordings).build() == ()


async def test_a_recording_that_sounds_bad_is_played_and_told_of(
    cache: Path, recordings: Path
) -> None:
    path = write(recordings / SUN / "tr" / "welcome.wav", tone(440, amplitude=99).samples.tobytes())
    entry = sole(await library(cache, Voice(), only("Merhaba."), recordings).build())
    assert entry.source is Source.RECORDED
    assert entry.media is not None
    assert entry.problem is None
    assert entry.flaw == (
        f"the recording {path} sounds bad: it is too quiet; record it anew at a higher level"
    )
