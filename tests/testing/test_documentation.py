"""What the pages about flows show is played: the script of docs/testing-flows.md, and the examples of every node type."""

import re
import shutil
from pathlib import Path

from ivrengine.flow.load import load_folder
from ivrengine.testing.coverage import coverage_of
from ivrengine.testing.playing import Played, ground_of, play_all
from ivrengine.testing.reading import read_scripts, script_files
from tests.testing.hall import run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs/flow-language"


def test_the_documented_example_passes(tmp_path: Path) -> None:
    document = (ROOT / "docs/testing-flows.md").read_text(encoding="utf-8")
    found = re.search(r"```yaml\n(.*?)```", document, re.DOTALL)
    assert found is not None
    flows = tmp_path / "flows"
    shutil.copytree(ROOT / "flows", flows, ignore=shutil.ignore_patterns("tests"))
    (flows / "tests").mkdir()
    (flows / "tests/documented.yaml").write_text(found[1], encoding="utf-8")
    code, printed, told = run(flows)
    assert code == 0, printed + told
    assert "3 of 3 calls passed" in printed


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
