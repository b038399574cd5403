"""Watches a folder of flows that is being worked on, and takes up each edit that is sound, for ``serve --watch``."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from ivrengine.engine.tenure import JournalError
from ivrengine.flow.outside import Outside
from ivrengine.flow.release import files
from ivrengine.following import edition as editions
from ivrengine.following.edition import BrokenError
from ivrengine.following.follower import Change

LOOK_S: Final = 0.4
"""The folder is looked at, and not listened to: of folders on a network or mounted into a container nobody is told, and
links that lead in a circle send a listener round. Two looks alike mean that nobody is writing any more."""

_Seen = Mapping[str, tuple[int, int, int]]
_log = structlog.get_logger("flows")

Objections = Callable[[Path], Awaitable[str | None]]
"""Returns what its scripted calls say against a folder; None if nothing."""


async def watch(
    folder: Path,
    outside: Outside,
    change: Change,
    *,
    tell: Callable[[str], None],
    objections: Objections,
) -> None:
    """Take up what changes in the folder, for ever; ``tell`` hears what a person should read."""
    served = before = await asyncio.to_thread(_seen, folder)
    while True:
        await asyncio.sleep(LOOK_S)
        now = await asyncio.to_thread(_seen, folder)
        if now == before and now != served:
            served = now
            await _take_up(folder, outside, change, tell, objections)
        before = now


async def _take_up(
    folder: Path,
    outside: Outside,
    change: Change,
    tell: Callable[[str], None],
    objections: Objections,
) -> None:
    edition = await editions.load(folder, outside)
    for problem in edition.problems:
        tell(str(problem))
    try:
        editions.sound(edition)
        _play(await objections(folder), tell)
        await change(edition)
    except (BrokenError, JournalError) as error:
        _log.warning("edit not taken up", reason=str(error))
        tell(f"ivrengine: {folder} was not taken up, the flows before go on: {error}")
    else:
        _log.info("edit taken up", flows=len(edition.book.flows))
        tell(f"ivrengine: {folder} is in service for new calls")


def _play(against: str | None, tell: Callable[[str], None]) -> None:
    if against is not None:
        tell(against)
        raise BrokenError("its scripted calls fail")


def _seen(folder: Path) -> _Seen:
    """Return what would be different after an edit: size, time and place of each file."""
    found = {}
    for path in files(folder):
        try:
            stat = path.stat()
        except OSError:
            continue  # it went while we looked; the next look tells
        found[str(path)] = stat.st_size, stat.st_mtime_ns, stat.st_ino
    return found
