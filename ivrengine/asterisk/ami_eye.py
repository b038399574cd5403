"""What comes through one AMI connection, put together with ARI's lists: phones, trunks, the fallback queue, missed calls."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

import structlog

from ivrengine.asterisk import ami_translate, endpoints
from ivrengine.asterisk.meter import Meter
from ivrengine.asterisk.node import Node
from ivrengine.core.ids import NodeName
from ivrengine.core.switching import (
    FallbackSeen,
    PhoneSeen,
    RequestRefusedError,
    SightLost,
    SwitchEnding,
    SwitchEvent,
    TrunkSeen,
)

PHONES_MAX: Final = 10_000
"""More phones than one Asterisk serves; what names still more of them is not listened to."""

Told = PhoneSeen | TrunkSeen | FallbackSeen | SwitchEnding | SightLost

_log = structlog.get_logger(__name__)


class Ask(Protocol):
    """Sends an action to the manager interface."""

    def __call__(self, action: str, /, **fields: str) -> Awaitable[Sequence[ami_translate.Said]]:
        """Return the messages of its answer; raises ``RequestRefusedError``."""
        ...


class Eye:
    """Sees one Asterisk; nothing that it does with an event awaits or raises."""

    def __init__(
        self,
        node: Node,
        *,
        read: endpoints.Read,
        tell: Callable[[SwitchEvent], None],
        rung: Callable[[str], None],
        now: Callable[[], datetime],
        meter: Meter,
    ) -> None:
        """Tell ``tell`` what the engine is to know, and ``rung`` the line of each call that the dialplan kept."""
        self.name = NodeName(node.name)
        self.booted: asyncio.Future[None] | None = None
        self.looked = False
        """Whether it is known how things stand; if not, ``look`` is due."""
        self.waiting = 0
        """Callers in the fallback queue, as last told."""
        self._read = read
        self._listener = tell
        self._rung = rung
        self._now = now
        self._meter = meter
        self._around = ami_translate.Around(
            name=self.name, trunks=node.trunks, queue=node.fallback_queue
        )
        # Told since the connection began: newer than what a list says that was asked for meanwhile.
        self._phones: set[str] = set()
        self._unlisted = ""
        self._trunks: dict[str, dict[str, bool]] = {}

    def open(self) -> "asyncio.Future[None]":
        """Begin anew, with a new connection; return what is done when Asterisk says that it has loaded everything."""
        self.looked = False
        self._phones.clear()
        self._trunks.clear()
        self.booted = asyncio.get_running_loop().create_future()
        return self.booted

    def hear(self, said: ami_translate.Said) -> None:
        """Take one event."""
        fact = ami_translate.translate(said, self._around, self._now())
        match fact:
            case None:
                return
            case ami_translate.Garbled(kind=kind):
                _log.warning("ami event dropped", node=self.name, reason="garbled", kind=kind)
                self.dropped("garbled")
            case ami_translate.Booted():
                if self.booted is not None and not self.booted.done():
                    self.booted.set_result(None)
            case ami_translate.Unlisted():
                self.looked = False
            case ami_translate.Rung(line=line):
                self._rung(line)
            case ami_translate.TrunkTold():
                self._judge(fact)
            case PhoneSeen():
                self._phone(fact)
            case _:
                self.tell(fact)

    def dropped(self, reason: str) -> None:
        """Count what was no event, or one that nobody can be told."""
        self._meter.dropped(self.name, reason)

    async def look(self, ask: Ask) -> None:
        """Tell how phones, trunks and the fallback queue stand now; what was told meanwhile is newer, and stays."""
        at = self._now()
        try:
            registered = await ask("PJSIPShowRegistrationsOutbound")
            queue = await ask("QueueStatus", Queue=self._around.queue, Member="-")
            found = await endpoints.look(self._read)
            judged = {
                name
                for name in self._around.trunks
                if await endpoints.has_contacts(self._read, name)
            }
        except RequestRefusedError as refused:
            if refused.detail != self._unlisted:  # told once, and asked for again with each ping
                _log.warning("phones not listed", node=self.name, reason=refused.detail)
            self._unlisted = refused.detail
            return
        self.looked, self._unlisted = True, ""
        registrations = ami_translate.registrations(registered, self._around.trunks)
        self._around = dataclasses.replace(self._around, registrations=registrations)
        for told in ami_translate.registered(registered, self._around):
            self._judge(told)
        self.tell(FallbackSeen(at=at, node=self.name, waiting=ami_translate.waiting(queue)))
        for each in found:
            if each.resource not in self._around.trunks:
                self._phone(_phone(each, self.name, at), listed=True)
            elif each.resource in judged and "qualify" not in self._trunks.get(each.resource, {}):
                self._judge(_trunk(each))

    def _phone(self, seen: PhoneSeen, *, listed: bool = False) -> None:
        if listed and seen.endpoint in self._phones:
            return
        if len(self._phones) >= PHONES_MAX and seen.endpoint not in self._phones:
            self.dropped("too many phones")
            return
        self._phones.add(seen.endpoint)
        self.tell(seen)

    def _judge(self, told: ami_translate.TrunkTold) -> None:
        """Note one judgement of a trunk; it is up if none is against it."""
        judgements = self._trunks.setdefault(told.trunk, {})
        judgements[told.by] = told.up
        self.tell(
            TrunkSeen(
                at=self._now(),
                node=self.name,
                trunk=told.trunk,
                up=all(judgements.values()),
                reason=told.word,
            )
        )

    def tell(self, event: Told) -> None:
        """Pass an event on to the engine."""
        self._meter.heard(self.name, type(event).__name__)
        if isinstance(event, FallbackSeen):
            self.waiting = event.waiting
        self._listener(event)

    def lose_sight(self) -> None:
        """Tell that nothing is told any more."""
        self.tell(SightLost(at=self._now(), node=self.name))


def _phone(found: endpoints.Endpoint, node: NodeName, at: datetime) -> PhoneSeen:
    endpoint = f"{ami_translate.PJSIP}{found.resource}"
    return PhoneSeen(at=at, node=node, endpoint=endpoint, state=found.phone_state)


def _trunk(found: endpoints.Endpoint) -> ami_translate.TrunkTold:
    up = found.state == "online"
    word = "Reachable" if up else "Unreachable"
    return ami_translate.TrunkTold(trunk=found.resource, by="qualify", up=up, word=word)
