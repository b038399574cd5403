"""Which flows an engine starts with: the active release of the store, else the last one on its disk, else its folder."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Final

import structlog

from ivrengine.flow.outside import Outside
from ivrengine.flow.release import ReleaseError
from ivrengine.following import edition as editions
from ivrengine.following.edition import BrokenError, Edition, Mark
from ivrengine.following.follower import fetched
from ivrengine.following.local import Local, LocalError
from ivrengine.store import releases
from ivrengine.store.database import Database, DatabaseError
from ivrengine.store.faults import RETRIED
from ivrengine.store.releases import Activation, NoSuchReleaseError

ASK_S: Final = 1.0
"""Callers wait in the fallback while an engine starts. What the store says later is taken up then."""
ASK_LONG_S: Final = 20.0
"""With no flows at all the store is waited for."""

_log = structlog.get_logger("flows")


class NoFlowsError(Exception):
    """There is nothing that calls could be answered by."""


class NoFolderError(Exception):
    """There is no release at hand, and no folder of flows either."""


async def first_edition(flows: Path, outside: Outside, local: Local, database: Database) -> Edition:
    """Return what to start with; raises ``NoFolderError``.

    A release that does not load is not taken, whatever is said of it; then the one before goes on.
    """
    known = local.active()
    has_folder = await asyncio.to_thread(flows.is_dir)
    patience_s = ASK_S if known is not None or has_folder else ASK_LONG_S
    active, why = await _asked(local, database, patience_s)
    if active is not None:
        mark = Mark(number=active.number, release_hash=active.release_hash)
        edition = await _loaded(local, mark, outside, forced=active.forced)
        if edition is not None:
            return dataclasses.replace(edition, why=why)
        why = "the active release does not load"
    if known is not None and (active is None or known.release_hash != active.release_hash):
        # It was in service on this disk: whoever forced it, it has been loaded before.
        edition = await _loaded(local, known, outside, forced=True)
        if edition is not None:
            return dataclasses.replace(edition, why=why)
    if not has_folder:
        raise NoFolderError(f"there is no folder {flows} to read flows from")
    return dataclasses.replace(await editions.load(flows, outside), why=why)


async def _asked(
    local: Local, database: Database, patience_s: float
) -> tuple[Activation | None, str]:
    """Return what the store says is active, on the local disk by then, or why there is nothing."""
    nothing = "no release was put into service yet"
    if not database.exists:
        return None, nothing
    try:
        async with asyncio.timeout(patience_s):
            connection = await database.read()
            try:
                active = await releases.newest(connection)
                if active is None:
                    return None, nothing
                mark = Mark(number=active.number, release_hash=active.release_hash)
                await fetched(connection, local, mark)
                return active, "it is the active one"
            finally:
                connection.terminate()
    except TimeoutError:
        return None, f"the store did not answer within {patience_s:g} s"
    except (ReleaseError, NoSuchReleaseError, LocalError, DatabaseError) as error:
        return None, str(error)
    except RETRIED as error:
        return None, database.explain(error)


async def _loaded(local: Local, mark: Mark, outside: Outside, *, forced: bool) -> Edition | None:
    """Return a release of the local disk; None, and it is said, if it is not whole or does not load."""
    if not await asyncio.to_thread(local.has, mark.release_hash):
        _log.error("release refused", release=mark.name, reason="the copy on the disk is not whole")
        return None
    try:
        folder = local.folder_of(mark.release_hash)
        return editions.sound(await editions.load(folder, outside, mark), forced=forced)
    except BrokenError as error:
        _log.error("release refused", release=mark.name, reason=str(error))
        return None
