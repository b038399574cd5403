"""WAV files: which can be played to callers, and what is said of the others."""

import array
import contextlib
import itertools
import os
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.flow.source import wav
from tests.prompts.sounds import tone, write

HEAD = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    sound = tone(440)
    wav.write(tmp_path / "a.wav", sound)
    assert wav.read(tmp_path / "a.wav") == sound
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 8000, len(sound.samples))


def refusal(path: Path) -> str:
    with pytest.raises(wav.WavError) as caught:
        wav.read(path)
    return str(caught.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.wav") == "there is no such file"


def test_a_folder_in_its_place_is_one_sentence(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "it is not a file"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"RIFF", "no WAV"),
        (b"hello", "no WAV"),
        (b"ID3\x04 this is an MP3", "an MP3 file"),
        (b"OggS", "an Ogg file"),
        (HEAD + b"\x03\x00\x01\x00\x40\x1f\x00\x00" + bytes(40), "floating point"),
        (HEAD + b"\x06\x00\x01\x00\x40\x1f\x00\x00" + bytes(40), "A-law"),
        (HEAD + b"\x01\x00\x01", "one that breaks off"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\xff", "something else"),
    ],
    ids=["nothing", "a word", "text", "mp3", "ogg", "floats", "alaw", "half", "lies"],
)
def test_what_is_no_pcm_wav_file_is_one_sentence(
    tmp_path: Path, content: bytes, found: str
) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(content)
    assert refusal(path) == f"expected a WAV file of 16-bit PCM, found {found}"


def test_what_cannot_be_a_prompt_is_one_sentence_each(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    assert refusal(write(path, b"\1\0\1\0" * 800, channels=2)) == (
        "expected one channel (mono), found stereo"
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
    with contextlib.suppress(wav.WavError):
        assert wav.read(path).samples


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.wav")
    assert refusal(tmp_path / "x.wav") == "it is not a file"


def test_a_link_to_itself_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.wav").symlink_to(tmp_path / "x.wav")
    assert refusal(tmp_path / "x.wav") in {
        "there is no such file",
        "it cannot be read: Too many levels of symbolic links",
    }


@pytest.mark.parametrize("amplitude", [400, 8000, 32767])
@pytest.mark.parametrize("rate_hz", [8000, 48000])
def test_a_recording_as_it_should_be_has_no_flaw(amplitude: int, rate_hz: int) -> None:
    assert wav.flaw(tone(440, amplitude=amplitude, rate_hz=rate_hz)) is None


@pytest.mark.parametrize("ceiling", [32767, 32124, 32256])
def test_a_recording_that_is_too_loud_is_clipped(ceiling: int) -> None:
    loud = tone(200, amplitude=32000).samples
    cut = wav.Sound(
        rate_hz=8000, samples=array.array("h", (max(-ceiling, min(ceiling, 2 * s)) for s in loud))
    )
    assert wav.flaw(cut) == "it is clipped in 400 places; record it anew at a lower level"


def test_a_knock_at_the_microphone_is_borne() -> None:
    sound = tone(440)
    sound.samples[100:110] = array.array("h", [32767] * 10)
    sound.samples[5000:5003] = array.array("h", [-32768] * 3)
    assert wav.flaw(sound) is None
    sound.samples[7000:7003] = array.array("h", [-32768] * 3)
    assert wav.flaw(sound) == "it is clipped in 3 places; record it anew at a lower level"


def test_halves_of_quiet_samples_are_not_taken_for_loud_ones() -> None:
    """A run of -129 has the bytes of a run of 32,767, one byte further on."""
    samples = array.array("h", [-129] * 100 + [128] * 100 + [4000] * 4000)
    assert wav.flaw(wav.Sound(rate_hz=8000, samples=samples)) is None


def test_a_whisper_is_told_of_and_one_loud_word_is_enough() -> None:
    quiet = tone(440, amplitude=200)
    assert wav.flaw(quiet) == "it is too quiet; record it anew at a higher level"
    quiet.samples[4001] = -400
    assert wav.flaw(quiet) is None


@given(samples=st.lists(st.integers(-32768, 32767), min_size=1, max_size=300))
def test_what_runs_along_a_ceiling_is_counted_as_a_plain_loop_counts_it(samples: list[int]) -> None:
    runs = [(level, len(list(group))) for level, group in itertools.groupby(samples)]
    ceilings = {32767, -32768, -32767, 32124, -32124, 32256, -32256}
    expected = sum(level in ceilings and length >= 3 for level, length in runs)
    assert wav._clips(array.array("h", samples).tobytes()) == expected
