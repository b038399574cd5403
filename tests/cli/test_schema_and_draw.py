"""``ivrengine schema`` and ``ivrengine draw``: what they print, and how they exit."""

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from ivrengine.cli.draw import draw
from ivrengine.cli.schema import schema
from tests.flow.folder import MAIN, SOUND, write


def run(command: object, *args: str | Path) -> tuple[int, str, str]:
    app = typer.Typer()
    app.command()(command)  # type: ignore[type-var]
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr


def test_the_schema_of_flows_is_printed_if_no_other_is_named() -> None:
    code, printed, _ = run(schema)
    assert code == 0
    assert json.loads(printed)["properties"].keys() >= {"flow", "nodes"}
    assert "routes" in run(schema, "routing")[1]


def test_an_unknown_kind_of_file_is_bad_usage() -> None:
    code, printed, complaint = run(schema, "routin")
    assert (code, printed) == (2, "")
    assert complaint.endswith("found `routin`; did you mean `routing`?\n")


def test_a_flow_is_drawn(tmp_path: Path) -> None:
    code, printed, _ = run(draw, write(tmp_path, SOUND) / "main.yaml")
    assert code == 0
    assert printed.startswith('flowchart TD\n  begin(("main")) --> n0\n')


def test_what_is_no_flow_is_not_drawn(tmp_path: Path) -> None:
    write(tmp_path, {"main.yaml": MAIN.replace("hangup", "hangp")})
    code, printed, complaint = run(draw, tmp_path / "main.yaml")
    assert (code, printed) == (1, "")
    assert "error node-type" in complaint
    code, printed, complaint = run(draw, tmp_path / "other.yaml")
    assert (code, printed) == (2, "")
    assert complaint == f"ivrengine: there is no file {tmp_path}/other.yaml\n"
