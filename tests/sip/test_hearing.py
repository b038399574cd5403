"""Prompts are recognised through codec, loss and noise, and never taken for one another."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.sip import g711, hearing
from tests.sip.g711 import RATE, Samples

SENTENCES = {
    "welcome": "Güneşkent sitesine hoş geldiniz. Lütfen dinleyin.",
    "menu": "Aidat için bire, arıza için ikiye basın.",
    "sorry": "Şu anda sistemimizde bir aksaklık var, özür dileriz.",
    "bye": "Aradığınız için teşekkür ederiz, iyi günler.",
    "near": "Aidat için bire, arıza için üçe basın.",
}


@cache
def _spoken() -> dict[str, Samples]:
    return {name: _speak(text) for name, text in SENTENCES.items()}


def _speak(text: str) -> Samples:
    if shutil.which("espeak-ng") is None:
        pytest.skip("there is no espeak-ng here")
    command = ["espeak-ng", "-v", "tr", "-w", "/dev/stdout", text]
    wav = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 (fixed words)
    samples: Samples = np.frombuffer(wav[44:], dtype="<i2").astype(np.int16)
    return hearing.resampled(samples, 22050)


def _silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.int16)


def _through(codec: int, sound: Samples) -> Samples:
    return g711.decode(codec, g711.encode(codec, sound))


@pytest.mark.parametrize("codec", [g711.PCMU, g711.PCMA])
@pytest.mark.parametrize("name", SENTENCES)
def test_a_prompt_is_recognised_where_it_was_played(name: str, codec: int) -> None:
    prompt = _spoken()[name]
    sound = _through(codec, np.concatenate([_silence(1.25), prompt // 2, _silence(0.5)]))
    match = hearing.match(prompt, sound)
    assert match.score > 0.95
    assert match.heard == 1.0
    assert match.whole
    assert match.offset_s == pytest.approx(1.25, abs=0.01)


def test_no_prompt_is_taken_for_another() -> None:
    spoken = _spoken()
    for name, prompt in spoken.items():
        for other, sound in spoken.items():
            if name == other or {name, other} == {"menu", "near"}:
                continue
            padded = np.concatenate([_silence(0.3), sound, _silence(0.3)])
            assert hearing.match(prompt, padded).score < 0.3, (name, other)


def test_a_sentence_that_differs_in_one_word_is_heard_in_part_only() -> None:
    match = hearing.match(_spoken()["menu"], _spoken()["near"])
    assert not match.recognised
    assert 0.3 < match.heard < 1.0


def test_a_prompt_is_found_behind_others_in_one_sound() -> None:
    spoken = _spoken()
    sound = np.concatenate([spoken["welcome"], _silence(0.2), spoken["menu"], spoken["bye"]])
    match = hearing.match(spoken["menu"], sound)
    assert match.score > 0.95
    assert match.offset_s == pytest.approx(len(spoken["welcome"]) / RATE + 0.2, abs=0.01)


def test_lost_packets_jitter_and_noise_do_not_hide_a_prompt() -> None:
    chance = np.random.default_rng(7)
    prompt = _spoken()["welcome"]
    frames = [prompt[at : at + 160] for at in range(0, len(prompt), 160)]
    heard = [frame * (chance.random() > 0.05) for frame in frames]
    heard.insert(len(heard) // 2, _silence(0.02))  # one packet too many in the middle
    sound = np.concatenate([_silence(0.4), *heard])
    sound = (sound + chance.normal(0, 60, len(sound))).astype(np.int16)
    assert hearing.match(prompt, sound).recognised


def test_a_switch_that_stood_still_for_a_moment_does_not_hide_a_prompt() -> None:
    prompt = _spoken()["welcome"]
    third = len(prompt) // 3
    stalled = np.concatenate(
        [
            prompt[:third],
            _silence(0.3),
            prompt[third : 2 * third],
            _silence(0.2),
            prompt[2 * third :],
        ]
    )
    match = hearing.match(prompt, np.concatenate([_silence(1), stalled]))
    assert match.heard >= 0.7
    assert match.offset_s == pytest.approx(1, abs=0.02)


def test_a_prompt_cut_short_is_heard_in_part() -> None:
    prompt = _spoken()["welcome"]
    match = hearing.match(prompt, np.concatenate([_silence(0.5), prompt[: len(prompt) // 2]]))
    assert not match.recognised
    assert not match.ended
    assert 0.3 < match.heard < 0.7


def test_a_prompt_whose_beginning_was_missed_is_heard_in_part() -> None:
    prompt = _spoken()["welcome"]
    match = hearing.match(prompt, np.concatenate([prompt[len(prompt) // 2 :], _silence(2)]))
    assert 0.3 < match.heard < 0.7
    assert match.offset_s < 0


@pytest.mark.parametrize("seconds", [0, 0.1, 5])
def test_silence_holds_no_prompt_and_no_tone(seconds: float) -> None:
    match = hearing.match(_spoken()["bye"], _silence(seconds))
    assert match.score < 0.1
    assert hearing.is_silent(_silence(seconds))
    assert not hearing.holds_tone(_silence(seconds), 440)


def test_the_longest_silence_is_found_between_two_sentences() -> None:
    prompt = _spoken()["bye"]
    sound = np.concatenate([prompt, _silence(2), prompt])
    assert hearing.longest_silence_s(prompt) < 0.5
    assert hearing.longest_silence_s(sound) == pytest.approx(2, abs=0.6)


def test_speech_is_neither_a_tone_nor_silence() -> None:
    assert not hearing.holds_tone(_spoken()["menu"], 440)
    assert not hearing.is_silent(_spoken()["menu"])


def test_a_wav_of_another_rate_is_read_at_8_khz(tmp_path: Path) -> None:
    if shutil.which("espeak-ng") is None:
        pytest.skip("there is no espeak-ng here")
    path = tmp_path / "said.wav"
    command = ["espeak-ng", "-v", "tr", "-w", str(path), SENTENCES["bye"]]
    subprocess.run(command, check=True)  # noqa: S603 (fixed words)
    assert hearing.match(_spoken()["bye"], hearing.read_wav(path)).score > 0.99


def test_g711_comes_back_within_its_own_precision() -> None:
    ramp = np.arange(-32000, 32000, 7).astype(np.int16)
    for codec in (g711.PCMU, g711.PCMA):
        error = np.abs(_through(codec, ramp).astype(int) - ramp.astype(int))
        assert (error <= np.maximum(16, np.abs(ramp.astype(int)) / 20)).all()


@pytest.mark.parametrize(
    ("codec", "code", "value"),
    [
        (g711.PCMU, 0xFF, 0),
        (g711.PCMU, 0x80, 32124),
        (g711.PCMU, 0x00, -32124),
        (g711.PCMA, 0xD5, 8),
        (g711.PCMA, 0xAA, 32256),
        (g711.PCMA, 0x2A, -32256),
    ],
)
def test_g711_decodes_the_standard_s_own_values(codec: int, code: int, value: int) -> None:
    assert g711.decode(codec, bytes([code]))[0] == value
