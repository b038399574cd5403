"""``ivrengine call``: what a person reads, presses, and is told when the command is wrong."""

import asyncio
import os
import wave
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ivrengine.cli import keypad, walk

ROUTING = """
brands:
  acme:
    name: Acme
    country: TR
    routes: [{did: "+902124440101", flow: main}]
    phones: {desk: {endpoint: PJSIP/desk}}
"""
PROMPTS = """
brand: acme
prompts:
  welcome: {tr: Hoş geldiniz., en: Welcome.}
  menu: {tr: Bire ya da ikiye basın., en: Press one or two.}
  flat: {tr: Daireniz?, en: Your flat?}
  sorry: {tr: Kimse yok., en: Nobody is there.}
  bye: {tr: Hoşça kalın., en: Goodbye.}
"""
FLOW = """
flow: main
brand: acme
languages: [tr, en]
variables: {flat: {type: string}}
start: welcome
nodes:
  welcome: {type: play, prompt: welcome, barge_in: no, next: menu}
  menu:
    type: menu
    prompt: menu
    attempts: 2
    choices: {1: flat, 2: desk}
    no_input: bye
    no_match: bye
  flat:
    type: collect
    prompt: flat
    barge_in: no
    into: flat
    max_digits: 4
    next: bye
    no_input: bye
    no_match: bye
  desk: {type: transfer, to: desk, busy: sorry, no_answer: sorry, failed: sorry}
  sorry: {type: play, prompt: sorry, next: bye}
  bye: {type: hangup, prompt: bye}
"""


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "routing.yaml").write_text(ROUTING, encoding="utf-8")
    (folder / "prompts.yaml").write_text(PROMPTS, encoding="utf-8")
    (folder / "main.yaml").write_text(FLOW, encoding="utf-8")
    return folder


def called(flows: Path, *arguments: str, keys: str = "") -> Result:
    command = typer.Typer()
    command.command()(walk.call)
    return CliRunner().invoke(command, [*arguments, "--flows", str(flows)], input=keys)


def heard(result: Result) -> list[str]:
    """Return the first words of the lines that were printed."""
    assert result.exit_code == 0, result.output
    return [line.split()[0] for line in result.output.splitlines() if line.strip()]


def test_a_person_walks_a_flow_to_its_end(flows: Path) -> None:
    result = called(flows, "main", keys="1\n42#\n")
    assert heard(result) == [
        *("calls", "welcome", "menu", "you", "flat", "you", "you", "you", "bye"),
        *("path", "outcome"),
    ]
    assert "welcome [next] → menu [1] → flat [next] → bye [end]" in result.output
    assert "completed" in result.output


def test_an_empty_line_lets_the_question_pass(flows: Path) -> None:
    result = called(flows, "main", keys="\n\n")
    assert "welcome [next] → menu [no_input] → bye [end]" in result.output
    assert heard(result).count("menu") == 2


def test_the_end_of_the_input_hangs_up(flows: Path) -> None:
    result = called(flows, "main")
    assert "menu [caller gone]" in result.output
    assert "hung up" in result.output


@pytest.mark.parametrize("wanted", ["+902124440101", "0212 444 01 01"])
def test_a_flow_is_found_by_a_number_that_leads_to_it(flows: Path, wanted: str) -> None:
    result = called(flows, wanted, "--language", "en")
    assert "+902124440101 from withheld" in result.output
    assert "Press one or two." in result.output


def test_a_flow_is_found_by_its_file_wherever_that_is(flows: Path) -> None:
    result = called(flows / "elsewhere", str(flows / "main.yaml"))
    assert "Hoş geldiniz." in result.output


def test_the_number_that_one_calls_from_is_only_shown_masked(flows: Path) -> None:
    result = called(flows, "main", "--from", "0532 123 45 67")
    assert "+90 532 *** ** 67" in result.output
    assert "1234567" not in result.output.replace(" ", "")


@pytest.mark.parametrize(
    ("answer", "path"),
    [("a\no\n", "desk [end]"), ("b\n", "desk [busy]"), ("n\n", "desk [no_answer]")],
)
def test_the_person_answers_for_the_phone_that_rings(flows: Path, answer: str, path: str) -> None:
    result = called(flows, "main", keys=f"2\n{answer}")
    assert "PJSIP/desk: a answers, b is busy, n does not answer" in result.output
    assert path.replace("end", "next") in result.output


@pytest.mark.parametrize(
    ("phones", "path"),
    [("answer", "talks"), ("busy", "desk [busy]"), ("no-answer", "desk [no_answer]")],
)
def test_an_option_answers_for_all_phones(flows: Path, phones: str, path: str) -> None:
    result = called(flows, "main", "--phones", phones, keys="2\n")
    assert path in result.output
    assert "a answers" not in result.output


def test_a_walk_leaves_nothing_behind(
    flows: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    called(flows, "main", keys="1\n1#\n")
    assert [path.name for path in tmp_path.iterdir()] == ["flows"]


def test_a_flow_that_does_not_exist_is_one_sentence(flows: Path) -> None:
    result = called(flows, "mian")
    assert result.exit_code == 2
    assert result.stderr == (
        f"ivrengine: there is no flow or number `mian` in {flows}; did you mean `main`?\n"
    )


def test_a_folder_that_does_not_exist_is_one_sentence(flows: Path) -> None:
    result = called(flows / "none", "main")
    assert result.exit_code == 2
    assert result.stderr == f"ivrengine: there is no folder {flows / 'none'}\n"


def test_a_flow_with_errors_is_refused_with_its_errors(flows: Path) -> None:
    broken = FLOW.replace("to: desk", "to: nobody")
    (flows / "main.yaml").write_text(broken, encoding="utf-8")
    for wanted in ("main", str(flows / "main.yaml")):
        result = called(flows, wanted)
        assert result.exit_code == 1
        assert "main.yaml:25:" in result.stderr
        assert "unknown-phone" in result.stderr


def test_a_number_or_language_that_is_none_is_one_sentence(flows: Path) -> None:
    number = called(flows, "main", "--from", "12")
    assert number.exit_code == 2
    assert number.stderr.startswith("ivrengine: --from: expected a phone number such as")
    language = called(flows, "main", "--language", "de")
    assert language.exit_code == 2
    assert language.stderr == "ivrengine: the flow main speaks tr, en, not de\n"


OFFICE = """
flow: office
brand: acme
languages: [en]
variables: {debt: {type: int, default: 7}, known: {type: bool, default: no}}
start: open
nodes:
  open: {type: hours, schedule: office, open: owes, closed: bye}
  owes: {type: switch, cases: [{when: known && debt > 100, to: flat}], otherwise: bye}
  flat: {type: play, prompt: flat, next: bye}
  bye: {type: hangup, prompt: bye}
"""
SCHEDULES = """
brand: acme
schedules: {office: {timezone: Europe/Istanbul, open: {mon-fri: "09:00-18:00"}}}
"""


@pytest.fixture
def office(flows: Path) -> Path:
    (flows / "office.yaml").write_text(OFFICE, encoding="utf-8")
    (flows / "schedules.yaml").write_text(SCHEDULES, encoding="utf-8")
    return flows


@pytest.mark.parametrize(
    ("at", "path", "shown"),
    [
        ("2026-11-23 09:00", "open [open]", "Monday 2026-11-23 09:00 Europe/Istanbul"),
        ("2026-11-23 8:59", "open [closed]", "Monday 2026-11-23 08:59 Europe/Istanbul"),
        ("2026-11-22 10:30", "open [closed]", "Sunday 2026-11-22 10:30 Europe/Istanbul"),
        ("2026-11-23 06:30 UTC", "open [open]", "Monday 2026-11-23 06:30 UTC"),
    ],
)
def test_a_walk_can_be_at_any_time(office: Path, at: str, path: str, shown: str) -> None:
    result = called(office, "office", "--at", at)
    assert path in result.output
    assert f"from withheld, {shown}; h hangs up" in result.output


def test_variables_can_begin_with_other_values(office: Path) -> None:
    at = ("--at", "2026-11-23 10:30")
    poor = called(office, "office", *at, "--set", "debt=100", "--set", "known=yes")
    assert "owes [otherwise] → bye" in poor.output
    rich = called(office, "office", *at, "--set", "debt=101", "--set", "known=yes")
    assert "owes [case 1] → flat" in rich.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ("office", "--at", "tomorrow"),
            "--at: expected a date and a time such as 2026-11-23 10:30, found `tomorrow`",
        ),
        (
            ("office", "--at", "0001-01-01 00:00"),
            "--at: expected a date and a time such as 2026-11-23 10:30, found `0001-01-01 00:00`",
        ),
        (
            ("main", "--at", "2026-11-23 10:30"),
            "--at: expected a date, a time and a time zone such as 2026-11-23 10:30 Europe/Istanbul, "
            "found `2026-11-23 10:30`",
        ),
        (
            ("office", "--set", "debt"),
            "--set: expected a variable and its value such as flat=112, found `debt`",
        ),
        (
            ("office", "--set", "det=1"),
            "--set: the flow office has no variable `det`; did you mean `debt`?",
        ),
        (
            ("office", "--set", "debt=much"),
            "--set: expected a whole number for `debt`, found `much`",
        ),
        (("office", "--set", "known="), "--set: expected yes or no for `known`, found ``"),
    ],
)
def test_a_time_or_a_value_that_is_none_is_one_sentence(
    office: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    result = called(office, *arguments)
    assert result.exit_code == 2
    assert result.stderr == f"ivrengine: {complaint}\n"


def test_a_recording_without_a_text_is_said_to_be_one(flows: Path) -> None:
    without = PROMPTS.replace("  welcome: {tr: Hoş geldiniz., en: Welcome.}\n", "")
    (flows / "prompts.yaml").write_text(without, encoding="utf-8")
    for language in ("tr", "en"):
        recording = flows / "recordings" / "acme" / language / "welcome.wav"
        recording.parent.mkdir(parents=True)
        with wave.open(str(recording), "wb") as sound:
            sound.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
            sound.writeframes(bytes(2 * 8000 * 3))
    result = called(flows, "main", keys="1\n1#\n")
    assert "(a recording whose text nobody wrote down)" in result.output
    assert "completed, after 5." in result.output


@pytest.mark.real_time
async def test_at_a_terminal_each_key_counts_when_it_is_pressed() -> None:
    reading, writing = os.pipe()
    typed: asyncio.Queue[str] = asyncio.Queue()
    keys = keypad.Keys(reading)
    keys.attach(typed.put_nowait)
    os.write(writing, b"4#")
    assert [await typed.get(), await typed.get()] == ["4", "#"]
    os.write(writing, b"\x04")
    assert await typed.get() == keypad.HANG_UP
    os.close(writing)
    assert await typed.get() == keypad.HANG_UP
    keys.detach()
    os.close(reading)
