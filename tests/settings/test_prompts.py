"""Prompts that an Asterisk fetches over HTTP, as the settings have them."""

from pathlib import Path

import pytest

from ivrengine.settings import load
from ivrengine.settings.model import Settings

NODE = "[[asterisk]]\nname = 'a'\nurl = 'http://h'\npassword = 'p'\n"
PROMPTS = "[prompts]\nlisten = '10.0.0.5:9465'\n"


def loaded(folder: Path, text: str) -> Settings:
    path = folder / "ivrengine.toml"
    path.write_text(text, encoding="utf-8")
    return load.load(path)


def test_an_asterisk_with_an_address_fetches_one_form_of_each_prompt(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        f"{NODE}sounds_url = 'http://10.0.0.5:9465/'\nsounds_form = 'alaw'\n{PROMPTS}"
        "allow = ['10.0.0.7', '10.1.0.0/16', 'fd00::/8']\n",
    )
    (node,) = found.asterisk
    assert found.sounds_path(node) == "http://10.0.0.5:9465"
    assert found.sounds_suffix(node) == ".alaw"
    assert found.sounds_dir(node) == found.sounds_dir() == Path("data/sounds")
    assert len(list(found.prompts.networks())) == 3


def test_an_asterisk_with_a_folder_chooses_among_the_forms(tmp_path: Path) -> None:
    found = loaded(tmp_path, f"{NODE}sounds_dir = '/shared'\n")
    (node,) = found.asterisk
    assert (found.sounds_path(node), found.sounds_suffix(node)) == ("/shared", "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{NODE}sounds_url = 'http://h:1'", "expected `prompts.listen` beside it"),
        (f"{NODE}sounds_url = 'ftp://h:1'\n{PROMPTS}", "expected the address of `prompts.listen`"),
        (f"{NODE}sounds_url = 'http://u:p@h'\n{PROMPTS}", "expected the address of"),
        (f"{NODE}sounds_url = 'http://h/a,b'\n{PROMPTS}", "expected the address of"),
        (
            f"{NODE}sounds_url = 'http://h'\nsounds_dir = '/x'\n{PROMPTS}",
            "expected either `sounds_url` or `sounds_dir`",
        ),
        (f"{NODE}sounds_form = 'mp3'", "asterisk[0].sounds_form"),
        ("[prompts]\nlisten = 'here'", "expected an address and a port to listen on"),
        ("[prompts]\nallow = ['everybody']", "expected an address or a network"),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(load.SettingsError) as caught:
        loaded(tmp_path, text)
    assert any(sentence in problem for problem in caught.value.problems), caught.value.problems
