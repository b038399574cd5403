import array
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ivrengine.cli.prompts import prompts
from tests.prompts.sounds import tone, write

pytestmark = [
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed"),
    pytest.mark.timeout(30),  # starts some processes for each command
]
ROUTING = "brands:\n  guneskent: {name: Güneşkent, country: TR}\n"
PROMPTS = """\
brand: guneskent
prompts:
  welcome: {tr: "Hoş geldiniz.", en: "Welcome."}
  menu: {tr: "Bire basın."}
"""


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with flows, as an operator has it."""
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "routing.yaml").write_text(ROUTING, encoding="utf-8")
    (tmp_path / "flows" / "prompts.yaml").write_text(PROMPTS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def ivrengine_prompts(*arguments: str) -> Result:
    return CliRunner().invoke(prompts, arguments)


def rows(listed: Result) -> list[list[str]]:
    return [line.split(maxsplit=5) for line in listed.stdout.splitlines()[1:]]


def test_build_makes_every_prompt_into_the_data_folder(house: Path) -> None:
    built = ivrengine_prompts("build")
    assert built.exit_code == 0, built.output
    assert built.stdout.startswith("3 prompts: 3 ready, ")
    assert built.stdout.endswith(" s of sound; 0 missing\n")
    assert len(list((house / "data" / "sounds" / "guneskent").glob("*/*.wav"))) == 3
    again = ivrengine_prompts("build", "--sounds", "data/sounds")
    assert again.stdout == built.stdout


def test_list_shows_what_is_there_and_what_is_not_made_yet(house: Path) -> None:
    listed = ivrengine_prompts("list")
    assert listed.exit_code == 0
    assert listed.stdout.split()[:6] == [
        "brand",
        "prompt",
        "language",
        "source",
        "seconds",
        "problem",
    ]
    assert rows(listed)[0] == ["guneskent", "menu", "tr", "synthesised", "-", "not made yet"]
    assert not (house / "data").exists()
    ivrengine_prompts("build")
    write(house / "flows/recordings/guneskent/en/welcome.wav", tone(440).samples.tobytes())
    listed = ivrengine_prompts("list")
    assert listed.exit_code == 0
    menu, english, turkish = rows(listed)
    assert 0.5 < float(menu[4]) < 3
    assert english == ["guneskent", "welcome", "en", "recorded", "-", "not made yet"]
    assert turkish[3] == "synthesised"


def test_a_bad_recording_is_an_error_before_and_after_building(house: Path) -> None:
    write(house / "flows/recordings/guneskent/tr/menu.wav", b"\1\0\1\0" * 999, channels=2)
    sentence = (
        "the recording flows/recordings/guneskent/tr/menu.wav cannot be used: "
        "expected one channel (mono), found stereo; its text is spoken"
    )
    listed = ivrengine_prompts("list")
    assert listed.exit_code == 1
    assert rows(listed)[0][5] == sentence
    built = ivrengine_prompts("build")
    assert built.exit_code == 1
    assert built.stderr == f"guneskent/tr/menu: {sentence}\n"
    assert built.stdout.startswith("3 prompts: 3 ready, ")


def test_a_recording_that_is_clipped_is_told_of_and_used(house: Path) -> None:
    loud = tone(440, amplitude=32767).samples
    loud[:] = array.array("h", (32767 if sample > 0 else -32768 for sample in loud))
    write(house / "flows/recordings/guneskent/tr/menu.wav", loud.tobytes())
    built = ivrengine_prompts("build")
    assert built.exit_code == 0
    assert built.stderr.startswith(
        "guneskent/tr/menu: the recording flows/recordings/guneskent/tr/menu.wav sounds bad: "
        "it is clipped in "
    )
    assert rows(ivrengine_prompts("list"))[0][3] == "recorded"


def test_a_recording_that_should_be_there_and_is_not_is_an_error(house: Path) -> None:
    (house / "flows" / "prompts.yaml").write_text(
        PROMPTS.replace('menu: {tr: "Bire basın."', 'menu: {tr: "Bire basın.", recorded: [tr]'),
        encoding="utf-8",
    )
    write(house / "flows/recordings/guneskent/menu.mp3", b"")
    for command in ("build", "list"):
        done = ivrengine_prompts(command)
        assert done.exit_code == 1
        assert done.stderr.splitlines() == [
            "flows/prompts.yaml:4:40: error recording-missing: prompt `menu` is to be recorded in `tr`, "
            "but there is no file `flows/recordings/guneskent/tr/menu.wav`",
            "flows/recordings/guneskent/menu.mp3:1:1: warning recording-misplaced: "
            "expected a recording as a WAV file, `menu.wav`, found `menu.mp3`",
        ]


def test_a_language_without_a_voice_is_told_and_the_rest_made(house: Path) -> None:
    (house / "flows" / "prompts.yaml").write_text(
        PROMPTS.replace('tr: "Bire', 'xx: "Bire'), encoding="utf-8"
    )
    built = ivrengine_prompts("build")
    assert built.exit_code == 1
    assert built.stderr == "guneskent/xx/menu: espeak-ng has no voice for the language xx\n"
    assert built.stdout.startswith("3 prompts: 2 ready, ")
    assert built.stdout.endswith("; 1 missing\n")


def test_without_espeak_the_command_says_how_to_get_it(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(house))
    built = ivrengine_prompts("build")
    assert built.exit_code == 1
    assert "guneskent/tr/menu: espeak-ng is not installed (Debian: apt-get install" in built.stderr
    assert built.stdout == "3 prompts: 0 ready, 0 s of sound; 3 missing\n"


def test_a_file_of_prompts_that_cannot_be_read_is_not_passed_over(house: Path) -> None:
    (house / "flows" / "prompts.yaml").write_text("brand: [\n", encoding="utf-8")
    built = ivrengine_prompts("build")
    assert built.exit_code == 1
    assert "flows/prompts.yaml:" in built.stderr
    assert built.stdout == "0 prompts: 0 ready, 0 s of sound; 0 missing\n"


def test_a_missing_folder_is_bad_usage() -> None:
    built = ivrengine_prompts("build", "--flows", "nowhere")
    assert built.exit_code == 2
    assert built.stderr == "ivrengine: there is no folder nowhere\n"
