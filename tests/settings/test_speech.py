"""Which synthesiser the settings may choose."""

from pathlib import Path

import pytest

from ivrengine.settings import load
from ivrengine.settings.model import Settings


def loaded(folder: Path, text: str) -> Settings:
    path = folder / "ivrengine.toml"
    path.write_text(text, encoding="utf-8")
    return load.load(path)


def test_espeak_speaks_unless_something_else_is_set(tmp_path: Path) -> None:
    speech = loaded(tmp_path, "").speech
    assert (speech.command, speech.voices, speech.limit_s) == (None, {}, 20.0)


def test_a_command_with_voices(tmp_path: Path) -> None:
    speech = loaded(
        tmp_path,
        '[speech]\ncommand = ["piper", "-m", "{voice}", "-f", "{file}"]\nlimit_s = 60\n'
        'voices = {tr = "tr_TR-dfki", en = "en_GB-alba"}\n',
    ).speech
    assert speech.command == ("piper", "-m", "{voice}", "-f", "{file}")
    assert speech.voices["tr"] == "tr_TR-dfki"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("command = []", "expected a program and its words"),
        ('command = ["say", "{text}"]', "expected the file that it writes among its words"),
        ('command = ["say", "{file}", "{langauge}"]', "found `{langauge}`"),
        (
            'command = ["say", "{file}"]\nvoices = {tr = "a"}',
            "expected `{voice}` in the command, for which there are voices",
        ),
        ('voices = {turkish = "a"}', "expected a language by its two small letters"),
        ('voices = {tr = "-w"}', "expected the name of a voice"),
        ("limit_s = 0", "speech.limit_s"),
    ],
)
def test_what_could_not_speak_is_one_sentence(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(load.SettingsError) as caught:
        loaded(tmp_path, f"[speech]\n{line}\n")
    (problem,) = caught.value.problems
    assert sentence in problem
