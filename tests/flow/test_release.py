"""A folder of flows as a whole."""

import os
from pathlib import Path

import pytest

from ivrengine.flow import release
from ivrengine.flow.release import Release, ReleaseError

FILES = {"a.yaml": b"a", "more/b.yml": b"b", "recordings/acme/en/hello.wav": b"RIFF"}


def test_a_release_is_its_files_and_nothing_beside_them(tmp_path: Path) -> None:
    release.write(Release(contents=FILES), tmp_path)
    for name in (".hidden.yaml", "notes.txt", ".git/config.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    found = release.read(tmp_path)
    assert found == Release(contents=FILES)
    assert found.hash == Release(contents=dict(reversed(FILES.items()))).hash


@pytest.mark.parametrize(
    "other",
    [
        {**FILES, "a.yaml": b"b"},
        {**FILES, "c.yaml": b""},
        {"b.yaml" if name == "a.yaml" else name: content for name, content in FILES.items()},
    ],
)
def test_another_content_or_name_is_another_release(other: dict[str, bytes]) -> None:
    assert Release(contents=other).hash != Release(contents=FILES).hash


@pytest.mark.parametrize("path", ["../a.yaml", "/etc/a.yaml", "a/../../b.yaml", "", "a\0.yaml"])
def test_no_file_of_a_release_lies_outside_its_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(ReleaseError, match="cannot hold a file"):
        release.write(Release(contents={path: b""}), tmp_path)


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "huge.wav").open("wb") as huge:
        huge.truncate(release.BYTES_MAX + 1)
    with pytest.raises(ReleaseError, match="expected at most 20000 files and 256 MiB in"):
        release.read(tmp_path)
