"""What the project must not say of the machines it was made on: where they fetch from, and where things lie on them."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

SHARED_PARENTS = frozenset({"/", "/home", "/mnt", "/opt", "/root", "/srv", "/tmp", "/usr", "/var"})
"""A checkout may lie in one of these anywhere: their names tell nothing of one machine."""


def committed(root: Path) -> list[Path]:
    """Return the files under version control, and those that are about to be."""
    listed = subprocess.run(  # noqa: S603 (git, with fixed arguments)
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    return [path for name in listed.split("\0") if name and (path := root / name).is_file()]


def paths_of_this_machine(root: Path) -> set[str]:
    """Return the beginnings of paths that are there on this machine only."""
    paths = {str(root), str(Path.home())}
    if str(root.parent) not in SHARED_PARENTS:
        paths.add(str(root.parent))
    return {path for path in paths if path not in SHARED_PARENTS}


def registries_of_this_machine() -> set[str]:
    """Return the hosts that this machine's package clients are set up to fetch from."""
    lists = [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")]
    configured = [
        Path("/etc/pip.conf"),
        Path.home() / ".config/pip/pip.conf",
        Path.home() / ".npmrc",
    ]
    text = "\n".join(
        path.read_text(errors="replace") for path in lists + configured if path.is_file()
    )
    hosts = {urlsplit(url).hostname for url in re.findall(r"https?://[^\s\"']+", text)}
    return {host for host in hosts if host and "." in host}


def sources(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that name a package source, whichever it is."""
    named = re.compile(
        r"(--?(extra-)?index-url|--registry|--trusted-host|registry|PIP_INDEX_URL)[= ]+[\"']?https?://"
        r"|^deb(-src)? .*https?://"
    )
    for number, line in enumerate(text.splitlines(), start=1):
        if named.search(line):
            yield (
                number,
                "names a package source: each machine's own settings say where it fetches from",
            )


def mentions(text: str, words: set[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold one of the words, not as a part of a longer one."""
    if not words:
        return
    any_of = "|".join(re.escape(word) for word in sorted(words))
    pattern = re.compile(rf"(?<![\w.-])(?:{any_of})(?![\w-])")
    for number, line in enumerate(text.splitlines(), start=1):
        if found := pattern.search(line):
            yield (
                number,
                f"`{found[0]}` is of one machine only: say it relatively, or read it from there",
            )
