"""Which Asterisk is safe enough to connect to: a floor per branch, from Asterisk's security advisories."""

import re
from typing import Final

FLOORS: Final = {20: (20, 20, 1), 22: (22, 10, 1), 23: (23, 4, 1)}
"""The first release of each maintained branch in which all of ``ADVISORIES`` are closed."""
ADVISORIES: Final = (
    "GHSA-wcvv-g26m-wx5c: a read-only ARI user could write, through REST over WebSocket",
    "GHSA-vrfp-mg3q-3959: ARI ignored live_dangerously, so its variables could run commands",
)
_RELEASE: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\d.])", re.ASCII)


def shortcoming(version: str) -> str | None:
    """Return why an Asterisk of that version is not safe, as a sentence; None if it is.

    A branch newer than all floors was begun after the fixes and is taken as safe. What is no plain release (certified
    branches, builds from git) cannot be judged and is not.
    """
    found = _RELEASE.match(version)
    if found is None:
        return f"its version {version[:40]!r} is not a release we can judge; safe are {_safe()}"
    release = (int(found[1]), int(found[2]), int(found[3]))
    branch = release[0]
    if branch > max(FLOORS) or release >= FLOORS.get(branch, (branch + 1, 0, 0)):
        return None
    holes = "; ".join(ADVISORIES)
    return f"version {'.'.join(map(str, release))} has known holes ({holes}); safe are {_safe()}"


def _safe() -> str:
    return ", ".join(f"{'.'.join(map(str, floor))}+" for floor in FLOORS.values())
