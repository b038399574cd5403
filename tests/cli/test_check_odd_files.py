"""Whatever lies in a folder of flows, ``ivrengine check`` tells it in a sentence, and its JSON is JSON."""

import json
import os
import pickle
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest

from ivrengine.cli import all_cores
from ivrengine.flow.load import check_folder, load_folder
from ivrengine.flow.problems import Code
from ivrengine.flow.reading import Part
from tests.cli.test_check import run
from tests.flow import golden
from tests.flow.folder import MAIN, SOUND, write


def linked_to_itself(folder: Path) -> None:
    (folder / "odd.yaml").symlink_to(folder / "odd.yaml")


def linked_to_nothing(folder: Path) -> None:
    (folder / "odd.yaml").symlink_to(folder / "nothing.yaml")


def folder_that_holds_itself(folder: Path) -> None:
    (folder / "odd").symlink_to(folder)


def folder_named_as_a_file(folder: Path) -> None:
    (folder / "odd.yaml").mkdir()
    (folder / "odd.yaml" / "inner.yaml").write_text("- x")


def name_that_is_no_text(folder: Path) -> None:
    (folder / os.fsdecode(b"odd-\xff.yaml")).write_text("- x")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "odd.yaml")


def ten_megabytes(folder: Path) -> None:
    (folder / "odd.yaml").write_bytes(b"# " + b"x" * 10 * 1024**2)


def anchors_that_grow(folder: Path) -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40))]
    (folder / "odd.yaml").write_text("\n".join(lines))


def nested_without_end(folder: Path) -> None:
    (folder / "odd.yaml").write_text("x: " + "[" * 100_000)


def ten_thousand_nodes(folder: Path) -> None:
    nodes = "".join(f"  n{n}: {{type: goto, to: n{n + 1}}}\n" for n in range(10_000))
    (folder / "odd.yaml").write_text(f"flow: odd\nbrand: acme\nnodes:\n{nodes}")


def empty(folder: Path) -> None:
    (folder / "odd.yaml").write_bytes(b"")


def noise(folder: Path) -> None:
    (folder / "odd.yaml").write_bytes(bytes(range(256)) * 64)


ODDITIES = (
    linked_to_itself,
    linked_to_nothing,
    folder_that_holds_itself,
    folder_named_as_a_file,
    name_that_is_no_text,
    pipe,
    ten_megabytes,
    anchors_that_grow,
    nested_without_end,
    ten_thousand_nodes,
    empty,
    noise,
)


@pytest.mark.parametrize("make", ODDITIES, ids=lambda make: make.__name__)
def test_what_is_odd_is_told_and_the_rest_is_checked(
    make: Callable[[Path], None], tmp_path: Path
) -> None:
    make(write(tmp_path, SOUND))
    code, printed, complained = run("--json", tmp_path)
    told = json.loads(printed)
    assert complained == ""
    assert told["problems"], "nothing was said"
    assert all("odd" in problem["file"] for problem in told["problems"])
    assert {problem["sentence"] != "" for problem in told["problems"]} == {True}
    assert told["summary"]["flows"] == 1
    assert code == (1 if told["summary"]["errors"] else 0)
    assert len(run(tmp_path)[1].splitlines()) == len(told["problems"]) + 1


def test_a_file_that_links_to_itself_is_bad_usage(tmp_path: Path) -> None:
    linked_to_itself(write(tmp_path, SOUND))
    code, _, complained = run(tmp_path / "odd.yaml")
    assert code == 2
    assert "there is no file or folder" in complained


def test_an_empty_folder_is_told_and_its_json_is_json(tmp_path: Path) -> None:
    code, printed, _ = run("--json", tmp_path)
    assert code == 0
    assert [it["code"] for it in json.loads(printed)["problems"]] == ["no-files", "no-routing"]


def by_way_of_text(function: Callable[[Path], Part], paths: Sequence[Path]) -> Iterable[Part]:
    return [pickle.loads(pickle.dumps(function(path))) for path in paths]  # noqa: S301 - our own


@pytest.mark.parametrize("folder", sorted(it for it in golden.BROKEN.iterdir() if it.is_dir()))
def test_checked_in_parts_a_folder_is_as_it_is_when_loaded_whole(folder: Path) -> None:
    book, found = load_folder(folder, golden.OUTSIDE, golden.TODAY)
    in_parts = check_folder(folder, golden.OUTSIDE, golden.TODAY, by_way_of_text)
    assert in_parts == (len(book.flows), found)


def test_many_flows_are_checked_in_several_processes_as_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flows = {f"f{n}.yaml": MAIN.replace("flow: main", f"flow: f{n % 70}") for n in range(72)}
    broken = {"f5.yaml": MAIN.replace("hangup", "hangp"), "f40.yaml": "- x"}
    write(tmp_path, SOUND | flows | broken)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    spread = check_folder(tmp_path, None, golden.TODAY, all_cores.spread)
    book, found = load_folder(tmp_path, None, golden.TODAY)
    assert spread == (len(book.flows), found)
    assert {problem.code for problem in found} >= {Code.TWICE, Code.NODE_TYPE}
