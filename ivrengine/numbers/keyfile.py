"""The file that holds the master keys: one a line, the newest first, readable by the engine's user alone.

Read once when the engine starts. Who loses it loses every number in the vault and every caller's history; who copies it
can read them.
"""

import contextlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ivrengine.numbers.seal import SECRET_BYTES, MasterKey

SIZE_MAX: Final = 64 * 1024
"""Far more keys than anybody rotates through; what is bigger is some other file."""
_LINE: Final = re.compile(r"(?P<key_id>[a-z0-9-]{1,32})[ \t]+(?P<secret>[0-9a-f]+)")
_OTHERS: Final = stat.S_IRWXO | stat.S_IWGRP | stat.S_IXGRP
"""Group may read: mounted secrets come as 0440."""
_HEADER: Final = (
    "# Master keys of ivrengine: the first seals, all open. Keep a copy in a safe place.\n"
)


class KeyFileError(Exception):
    """A key file that cannot be used; says which file, what is wrong and what to do, never what it holds."""


def load_keys(path: Path) -> tuple[MasterKey, ...]:
    """Return the master keys of the file, newest first; raises ``KeyFileError`` with all that is wrong with it."""
    problems: list[str] = []
    keys: dict[str, MasterKey] = {}
    for number, line in enumerate(_read(path).splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        key = _parsed(line)
        if isinstance(key, str):
            problems.append(f"{path}:{number}: {key}")
        elif key.key_id in keys:
            problems.append(f"{path}:{number}: the key id {key.key_id} is there twice")
        else:
            keys[key.key_id] = key
    if not keys and not problems:
        problems.append(f"{path}: there is no key in this file")
    if problems:
        raise KeyFileError("\n".join(problems))
    return tuple(keys.values())


def create_keys(path: Path) -> tuple[MasterKey, ...]:
    """Write a new file with one new key, mode 0600; raises ``KeyFileError`` if the file is there already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _written(path, [_new_key()]) as fresh:
            os.link(fresh, path)  # fails if the file exists: no key is ever overwritten
    except OSError as error:
        if path.exists():
            sentence = f"{path}: there are keys already, and they are not replaced"
            raise KeyFileError(sentence) from None
        raise KeyFileError(f"{path}: cannot be written: {error.strerror}") from None
    return load_keys(path)


def add_key(path: Path) -> tuple[MasterKey, ...]:
    """Put a new key in front of those in the file: it seals from the next start on, the older ones still open."""
    keys = load_keys(path)
    try:
        with _written(path, [_new_key(), *keys]) as fresh:
            fresh.replace(path)
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be written: {error.strerror}") from None
    return load_keys(path)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & _OTHERS:
                raise KeyFileError(f"{path}: other users may use these keys: chmod 600 {path}")
            content = file.read(SIZE_MAX + 1)
    except FileNotFoundError:
        raise KeyFileError(f"{path}: there is no such key file") from None
    except OSError as error:
        raise KeyFileError(f"{path}: cannot be read: {error.strerror}") from None
    if len(content) > SIZE_MAX:
        raise KeyFileError(f"{path}: expected a file of keys, found more than {SIZE_MAX} bytes")
    return content.decode("utf-8", errors="replace")


def _parsed(line: str) -> MasterKey | str:
    """Return the key that a line holds, or what is wrong with it; never the line, which may hold half a key."""
    found = _LINE.fullmatch(line.rstrip())
    if found is None:
        return "expected a key id and the key in hexadecimal, a space between them"
    digits = found["secret"]
    if len(digits) != 2 * SECRET_BYTES:
        return f"expected a key of {2 * SECRET_BYTES} hexadecimal digits, found {len(digits)}"
    return MasterKey(key_id=found["key_id"], secret=bytes.fromhex(digits))


def _new_key() -> MasterKey:
    """Return a fresh key; its id is drawn too, so that the id of a key once destroyed never comes back."""
    return MasterKey(key_id=os.urandom(4).hex(), secret=os.urandom(SECRET_BYTES))


@contextlib.contextmanager
def _written(path: Path, keys: Sequence[MasterKey]) -> Iterator[Path]:
    """Give the keys in a new file beside ``path``, safe on disk and mode 0600, to be put in its place."""
    lines = (f"{key.key_id} {key.secret.hex()}\n" for key in keys)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(_HEADER + "".join(lines))
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        Path(name).unlink(missing_ok=True)
