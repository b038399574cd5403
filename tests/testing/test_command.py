"""``ivrengine test``: which calls it plays, what it prints, and how it exits."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.flow.folder import write
from tests.testing.hall import FLOWS, hall, run, script_of

GOOD = """
name: a caller who hangs up
dialogue:
  - hears: welcome
  - hears: menu
  - hangs_up
"""
BAD = """
name: a caller who hears what is not said
dialogue:
  - hears: welcome
  - hears: sorry
  - hangs_up
"""


def test_calls_that_pass_are_counted(tmp_path: Path) -> None:
    code, printed, told = run(hall(tmp_path, GOOD))
    assert (code, told) == (0, "")
    assert printed.startswith("1 of 1 call passed in ")


def test_a_failure_shows_both_sides_of_the_dialogue_and_where_it_parted(tmp_path: Path) -> None:
    code, printed, _ = run(hall(tmp_path, GOOD, BAD))
    assert code == 1
    lines = [" ".join(line.replace(f"{tmp_path}/", "").split()) for line in printed.splitlines()]
    assert lines[:8] == [
        "FAILED a caller who hears what is not said",
        "tests/main.yaml:11: expected the caller to hear sorry, but the caller hears menu: “Danışma için biri tuşlayın.”",
        "main.yaml:9: the call stood at the node ask of main",
        "expected happened",
        "hears welcome hears welcome: “Hoş geldiniz.”",
        "> hears sorry hears menu: “Danışma için biri tuşlayın.”",
        "hangs up",
        "",
    ]
    assert lines[-1].startswith("1 of 2 calls passed in ")
    assert lines[-1].endswith(", 1 failed")


def test_calls_are_chosen_by_words_of_their_names(tmp_path: Path) -> None:
    code, printed, _ = run(hall(tmp_path, GOOD, BAD), "-k", "Hangs")
    assert code == 0
    assert printed.startswith("1 of 1 call passed")


def test_a_single_file_of_scripts_is_played(tmp_path: Path) -> None:
    folder = hall(tmp_path, BAD)
    write(folder, {"tests/deeper/good.yaml": script_of(GOOD)})
    assert run(folder / "tests/deeper/good.yaml")[0] == 0
    assert run(folder)[0] == 1


def test_flows_does_for_no_folder_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hall(tmp_path / "flows", GOOD)
    monkeypatch.chdir(tmp_path)
    assert run()[0] == 0
    monkeypatch.chdir(tmp_path / "flows/tests")
    assert run("main.yaml")[0] == 0


def test_what_no_call_went_through_is_listed_at_its_line(tmp_path: Path) -> None:
    code, printed, told = run(hall(tmp_path, GOOD), "--coverage", "--fail-under", "95")
    assert code == 1
    lines = printed.replace(f"{tmp_path}/", "").splitlines()
    assert " ".join(lines[1].split()) == "main 2/7 1/12 8.3"
    assert "main.yaml:16: node english was not reached" in lines
    assert "main.yaml:13: node ask exit 1 was not taken" in lines
    assert "main.yaml:14: node ask exit no_input was not taken" in lines
    assert lines[-1].endswith("8.3 % of the exits taken")
    assert told == "ivrengine: 8.3 % of the exits were taken, fewer than 95 %\n"
    assert run(tmp_path, "--fail-under", "8")[0] == 0


def test_results_are_written_for_ci_systems(tmp_path: Path) -> None:
    folder = hall(tmp_path / "flows", GOOD, BAD)
    assert run(folder, "--junit", tmp_path / "results.xml")[0] == 1
    suites = ET.parse(tmp_path / "results.xml").getroot()  # noqa: S314 - written a moment ago
    assert suites.attrib == {"tests": "2", "failures": "1", "errors": "0"}
    (suite,) = suites
    passed, failed = suite
    assert passed.attrib["classname"] == "main"
    assert passed.attrib["name"] == "a caller who hangs up"
    assert not len(passed)
    assert failed[0].attrib["message"].startswith("expected the caller to hear sorry")
    assert "> " in (failed[0].text or "")


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (FLOWS, "there are no scripted calls in"),
        (FLOWS | {"main.yaml": "flow: main"}, "the flows have errors; no call was played"),
        (
            FLOWS | {"tests/x.yaml": "flow: main"},
            "these scripts are not understood; no call was played",
        ),
    ],
)
def test_what_cannot_be_played_is_said_so(
    tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    code, printed, told = run(write(tmp_path, files))
    assert (code, printed) == (2, "")
    assert sentence in told.splitlines()[-1]


def test_words_that_no_call_has_are_bad_usage(tmp_path: Path) -> None:
    assert run(hall(tmp_path, GOOD), "-k", "nothing like it")[0] == 2
    assert run(tmp_path / "floes")[0] == 2
