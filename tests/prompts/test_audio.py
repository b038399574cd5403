import array
import itertools
import math
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.prompts import audio
from tests.prompts.sounds import level_db, tone, write


@pytest.mark.parametrize("rate_hz", [9000, 11025, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_speech_passes_from_any_rate_as_it_was(rate_hz: int, hertz: int) -> None:
    sound = tone(hertz, rate_hz=rate_hz, seconds=0.3)
    resampled = audio._resampled(sound, 8000)
    assert len(resampled) in {2400, 2401}
    assert level_db(resampled[200:-200]) == pytest.approx(level_db(sound.samples), abs=0.1)
    steady = resampled[400:2000]
    crossings = sum(a <= 0 < b for a, b in itertools.pairwise(steady))
    assert crossings == pytest.approx(hertz * 0.2, abs=1.5)


@pytest.mark.parametrize("rate_hz", [16000, 22050, 44100])
@pytest.mark.parametrize("hertz", [4600, 6000, 7900])
def test_what_a_telephone_cannot_carry_does_not_fold_back(rate_hz: int, hertz: int) -> None:
    sound = tone(hertz, rate_hz=rate_hz, seconds=0.3)
    folded = audio._resampled(sound, 8000)[200:-200]
    assert level_db(folded) < level_db(sound.samples) - audio.STOPBAND_DB


@pytest.mark.parametrize("frames", [1, 2, 100, 999, 1000])
@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 48000])
def test_a_prompt_lasts_as_long_as_its_source(frames: int, rate_hz: int) -> None:
    sound = audio.Sound(rate_hz=rate_hz, samples=array.array("h", [1000] * frames))
    assert audio.for_telephone(sound).duration_s == pytest.approx(sound.duration_s, abs=1 / 8000)


@pytest.mark.parametrize("amplitude", [500, 2000, 9000, 32000])
def test_loud_and_quiet_sources_become_one_loudness(amplitude: int) -> None:
    speech = tone(440, amplitude=amplitude).samples + array.array("h", [0] * 16000)
    made = audio.for_telephone(audio.Sound(rate_hz=8000, samples=speech))
    assert level_db(made.samples[:8000]) == pytest.approx(audio.ACTIVE_DBFS, abs=0.2)


@given(samples=st.lists(st.integers(-32768, 32767), min_size=1, max_size=2000))
def test_nothing_is_ever_clipped(samples: list[int]) -> None:
    sound = audio.Sound(rate_hz=8000, samples=array.array("h", samples))
    made = audio.for_telephone(sound)
    assert len(made.samples) == len(samples)
    assert max(map(abs, made.samples)) <= 32768 * 10 ** (audio.PEAK_DBFS / 20) + 1


def test_noise_that_is_nearly_nothing_is_not_made_loud() -> None:
    made = audio.for_telephone(tone(440, amplitude=3))
    assert max(made.samples) <= 3 * 32


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    sound = tone(440)
    audio.write_wav(tmp_path / "a.wav", sound)
    assert audio.read_wav(tmp_path / "a.wav") == sound
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 8000, len(sound.samples))


def refusal(path: Path) -> str:
    with pytest.raises(audio.AudioError) as caught:
        audio.read_wav(path)
    return str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.wav") == "there is no such file"


def test_a_folder_in_its_place_is_one_sentence(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "it cannot be read: Is a directory"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"RIFF",
        b"ID3\x04 this is an MP3",
        b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x03\x00\x01\x00\x40\x1f\x00\x00" + bytes(40),
        b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff",
    ],
    ids=["nothing", "a word", "mp3", "floats", "lies"],
)
def test_what_is_no_pcm_wav_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    assert refusal(path) == "expected a WAV file of 16-bit PCM, found something else"


def test_what_cannot_be_a_prompt_is_one_sentence_each(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    assert refusal(write(path, b"\1\0\1\0" * 800, channels=2)) == (
        "expected one channel (mono), found 2"
    )
    assert refusal(write(path, b"\1" * 800, width=1)) == "expected 16-bit PCM, found 8 bits"
    assert refusal(write(path, b"\1\0\0" * 800, width=3)) == "expected 16-bit PCM, found 24 bits"
    assert refusal(write(path, b"\1\0" * 800, rate_hz=6000)) == (
        "expected a rate of 8000 to 48000 Hz, found 6000"
    )
    assert refusal(write(path, b"\1\0" * 800, rate_hz=96000)) == (
        "expected a rate of 8000 to 48000 Hz, found 96000"
    )
    assert refusal(write(path, b"")) == "it is empty"
    assert refusal(write(path, b"\0\0" * 800)) == "there is only silence in it"
    assert refusal(write(path, b"\1\0" * 8000 * 301)) == (
        "expected at most 300 s of sound, found 301"
    )


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.wav"
    with path.open("wb") as file:
        file.truncate(10**12)
    assert refusal(path) == "expected at most 300 s of sound, found 1000000000000 bytes"


@given(content=st.binary(max_size=200))
def test_no_file_content_gives_anything_but_sound_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.wav"
    path.write_bytes(b"RIFF\xff\x00\x00\x00WAVE" + content)
    try:
        assert audio.read_wav(path).samples
    except audio.AudioError:
        assert audio.duration_s(path) is None or content


def test_the_duration_is_that_of_the_file_or_none_if_it_is_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    audio.write_wav(path, tone(440, seconds=1.5))
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
