"""``ivrengine check``: what it prints, and how it exits."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ivrengine.cli.check import check
from tests.flow.folder import MAIN, SOUND, write

app = typer.Typer()
app.command()(check)


def run(*args: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr


def test_a_sound_folder_is_said_to_be_so(tmp_path: Path) -> None:
    assert run(write(tmp_path, SOUND)) == (0, "1 flow can run, no problems\n", "")


def test_the_folder_flows_is_checked_if_none_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "flows", SOUND)
    monkeypatch.chdir(tmp_path)
    assert run() == (0, "1 flow can run, no problems\n", "")


def test_warnings_are_printed_and_are_no_failure(tmp_path: Path) -> None:
    files = SOUND | {"second.yaml": MAIN.replace("flow: main", "flow: second")}
    code, printed, told = run(write(tmp_path, files))
    assert code == 0
    assert told == "ivrengine check --explain CODE says more of a code, with an example\n"
    assert printed == (
        f"{tmp_path}/second.yaml:2:7: warning flow-unrouted: no number is routed to the flow `second`, and no flow calls it\n"
        "2 flows can run, 1 warning\n"
    )


def test_every_error_is_printed_and_is_a_failure(tmp_path: Path) -> None:
    broken = MAIN.replace("hangup", "hangp").replace("welcome", "welcom")
    code, printed, _ = run(write(tmp_path, SOUND | {"main.yaml": broken}))
    assert code == 1
    assert [line.split(": ")[1] for line in printed.splitlines()[:-1]] == [
        "error unknown-prompt",
        "error node-type",
    ]
    assert printed.splitlines()[-1] == "0 flows can run, 2 errors"


def test_a_single_file_is_checked_among_its_folders_others(tmp_path: Path) -> None:
    files = SOUND | {
        "lines/second.yaml": MAIN.replace("flow: main", "flow: second"),
        "third.yaml": "- x",
    }
    write(tmp_path, files)
    code, printed, _ = run(tmp_path / "lines/second.yaml")
    assert code == 0
    assert printed.splitlines()[0].startswith(f"{tmp_path}/lines/second.yaml:2:7: warning")
    assert "third" not in printed
    code, printed, _ = run(tmp_path / "third.yaml", tmp_path / "main.yaml")
    assert code == 1
    assert printed.splitlines()[0].startswith(f"{tmp_path}/third.yaml:1:1: error")


def test_a_folder_that_is_not_there_is_bad_usage(tmp_path: Path) -> None:
    write(tmp_path / "flows", SOUND)
    code, printed, said = run(tmp_path / "flow")
    assert code == 2
    assert printed == ""
    assert said == (
        f"ivrengine: there is no file or folder {tmp_path}/flow; did you mean `flows`?\n"
    )


def test_a_file_that_is_no_yaml_is_bad_usage(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    code, _, said = run(tmp_path / "README.md")
    assert code == 2
    assert said == f"ivrengine: expected a folder or a YAML file, found {tmp_path}/README.md\n"


def test_json_has_every_problem_and_a_summary(tmp_path: Path) -> None:
    broken = MAIN.replace("{type: hangup}", "{type: hangp}")
    code, printed, _ = run("--json", write(tmp_path, SOUND | {"main.yaml": broken}))
    told = json.loads(printed)
    assert code == 1
    [problem] = told["problems"]
    assert problem.pop("sentence").startswith("unknown node type `hangp`")
    assert problem == {
        "file": f"{tmp_path}/main.yaml",
        "line": 8,
        "column": 15,
        "severity": "error",
        "code": "node-type",
    }
    assert told["summary"] == {"flows": 0, "errors": 1, "warnings": 0}


def test_json_of_a_sound_folder_has_no_problems(tmp_path: Path) -> None:
    code, printed, _ = run("--json", write(tmp_path, SOUND))
    assert code == 0
    assert json.loads(printed) == {
        "problems": [],
        "summary": {"flows": 1, "errors": 0, "warnings": 0},
    }


def test_a_code_is_explained() -> None:
    code, printed, complaint = run("--explain", "unknown-key")
    assert (code, complaint) == (0, "")
    assert printed.startswith("unknown-key (error)\n")


def test_an_unknown_code_is_bad_usage() -> None:
    code, printed, complaint = run("--explain", "unknown-kee")
    assert (code, printed) == (2, "")
    assert complaint == "ivrengine: there is no code `unknown-kee`; did you mean `unknown-key`?\n"
