import array
import itertools
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.flow.source import wav
from ivrengine.prompts import audio
from tests.prompts.sounds import level_db, tone, write


@pytest.mark.parametrize("rate_hz", [9000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_speech_passes_from_any_rate_as_it_was(rate_hz: int, hertz: int) -> None:
    sound = tone(hertz, rate_hz=rate_hz, seconds=0.3)
    resampled = audio._resampled(sound.samples, rate_hz, 8000)
    assert len(resampled) in {2400, 2401}
    assert level_db(resampled[200:-200]) == pytest.approx(level_db(sound.samples), abs=0.1)
    steady = resampled[400:2000]
    crossings = sum(a <= 0 < b for a, b in itertools.pairwise(steady))
    assert crossings == pytest.approx(hertz * 0.2, abs=1.5)


@pytest.mark.parametrize("rate_hz", [16000, 22050, 44100])
@pytest.mark.parametrize("hertz", [4600, 6000, 7900])
def test_what_a_telephone_cannot_carry_does_not_fold_back(rate_hz: int, hertz: int) -> None:
    sound = tone(hertz, rate_hz=rate_hz, seconds=0.3)
    folded = audio._resampled(sound.samples, rate_hz, 8000)[200:-200]
    assert level_db(folded) < level_db(sound.samples) - audio.STOPBAND_DB


@pytest.mark.parametrize("frames", [1, 2, 100, 999, 1000])
@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 48000])
def test_a_prompt_lasts_as_long_as_its_source(frames: int, rate_hz: int) -> None:
    sound = wav.Sound(rate_hz=rate_hz, samples=array.array("h", [1000] * frames))
    for made in audio.for_telephones(sound):
        assert made.duration_s == pytest.approx(sound.duration_s, abs=2 / 8000)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 32000, 48000])
@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_speech_passes_to_16_khz_as_it_was(rate_hz: int, hertz: int) -> None:
    sound = tone(hertz, rate_hz=rate_hz, seconds=0.3)
    resampled = audio._resampled(sound.samples, rate_hz, 16000)
    assert len(resampled) in {4800, 4801}
    assert level_db(resampled[400:-400]) == pytest.approx(level_db(sound.samples), abs=0.1)
    crossings = sum(a <= 0 < b for a, b in itertools.pairwise(resampled[800:4000]))
    assert crossings == pytest.approx(hertz * 0.2, abs=1.5)


def test_what_a_wideband_phone_hears_is_what_a_telephone_cannot() -> None:
    narrow, wide = audio.for_telephones(tone(6000, rate_hz=22050))
    assert level_db(wide.samples) > -20
    assert level_db(narrow.samples[200:-200]) < level_db(wide.samples) - audio.STOPBAND_DB + 3


def test_at_16_khz_nothing_is_added_to_what_was_recorded_at_8() -> None:
    """A tone's image would be at 8 kHz less its pitch."""
    _, wide = audio.for_telephones(tone(3000))
    steady = wide.samples[800:-800]
    image = sum(s * math.cos(2 * math.pi * 5000 * n / 16000) for n, s in enumerate(steady))
    assert 2 * abs(image) / len(steady) < max(steady) / 200


@pytest.mark.parametrize("amplitude", [500, 2000, 9000, 32000])
def test_loud_and_quiet_sources_become_one_loudness(amplitude: int) -> None:
    speech = tone(440, amplitude=amplitude).samples + array.array("h", [0] * 16000)
    made, _ = audio.for_telephones(wav.Sound(rate_hz=8000, samples=speech))
    assert level_db(made.samples[:8000]) == pytest.approx(audio.ACTIVE_DBFS, abs=0.2)


@given(samples=st.lists(st.integers(-32768, 32767), min_size=1, max_size=2000))
def test_nothing_is_ever_clipped(samples: list[int]) -> None:
    sound = wav.Sound(rate_hz=8000, samples=array.array("h", samples))
    made, wide = audio.for_telephones(sound)
    assert len(made.samples) == len(samples)
    loudest = max(max(map(abs, each.samples)) for each in (made, wide))
    assert loudest <= 32768 * 10 ** (audio.PEAK_DBFS / 20) + 1


def test_noise_that_is_nearly_nothing_is_not_made_loud() -> None:
    made, _ = audio.for_telephones(tone(440, amplitude=3))
    assert max(made.samples) <= 3 * 32


def test_the_duration_is_that_of_the_file_or_none_if_it_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    wav.write(path, tone(440, seconds=1.5))
    assert audio.duration_s(path) == 1.5
    content = path.read_bytes()
    path.write_bytes(content[:-1000])
    assert audio.duration_s(path) is None
    path.write_bytes(b"")
    assert audio.duration_s(path) is None
    assert audio.duration_s(tmp_path / "none.wav") is None
    assert audio.duration_s(write(path, b"\1\0" * 800, rate_hz=16000)) is None


def test_the_window_of_the_low_pass_is_a_kaiser_window() -> None:
    assert audio._bessel_i0(0) == 1
    assert audio._bessel_i0(4) == pytest.approx(11.301922)
    assert audio._bessel_i0(5) == pytest.approx(27.239872)
    assert math.fsum(audio._low_pass(50, 0.3, 22050, 8000)) == pytest.approx(1)
