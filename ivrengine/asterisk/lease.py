"""One engine per application and Asterisk: whose heartbeat is fresh there has it, and any other engine waits.

Two connections to one application would take it from each other; the heartbeat, which the dialplan reads before it gives a
call to the engine, tells beforehand. Where it misleads all the same, Asterisk's ``ApplicationReplaced`` stops the first.
"""

import asyncio
import dataclasses
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from ivrengine.core.ids import NodeName
from ivrengine.core.switching import Announcement

HEARTBEAT: Final = "IVR_ENGINE"
"""The dialplan's global that is read before a call is given to the engine."""
STALE_S: Final = 5.0
"""A heartbeat comes each second; the dialplan too takes one of this age for dead."""
SURELY_S: Final = 2.0
"""One that is old by our clock, and does not change for two of its seconds, is dead whatever the clocks say."""
LOOK_EVERY_S: Final = 0.5
"""No event tells of a global: a look costs a millisecond, and a dead engine's callers wait for us."""
CLAIM_S: Final = 0.15
"""Of two engines that claim at the same instant, the later claim stands; some round trips later both can see it."""
_WORDS: Final = 4

_log = structlog.get_logger(__name__)


class Ask(Protocol):
    """Does one operation of ARI."""

    async def __call__(self, operation: str, **arguments: object) -> Mapping[str, Any]:
        """Return its answer; raises ``RequestRefusedError``."""
        ...


class SupersededError(Exception):
    """Another engine lives where we were: it is not fought for."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What the global says."""

    epoch_s: int
    engine: str


def written(announcement: Announcement) -> str:
    """Return the global's text: ``<epoch>-<calls>-<calls per second>-<engine>``, which ``inbound.conf`` takes apart."""
    words = (
        int(announcement.at.timestamp()),
        announcement.calls_max,
        announcement.calls_per_s_max,
        announcement.engine,
    )
    return "-".join(map(str, words))


def read(text: str) -> Heartbeat | None:
    """Return what a heartbeat says; None for one that no engine has written, or that says that it is gone."""
    words = text.split("-")
    if len(words) != _WORDS or not words[0].isdecimal() or not int(words[0]) or not words[3]:
        return None
    return Heartbeat(epoch_s=int(words[0]), engine=words[3])


class Lease:
    """The right of one engine to one Asterisk's application."""

    def __init__(
        self, node: str, *, engine: str, now: Callable[[], datetime], past: Collection[str] = ()
    ) -> None:
        """Ask in the name of ``engine``; those of ``past`` are known to be dead, and are not waited for."""
        self._node = NodeName(node)
        self._now = now
        self._engine = engine
        self._free = frozenset((engine, *past))
        self._held = False
        self.waits_for: str | None = None
        """The engine that lives there while we wait for its end, as a standby."""

    async def obtain(self, ask: Ask) -> None:
        """Return when the application is ours; raises ``SupersededError`` if it was, and another engine has it now.

        Raises what ``ask`` raises.
        """
        text = await self._read(ask)
        while not self._is_ours(text):
            await self._wait_for_end(ask, text)
            await self._write(ask)
            await asyncio.sleep(CLAIM_S)
            text = await self._read(ask)
        if self.waits_for is not None:
            _log.info("taking over", node=self._node, engine=self._engine)
        self.waits_for = None
        self._held = True

    async def release(self, ask: Ask) -> None:
        """Say that we are gone, so that nobody waits to see whether we are; raises what ``ask`` raises."""
        if self._held:
            self._held = False
            await ask("asterisk.setGlobalVar", variable=HEARTBEAT, value=f"0-0-0-{self._engine}")

    def _is_ours(self, text: str) -> bool:
        found = read(text)
        return found is not None and found.engine == self._engine

    async def _wait_for_end(self, ask: Ask, text: str) -> None:
        """Wait until nobody writes the heartbeat; by the loop's clock, as those of two machines may differ."""
        clock = asyncio.get_running_loop().time
        since = clock()
        while (found := read(text)) is not None and found.engine not in self._free:
            if clock() - since >= (SURELY_S if self._is_old(found) else STALE_S):
                return
            await asyncio.sleep(LOOK_EVERY_S)
            latest = await self._read(ask)
            if latest != text:
                text, since = latest, clock()
                self._note_living(read(text))

    def _note_living(self, found: Heartbeat | None) -> None:
        if found is None or found.engine in self._free:
            return
        if self._held:
            raise SupersededError(found.engine)
        if self.waits_for is None:
            _log.warning("standby", node=self._node, reason="another engine answers its calls")
        self.waits_for = found.engine

    async def _read(self, ask: Ask) -> str:
        found = await ask("asterisk.getGlobalVar", variable=HEARTBEAT)
        return str(found.get("value", ""))

    async def _write(self, ask: Ask) -> None:
        """Claim the application; nobody is given calls by it."""
        claim = Announcement(at=self._now(), engine=self._engine, calls_max=0, calls_per_s_max=0)
        await ask("asterisk.setGlobalVar", variable=HEARTBEAT, value=written(claim))

    def _is_old(self, found: Heartbeat) -> bool:
        return self._now().timestamp() - found.epoch_s > STALE_S
