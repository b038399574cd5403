"""What the pages show is tried as it is printed: flows and scripts of the README, docs/testing-flows.md and the reference."""

import re
import shlex
import shutil
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from ivrengine.cli import check, test, walk
from ivrengine.flow.load import load_folder
from ivrengine.testing.coverage import coverage_of
from ivrengine.testing.playing import Played, ground_of, play_all
from ivrengine.testing.reading import read_scripts, script_files
from ivrengine.testing.world import CallerOnTheLine, PhoneAtHand
from tests.testing.hall import run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs/flow-language"
TESTING_FLOWS = (ROOT / "docs/testing-flows.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"```yaml\n(.*?)```", TESTING_FLOWS, re.DOTALL)

_app = typer.Typer()
for _command in (check.check, test.test, walk.call):
    _app.command()(_command)

MONEY = """
flow: {name}
brand: makara
languages: [tr]
variables: {{owes: {{type: double, default: 1.0}}}}
start: dues
nodes:
  dues: {{type: say, say: [{{money: {expression}, currency: TRY}}], next: end}}
  end: {{type: hangup}}
"""


@pytest.fixture
def flows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder `flows` of the working directory: the example flows, without their own scripts."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "flows", "flows", ignore=shutil.ignore_patterns("tests"))
    Path("flows/tests").mkdir()
    return Path("flows")


def ivrengine(*arguments: str) -> str:
    """Return what a command prints that must end well."""
    result = CliRunner().invoke(_app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


def printed_files(page: str, folder: str) -> list[str]:
    """Write the files that a page prints, each after a line with its name, and return their names."""
    found = re.findall(rf"`({folder}/[^`]+)`[^\n]*\n\n```yaml\n(.*?)```", page, re.DOTALL)
    for name, content in found:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content, encoding="utf-8")
    return [name for name, _ in found]


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_of_the_page_passes(flows: Path, script: str) -> None:
    (flows / "tests/first.yaml").write_text(script, encoding="utf-8")
    code, printed, told = run(flows)
    assert code == 0, printed + told
    calls = script.count("- name:")
    assert f"{calls} of {calls} call" in printed


def test_a_failure_looks_as_the_page_shows(flows: Path) -> None:
    wrong = SCRIPTS[0].replace("112#", "999#")
    (flows / "tests/first.yaml").write_text(wrong, encoding="utf-8")
    code, printed, _ = run(flows, "-k", "asks for the dues")
    shown = [line.rstrip() for line in printed.splitlines()][:-2]
    assert code == 1
    assert textwrap.indent("\n".join(shown), "    ") in TESTING_FLOWS


def test_what_was_not_gone_through_looks_as_the_page_shows(flows: Path) -> None:
    (flows / "tests/first.yaml").write_text(SCRIPTS[0], encoding="utf-8")
    _, printed, _ = run(flows, "--coverage")
    shown = re.findall(r"^    (\S+: node .*)$", TESTING_FLOWS, re.MULTILINE)
    assert shown
    assert set(shown) <= set(printed.splitlines())


def test_a_note_that_nobody_expected_is_told_with_the_line_to_add(flows: Path) -> None:
    line = "      notes: {voicemail: sales}\n"
    (flows / "tests/first.yaml").write_text(SCRIPTS[1].replace(line, ""), encoding="utf-8")
    code, printed, _ = run(flows)
    assert code == 1
    assert f"voicemail: sales; if it is meant, write there `{line.strip()}`" in printed


def test_the_flow_of_the_readme_is_sound_and_its_call_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(printed_files(page, "my-flows")) == page.count("```yaml") == 4
    assert ivrengine("check", "my-flows") == "1 flow can run, no problems\n"
    assert "menu [caller gone]" in ivrengine("call", "hello", "--flows", "my-flows")
    assert "1 of 1 call passed" in ivrengine("test", "my-flows")


def test_the_first_flow_of_the_reference_is_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/flow-language.md").read_text(encoding="utf-8")
    assert len(printed_files(page, "my-flows")) == 3
    shutil.copytree(ROOT / "docs/first-flow/tests", "my-flows/tests")
    assert ivrengine("check", "my-flows") == "1 flow can run, no problems\n"
    assert "3 of 3 calls passed" in ivrengine("test", "my-flows")


def test_the_walk_that_the_reference_shows_is_one(flows: Path) -> None:
    page = (ROOT / "docs/flow-language.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"^    ivrengine (call .* --at .*)$", page, re.MULTILINE)
    printed = ivrengine(*shlex.split(shown), "--flows", str(flows))
    assert "Monday 2026-11-23 10:30 Europe/Istanbul" in printed


def test_a_double_becomes_money_as_the_reference_says(flows: Path) -> None:
    page = (ROOT / "docs/flow-language.md").read_text(encoding="utf-8")
    way = "int(owes * 100.0 + 0.5)"
    assert f"rounded on the way: `{way}`" in page
    said = {"rounded": "dört lira otuz beş kuruş", "cut": "dört lira otuz dört kuruş"}
    for name, expression in {"rounded": way, "cut": "int(owes * 100.0)"}.items():
        content = MONEY.format(name=name, expression=expression)
        (flows / f"{name}.yaml").write_text(content, encoding="utf-8")
        assert said[name] in ivrengine("call", name, "--set", "owes=4.35")


def test_the_test_in_python_of_the_page_passes(
    caller: Callable[..., CallerOnTheLine], phone: Callable[[str], PhoneAtHand]
) -> None:
    [written] = re.findall(r"```python\n(.*?)```", TESTING_FLOWS, re.DOTALL)
    module: dict[str, Any] = {}
    exec(written, module)  # noqa: S102 - it is ours
    module["test_reception_is_called_twice"](caller, phone)


def test_every_place_that_the_architecture_names_exists() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)+(?:[a-z_]+\.(?:py|conf))?)`", page))
    assert len(named) > 30
    roots = (ROOT, ROOT / "ivrengine")
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


def test_every_example_of_the_language_is_called_and_goes_through_all_its_nodes() -> None:
    book, _ = load_folder(EXAMPLES)
    scripts, problems = read_scripts(script_files(EXAMPLES), book)
    assert not problems, "\n".join(map(str, problems))
    assert {script.flow.ref.name for script in scripts} == {name for _, name in book.flows}
    played: list[Played] = []
    play_all(scripts, ground_of(book, EXAMPLES), played.append)
    assert [(each.script.name, each.failure) for each in played if each.failure is not None] == []
    missed = {it.flow.ref.name: it.nodes_missed for it in coverage_of(book, played).flows}
    assert not any(missed.values()), missed
