"""The follower: learns which release is active, has it on the local disk, loads it, and lets new calls be taken by it.

Whatever it meets, the engine keeps the flows that it has, and this says why.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from ivrengine.engine.fault import fault
from ivrengine.engine.tenure import JournalError
from ivrengine.flow.outside import Outside
from ivrengine.flow.release import ReleaseError
from ivrengine.following import edition as editions
from ivrengine.following.edition import BrokenError, Edition, Mark
from ivrengine.following.local import Local, LocalError
from ivrengine.store import releases
from ivrengine.store.backoff import delay_s
from ivrengine.store.connecting import Connection
from ivrengine.store.database import Database, DatabaseError
from ivrengine.store.faults import RETRIED
from ivrengine.store.releases import Activation, NoSuchReleaseError
from ivrengine.telemetry.metrics import Metrics

LOOK_S: Final = 15.0
"""A look at the store without being called: a net under a lost call, and the next try of what could not be written."""

Change = Callable[[Edition], Awaitable[None]]
"""Prepares what an edition needs (the audio of its prompts), and has new calls taken by it.

Raises ``BrokenError`` or ``JournalError``; then nothing has changed.
"""

_log = structlog.get_logger("flows")


async def fetched(connection: Connection, local: Local, mark: Mark) -> None:
    """Have a release on the local disk; raises ``ReleaseError``, ``NoSuchReleaseError``, ``LocalError`` or one of ``RETRIED``."""
    if await asyncio.to_thread(local.has, mark.release_hash):
        return
    files = await releases.files_of(connection, mark.release_hash)
    await local.put(mark.release_hash, files, lambda digest: releases.pieces(connection, digest))


class Follower:
    """Follows one store; ``run`` is its task."""

    def __init__(
        self,
        database: Database,
        local: Local,
        change: Change,
        *,
        outside: Outside,
        present: Mark | None,
        metrics: Metrics,
    ) -> None:
        """Follow the store from ``present``, the release in service; None if it is a folder."""
        self._database = database
        self._local = local
        self._change = change
        self._outside = outside
        self._metrics = metrics
        self._seen = 0 if present is None else present.number
        self._told: str | None = None
        self.present = present
        self.trouble: str | None = None
        """Why the active release is not in service, in a sentence; None if it is, as far as is known."""

    async def run(self) -> None:
        """Follow for ever, through whatever happens to the database."""
        attempt = 0
        if self.present is not None:
            await self._note(self.present)
        while True:
            try:
                connection = await self._database.read()
                try:
                    attempt = 0
                    await self._follow(connection)
                finally:
                    connection.terminate()
            except (*RETRIED, DatabaseError) as error:
                why = (
                    str(error)
                    if isinstance(error, DatabaseError)
                    else self._database.explain(error)
                )
                _log.debug("releases not followed", reason=why)  # the shipper says it loudly
            await asyncio.sleep(delay_s(attempt, random.random()))  # noqa: S311 - spreads the tries
            attempt += 1

    async def _follow(self, connection: Connection) -> None:
        bell = asyncio.Event()
        await releases.listen(connection, bell.set)
        while True:
            bell.clear()
            active = await releases.newest(connection)
            if active is not None and active.number != self._seen:
                await self._look_at(connection, active)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await bell.wait()

    async def _look_at(self, connection: Connection, active: Activation) -> None:
        """Take up what is active, or say why not."""
        mark = Mark(number=active.number, release_hash=active.release_hash)
        try:
            await self._take_up(connection, mark, forced=active.forced)
        except (BrokenError, ReleaseError, NoSuchReleaseError) as error:
            self._seen = active.number  # the same content does not mend itself
            self._refused(mark, "broken", str(error))
        except (LocalError, JournalError) as error:
            self._refused(mark, "unwritable", str(error))
        except RETRIED:
            raise
        except Exception as error:  # noqa: BLE001 - counted; the engine goes on with the flows it has
            self._seen = active.number
            self._refused(mark, "fault", fault(error))

    async def _take_up(self, connection: Connection, mark: Mark, *, forced: bool) -> None:
        is_new = self.present is None or self.present.release_hash != mark.release_hash
        if is_new:
            began_s = asyncio.get_running_loop().time()
            await fetched(connection, self._local, mark)
            folder = self._local.folder_of(mark.release_hash)
            edition = await editions.load(folder, self._outside, mark)
            await self._change(editions.sound(edition, forced=forced))
            took_s = asyncio.get_running_loop().time() - began_s
            flows = len(edition.book.flows)
            _log.info(
                "release in service", release=mark.name, flows=flows, after_s=round(took_s, 3)
            )
            self._metrics.releases.labels("in service").inc()
        self._seen, self.present = mark.number, mark
        self.trouble = self._told = None
        self._metrics.flows_outdated.set(0)
        await self._note(mark)

    async def _note(self, mark: Mark) -> None:
        """Let the next start know what is in service."""
        try:
            await asyncio.to_thread(self._local.note_active, mark)
        except LocalError as error:
            _log.warning("release not noted", release=mark.name, reason=str(error))

    def _refused(self, mark: Mark, outcome: str, why: str) -> None:
        """Say once why a release is not in service."""
        stays = (
            "what was in service stays" if self.present is None else f"{self.present.name} stays"
        )
        self.trouble = f"{mark.name} is not in service, {stays}: {why}"
        self._metrics.flows_outdated.set(1)
        if self._told != self.trouble:
            self._told = self.trouble
            self._metrics.releases.labels(outcome).inc()
            _log.error("release refused", release=mark.name, outcome=outcome, reason=why)
