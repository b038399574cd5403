"""Which engine this is: its version, its Python and, where it runs from a checkout, the commit."""

import dataclasses
import importlib.metadata
import platform
from pathlib import Path
from typing import Final, Self

UNKNOWN: Final = "unknown"
_PACKAGE: Final = Path(__file__).resolve().parents[1]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What tells one engine from another in a graph."""

    version: str
    python: str
    commit: str

    @classmethod
    def found(cls) -> Self:
        """Return what can be found out of this process."""
        try:
            version = importlib.metadata.version("ivrengine")
        except importlib.metadata.PackageNotFoundError:
            version = UNKNOWN
        return cls(
            version=version,
            python=platform.python_version(),
            commit=commit(_PACKAGE.parent) or UNKNOWN,
        )


def commit(checkout: Path) -> str | None:
    """Return the first letters of the commit that a folder is a checkout of; None if it is none, or cannot be read."""
    try:
        folder = _git_folder(checkout)
        head = (folder / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head[:12]
        return (_commit_of(folder, head.removeprefix("ref: ")) or "")[:12] or None
    except (OSError, ValueError):
        return None


def _git_folder(checkout: Path) -> Path:
    """Return where git keeps a checkout; in a further worktree a file says it."""
    found = checkout / ".git"
    if found.is_file():
        named = found.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")
        return checkout / named
    return found


def _commit_of(folder: Path, ref: str) -> str | None:
    shared = folder / "commondir"
    common = folder / shared.read_text(encoding="utf-8").strip() if shared.exists() else folder
    loose = common / ref
    if loose.exists():
        return loose.read_text(encoding="utf-8").strip()
    for line in (common / "packed-refs").read_text(encoding="utf-8").splitlines():
        found, _, name = line.partition(" ")
        if name == ref:
            return found
    return None
