import os
import stat
from pathlib import Path

import pytest

from ivrengine.numbers.keyfile import KeyFileError, add_key, create_keys, load_keys

SECRET = "5a" * 32


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def write(file: Path, text: str, mode: int = 0o600) -> Path:
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def refusal(file: Path) -> str:
    with pytest.raises(KeyFileError) as caught:
        load_keys(file)
    return str(caught.value).replace(str(file), "keys")


def test_a_new_key_file_is_for_its_owner_alone_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        keys = create_keys(file)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(keys) == 1
    assert len(keys[0].secret) == 32
    assert load_keys(file) == keys
    assert list(file.parent.iterdir()) == [file]


def test_no_two_key_files_are_alike(tmp_path: Path) -> None:
    one, other = create_keys(tmp_path / "one"), create_keys(tmp_path / "other")
    assert one[0].secret != other[0].secret


def test_keys_that_are_there_are_never_overwritten(file: Path) -> None:
    create_keys(file)
    before = file.read_bytes()
    with pytest.raises(KeyFileError, match="there are keys already"):
        create_keys(file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_an_added_key_comes_first_and_the_old_one_stays(file: Path) -> None:
    old = create_keys(file)
    new = add_key(file)
    assert len(new) == 2
    assert new[1:] == old
    assert load_keys(file) == new
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_comments_and_blank_lines_are_passed_over(file: Path) -> None:
    write(file, f"# a comment\n\nk2 {SECRET}\r\nk1\t{'0b' * 32}\n")
    assert [key.key_id for key in load_keys(file)] == ["k2", "k1"]


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o601, 0o620, 0o666])
def test_a_file_that_others_may_use_is_refused(file: Path, mode: int) -> None:
    write(file, f"k1 {SECRET}\n", mode)
    assert refusal(file) == "keys: other users may use these keys: chmod 600 keys"


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640])
def test_a_file_that_the_group_may_read_is_taken_as_mounted_secrets_are(
    file: Path, mode: int
) -> None:
    assert len(load_keys(write(file, f"k1 {SECRET}\n", mode))) == 1


def test_all_that_is_wrong_is_said_at_once_and_no_key_is_quoted(file: Path) -> None:
    write(file, f"k1 {SECRET[:-2]}\nnot a key {SECRET}\nk3 {SECRET}\nk3 {SECRET}\n{SECRET}\n")
    told = refusal(file)
    assert told.splitlines() == [
        "keys:1: expected a key of 64 hexadecimal digits, found 62",
        "keys:2: expected a key id and the key in hexadecimal, a space between them",
        "keys:4: the key id k3 is there twice",
        "keys:5: expected a key id and the key in hexadecimal, a space between them",
    ]
    assert "5a5a" not in told


def test_a_missing_file_is_one_sentence(file: Path) -> None:
    assert refusal(file) == "keys: there is no such key file"


def test_a_folder_in_its_place_is_one_sentence(file: Path) -> None:
    file.mkdir(mode=0o700)
    assert refusal(file) == "keys: cannot be read: Is a directory"


def test_an_empty_file_is_one_sentence(file: Path) -> None:
    assert refusal(write(file, "# nothing\n")) == "keys: there is no key in this file"


def test_some_other_big_or_binary_file_is_refused(file: Path) -> None:
    write(file, "x" * 100_000)
    assert refusal(file) == "keys: expected a file of keys, found more than 65536 bytes"
    file.write_bytes(bytes(range(256)))
    assert "expected a key id" in refusal(file)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeyFileError, match="cannot be written: File exists"):
        create_keys(tmp_path / "file" / "keys")


def test_a_crash_while_a_key_is_added_leaves_the_old_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_keys(file)
    before = file.read_bytes()

    def die(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", die)
    with pytest.raises(KeyFileError, match="No space left on device"):
        add_key(file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]
