import importlib.metadata
from pathlib import Path

import pytest

from ivrengine.telemetry import metrics
from ivrengine.telemetry.build import UNKNOWN, Build, commit

HASH = "0123456789abcdef0123456789abcdef01234567"


def test_the_build_is_a_metric() -> None:
    counted = metrics.new(Build(version="1.2.3", python="3.13.1", commit="abc"))
    labels = {"version": "1.2.3", "python": "3.13.1", "commit": "abc"}
    assert counted.registry.get_sample_value("ivrengine_build_info", labels) == 1


def test_what_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Build.found().python.startswith("3.")

    def none(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", none)
    assert Build.found().version == UNKNOWN
    monkeypatch.setattr(importlib.metadata, "version", lambda _name: "4.5.6")
    assert Build.found().version == "4.5.6"


def git(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": HASH},
        {"HEAD": "ref: refs/heads/main", "refs__heads__main": HASH},
        {"HEAD": "ref: refs/heads/main", "packed_refs": f"# pack-refs\n{HASH} refs/heads/main"},
    ],
)
def test_a_checkout_knows_its_commit(tmp_path: Path, files: dict[str, str]) -> None:
    git(tmp_path / ".git", **files)
    assert commit(tmp_path) == HASH[:12]


def test_a_further_worktree_knows_its_commit(tmp_path: Path) -> None:
    git(tmp_path / "main" / ".git", refs__heads__x=HASH)
    git(tmp_path / "main" / ".git" / "worktrees" / "x", HEAD="ref: refs/heads/x", commondir="../..")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / ".git").write_text(f"gitdir: {tmp_path}/main/.git/worktrees/x\n")
    assert commit(tmp_path / "x") == HASH[:12]


def test_what_is_no_checkout_has_none(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    git(tmp_path / ".git", HEAD="ref: refs/heads/gone")
    assert commit(tmp_path) is None
    (tmp_path / ".git" / "HEAD").write_bytes(b"\xff\xfe")
    assert commit(tmp_path) is None
