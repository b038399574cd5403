"""``ivrengine demo``: what is on the screen, and that it ends as it should."""

import dataclasses
import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from ivrengine.cli import demo, demo_screen
from ivrengine.cli.demo_picture import CallLine, EndedLine, PhoneLine, Picture
from ivrengine.core.call import Outcome, Phase
from ivrengine.settings.model import Settings

FLOWS = Path(__file__).parents[2] / "flows"
CALL = CallLine(
    call="69ebbe",
    caller="+90 553 *** ** 90",
    did="+902124440101",
    flow="guneskent-main",
    node="main-menu",
    phase=Phase.IN_FLOW,
    does="“Aidat bilgisi için biri tuşlayın.”",
    here_s=2.13,
    key="4",
)
ENDED = EndedLine(
    call="98ed5c", caller="withheld", flow="f", node="goodbye", outcome="hung_up", lasted_s=22.24
)
PICTURE = Picture(
    elapsed_s=95.0,
    calls=[CALL],
    arrived=17,
    outcomes=dict.fromkeys(Outcome, 0) | {"completed": 7, "hung_up": 3},
    rows=1234,
    store="shipping",
    phones=[PhoneLine(name="guneskent reception", state="talks", since_s=31.0, call="69ebbe")],
    ended=[ENDED],
    history=[0, 1, 2, 4],
)


def drawn(picture: Picture, width: int = 130, height: int = 40) -> list[str]:
    console = Console(width=width, height=height, record=True, file=io.StringIO())
    console.print(demo_screen.draw(picture, "ivrengine demo", width=width, height=height))
    return console.export_text().splitlines()


def test_the_screen_shows_where_each_call_is() -> None:
    line = next(line for line in drawn(PICTURE) if CALL.call in line and CALL.node in line)
    for shown in (CALL.caller, CALL.did, CALL.flow, CALL.does, "2.1 s", "4"):
        assert shown in line


def test_the_screen_shows_counters_phones_and_finished_calls() -> None:
    screen = "\n".join(drawn(PICTURE))
    for shown in (
        *("1 in progress", "17 arrived", "7 completed", "3 hung up", "1,234 rows", "01:35"),
        *("guneskent reception", "talks", "31 s", "98ed5c", "goodbye", "22.2 s"),
    ):
        assert shown in screen
    assert "lost" not in screen


@pytest.mark.parametrize(("width", "height"), [(80, 24), (100, 30), (200, 60), (40, 12)])
def test_the_screen_fits_any_terminal(width: int, height: int) -> None:
    many = dataclasses.replace(PICTURE, calls=[CALL] * 300, ended=[ENDED] * 40)
    lines = drawn(many, width, height)
    assert len(lines) <= height
    assert all(len(line) <= width for line in lines)


def test_calls_that_do_not_fit_are_counted() -> None:
    many = dataclasses.replace(PICTURE, calls=[CALL] * 30)
    shown = [line for line in drawn(many) if CALL.node in line]
    assert f"and {30 - len(shown)} more" in "\n".join(drawn(many))


def test_the_picture_of_the_screen_needs_nothing_from_elsewhere() -> None:
    svg = demo_screen.svg(PICTURE, "ivrengine demo")
    assert CALL.node in svg
    assert set(re.findall(r"https?://[^\"' )]+", svg)) == {"http://www.w3.org/2000/svg"}


def test_elsewhere_each_call_has_a_line_when_it_comes_and_when_it_ends() -> None:
    lines = demo_screen.Lines()
    first = lines.of(PICTURE)
    assert first[:2] == [
        "01:35 69ebbe arrived: +90 553 *** ** 90 calls +902124440101, flow guneskent-main",
        "01:35 98ed5c ended: hung_up at goodbye after 22.2 s",
    ]
    assert "17 arrived, 1 in progress, 7 completed, 3 hung_up, 1234 rows in PostgreSQL" in first[2]
    assert lines.of(PICTURE) == []


def a_demo(data: Path, *arguments: str) -> subprocess.Popen[str]:
    program = "from typer import Typer; from ivrengine.cli.demo import demo; a = Typer(); a.command()(demo); a()"
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", program, "--flows", str(FLOWS), "--data", str(data), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={key: value for key, value in os.environ.items() if not key.startswith("IVRENGINE_")},
    )


@pytest.mark.postgres
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_when_told_to_and_says_what_was_stored(
    tmp_path: Path, number: signal.Signals
) -> None:
    running = a_demo(tmp_path / "data", "--rate", "5")
    assert running.stdout is not None
    for line in running.stdout:  # the first calls are in the store: everything runs
        if "rows in PostgreSQL" in line and " 0 rows" not in line:
            break
    running.send_signal(number)
    told_s = time.monotonic()
    output, errors = running.communicate(timeout=20)
    assert time.monotonic() - told_s < 2
    assert running.returncode == 0, errors
    summary = output.splitlines()[-1]
    assert re.search(r"[1-9]\d* calls in \d+ s, [1-9]\d* rows stored in ", summary)
    assert "ivrengine calls list" in summary
    assert errors == ""


@pytest.mark.postgres
def test_a_folder_in_use_is_one_sentence(tmp_path: Path) -> None:
    first = a_demo(tmp_path / "data", "--rate", "5")
    assert first.stdout is not None
    first.stdout.readline()
    second = a_demo(tmp_path / "data")
    _, errors = second.communicate(timeout=20)
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=20)
    assert second.returncode == 1
    assert len(errors.splitlines()) == 1
    assert errors.startswith("ivrengine: ")


def test_flows_that_nobody_can_reach_are_one_sentence(tmp_path: Path) -> None:
    running = a_demo(tmp_path / "data", "--flows", str(tmp_path))
    _, errors = running.communicate(timeout=20)
    assert running.returncode == 1
    assert f"ivrengine: there is no flow in {tmp_path} that a number is routed to" in errors
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--data", "{}/file"], 1, "the data folder {}/file cannot be used: File exists"),
        (["--picture", "{}/no/p.svg"], 2, "there is no folder {}/no"),
        (["--flows", "{}/no"], 2, "there is no folder {}/no"),
    ],
)
def test_a_path_that_cannot_be_used_is_told_before_anything_runs(
    tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    (tmp_path / "file").touch()
    running = a_demo(tmp_path / "data", *(each.format(tmp_path) for each in arguments))
    _, errors = running.communicate(timeout=20)
    assert running.returncode == code
    assert errors == f"ivrengine: {sentence.format(tmp_path)}\n"
    assert not (tmp_path / "data").exists()


def test_it_says_how_to_look_at_its_calls_in_a_command_that_can_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [".venv/bin/ivrengine", "demo"])
    _, hint = demo.settings_of_demo(Settings(), None, tmp_path / "two words")
    assert hint == f".venv/bin/ivrengine calls list --data '{tmp_path}/two words'"
    _, hint = demo.settings_of_demo(Settings(), None, None)
    assert hint == ".venv/bin/ivrengine calls list"
