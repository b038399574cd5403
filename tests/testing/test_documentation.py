"""The example of docs/testing-flows.md is played as it stands there."""

import re
import shutil
from pathlib import Path

from tests.testing.hall import run

ROOT = Path(__file__).resolve().parents[2]


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
