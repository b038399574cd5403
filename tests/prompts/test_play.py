"""``ivrengine prompts play``: one prompt, on a speaker or into a file."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ivrengine.cli.prompts import prompts
from ivrengine.flow.source import wav
from tests.prompts.sounds import tone, write

pytestmark = [
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
    pytest.mark.timeout(30),  # starts some processes for each command
]
PROMPTS = """\
brand: {brand}
prompts:
  welcome: {{tr: "Hoş geldiniz.", en: "Welcome."}}
  dues-are:
    parameters: {{due: money TRY, by: date}}
    tr: "Borcunuz {{due}}, son gün {{by}}."
    en: "You owe {{due}}, by {{by}}."
"""


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with flows, and a player that leaves word of what it played."""
    flows = tmp_path / "flows"
    flows.mkdir()
    (flows / "routing.yaml").write_text(
        "brands:\n  estate: {name: Estate, country: TR}\n", encoding="utf-8"
    )
    (flows / "prompts.yaml").write_text(PROMPTS.format(brand="estate"), encoding="utf-8")
    player = tmp_path / "bin" / "aplay"
    player.parent.mkdir()
    player.write_text(f'#!/bin/sh\ncp "$2" {tmp_path}/played.wav\n', encoding="utf-8")
    player.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{player.parent}:/usr/bin:/bin")
    return tmp_path


def play(*arguments: str) -> Result:
    return CliRunner().invoke(prompts, ["play", *arguments])


def test_a_prompt_is_made_and_played_in_its_first_language(house: Path) -> None:
    played = play("welcome")
    assert played.exit_code == 0, played.output
    assert 0.5 < wav.read(house / "played.wav").duration_s < 3
    assert [path.parts[-2] for path in (house / "data/sounds").glob("*/*/*.wav")] == ["tr"]


def test_a_prompt_is_written_to_a_file_as_telephones_hear_it(house: Path) -> None:
    assert play("welcome", "--language", "en", "--to", "a.wav").exit_code == 0
    assert wav.read(house / "a.wav").rate_hz == 8000
    assert not (house / "played.wav").exists()
    refused = play("welcome", "--to", "no/such/a.wav")
    assert refused.exit_code == 1
    assert (
        refused.stderr == "ivrengine: no/such/a.wav cannot be written: No such file or directory\n"
    )


def test_a_prompt_with_parameters_is_played_with_values(house: Path) -> None:
    values = ("--with", "due=125050", "--with", "by=2026-11-30")
    assert play("dues-are", *values).exit_code == 0
    short = wav.read(house / "played.wav").duration_s
    assert play("dues-are", "--with", "due=99999999", *values[2:]).exit_code == 0
    assert wav.read(house / "played.wav").duration_s > short > 2


def test_a_recording_is_played_though_nobody_wrote_its_text(house: Path) -> None:
    write(house / "flows/recordings/estate/tr/jingle.wav", tone(440).samples.tobytes())
    assert play("jingle").exit_code == 0
    assert wav.read(house / "played.wav").duration_s == 1.0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("wellcome",), "there is no prompt wellcome; did you mean `welcome`?"),
        (("welcome", "--brand", "x"), "there is no prompt welcome of the brand x"),
        (("welcome", "--language", "de"), "the prompt welcome is there in tr, en, not in de"),
        (("welcome", "--with", "a=1"), "the prompt welcome has no parameters"),
        (("dues-are", "--with", "due=5"), "the prompt dues-are needs --with by=…"),
        (
            ("dues-are", "--with", "duo=5"),
            "expected --with NAME=VALUE with a parameter of dues-are (due, by), found duo=5; did you mean `due`?",
        ),
    ],
)
def test_what_cannot_be_meant_is_bad_usage(arguments: tuple[str, ...], sentence: str) -> None:
    refused = play(*arguments)
    assert refused.exit_code == 2
    assert refused.stderr == f"ivrengine: {sentence}\n"


def test_a_value_that_cannot_be_said_is_bad_usage() -> None:
    refused = play("dues-are", "--with", "due=lots", "--with", "by=2026-02-30")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("ivrengine: a value of the prompt dues-are cannot be said: ")


def test_a_name_that_two_brands_have_is_not_guessed(house: Path) -> None:
    (house / "flows/prompts").mkdir()
    (house / "flows/prompts/b.yaml").write_text(PROMPTS.format(brand="hotel"), encoding="utf-8")
    routing = house / "flows/routing.yaml"
    hotel = "  hotel: {name: Hotel, country: TR}\n"
    routing.write_text(routing.read_text(encoding="utf-8") + hotel, encoding="utf-8")
    refused = play("welcome")
    assert refused.exit_code == 2
    assert (
        refused.stderr
        == "ivrengine: the brands estate, hotel have a prompt welcome: choose one with --brand\n"
    )
    assert play("welcome", "--brand", "hotel").exit_code == 0


def test_without_a_player_the_command_says_what_to_do(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert play("welcome", "--to", "a.wav").exit_code == 0
    monkeypatch.setenv("PATH", str(house))
    refused = play("welcome")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("ivrengine: ")


def test_a_player_that_fails_is_one_sentence(house: Path) -> None:
    (house / "bin/aplay").write_text("#!/bin/sh\necho no sound card >&2\nexit 1\n")
    refused = play("welcome")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "ivrengine: aplay could not play it: no sound card; --to FILE.wav writes it to a file\n"
    )
