"""From what AMI says to what the core knows: one message in, one fact or nothing out.

Pure, and never raises. Phones are followed by ``DeviceStateChange``, which has reachability in it, and trunks by ``PeerStatus``,
which sums up all contacts of an endpoint: ``ContactStatus`` tells of each contact alone, and no more. Shapes are those of
Asterisk's ``core-en_US.xml`` (22.10).
"""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from ivrengine.core.ids import NodeName
from ivrengine.core.switching import FallbackSeen, PhoneSeen, PhoneState, SwitchEnding

Said = Mapping[str, str]

QUEUED_MAX: Final = 100_000
"""More callers than an Asterisk has channels are none."""
WORD_MAX: Final = 40
MISSED: Final = "IvrMissed"
"""The ``UserEvent`` that the dialplan sends when it has left a line about a call that we did not see."""
LINE_MAX: Final = 1_024
PJSIP: Final = "PJSIP/"
_ENDPOINT: Final = re.compile(r"PJSIP/[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z _-]*", re.ASCII)

STATES: Final[Mapping[str, PhoneState]] = {
    "NOT_INUSE": PhoneState.FREE,
    "RINGING": PhoneState.RINGING,
    "RINGINUSE": PhoneState.IN_USE,
    "INUSE": PhoneState.IN_USE,
    "BUSY": PhoneState.IN_USE,
    "ONHOLD": PhoneState.IN_USE,
    "UNAVAILABLE": PhoneState.UNREACHABLE,
    "INVALID": PhoneState.UNREACHABLE,
    "UNKNOWN": PhoneState.UNREACHABLE,
}
"""Device states, from Asterisk's ``devicestate.h``; of what it does not know it is safe to expect nothing."""
GOOD: Final = frozenset({"Reachable", "Registered", "Lagged"})
"""Words of ``PeerStatus`` and ``Registry`` for a trunk that carries calls."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the translation must know of the node that speaks."""

    name: NodeName
    trunks: frozenset[str]
    queue: str
    """The fallback queue."""
    registrations: Mapping[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    """Which trunk each registration is for, by its client and server URI."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrunkTold:
    """One of the two ways by which a trunk is judged says so: its contacts (``qualify``) or its ``registration``."""

    trunk: str
    by: str
    up: bool
    word: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """Asterisk has loaded everything: what it is asked from now on has an answer."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unlisted:
    """A registration that was not in the list: the configuration has changed, and the list is to be asked for again."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """The dialplan has left a line about a call that we did not see; ``line`` is the same line, if it was sent along."""

    line: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Garbled:
    """A message that lacks what its kind promises; ``kind`` is one that we know."""

    kind: str


Fact = PhoneSeen | FallbackSeen | SwitchEnding | TrunkTold | Booted | Unlisted | Rung | Garbled


class _GarbledError(Exception):
    """A value is missing or is not what it must be."""


def translate(said: Said, around: Around, at: datetime) -> Fact | None:
    """Return what an event means, None if it means nothing to us; ``at`` is the engine clock's instant."""
    kind = said.get("event", "")
    reader = _READERS.get(kind)
    if reader is None:
        return None
    try:
        return reader(said, around, at)
    except _GarbledError:
        return Garbled(kind=kind)


def registrations(answer: Sequence[Said], trunks: frozenset[str]) -> dict[tuple[str, str], str]:
    """Return which trunk each outbound registration is for, from the answer to ``PJSIPShowRegistrationsOutbound``.

    Its endpoint tells, which it has with ``line = yes`` only, or its own name.
    """
    return {
        (said.get("clienturi", ""), said.get("serveruri", "")): trunk
        for said in answer
        if said.get("event") == "OutboundRegistrationDetail"
        for trunk in (said.get("endpoint"), said.get("objectname"))
        if trunk in trunks
    }


def registered(answer: Sequence[Said], around: Around) -> list[TrunkTold]:
    """Return how the registrations stand, from the same answer."""
    return [
        _told(trunk, "registration", said.get("status", ""))
        for said in answer
        if said.get("event") == "OutboundRegistrationDetail"
        and (trunk := _registered_for(said.get("clienturi"), said.get("serveruri"), around))
    ]


def waiting(answer: Sequence[Said]) -> int:
    """Return how many callers wait, from the answer to ``QueueStatus``; a queue that is not there has none."""
    for said in answer:
        if said.get("event") == "QueueParams":
            return _count(said, "calls")
    return 0


def _device(said: Said, around: Around, at: datetime) -> Fact | None:
    device, state = said.get("device", ""), STATES.get(said.get("state", ""))
    if not _ENDPOINT.fullmatch(device):
        return None  # a queue, a hint, a Local channel: no phone
    if state is None:
        raise _GarbledError
    if device.removeprefix(PJSIP) in around.trunks:
        return None  # in use by every call that it carries; whether it is up is told otherwise
    return PhoneSeen(at=at, node=around.name, endpoint=device, state=state)


def _peer(said: Said, around: Around, _at: datetime) -> Fact | None:
    peer = said.get("peer", "").removeprefix(PJSIP)
    return _told(peer, "qualify", said.get("peerstatus", "")) if peer in around.trunks else None


def _registry(said: Said, around: Around, _at: datetime) -> Fact | None:
    if not around.trunks:
        return None
    trunk = _registered_for(said.get("username"), said.get("domain"), around)
    return Unlisted() if trunk is None else _told(trunk, "registration", said.get("status", ""))


def _registered_for(client: str | None, server: str | None, around: Around) -> str | None:
    return around.registrations.get((client or "", server or ""))


def _told(trunk: str, by: str, word: str) -> TrunkTold:
    known = word if len(word) <= WORD_MAX and _WORD.fullmatch(word) else "unknown"
    return TrunkTold(trunk=trunk, by=by, up=word in GOOD, word=known)


def _queue(said: Said, around: Around, at: datetime) -> Fact | None:
    if said.get("queue") != around.queue:
        return None
    return FallbackSeen(at=at, node=around.name, waiting=_count(said, "count"))


def _count(said: Said, name: str) -> int:
    text = said.get(name, "")
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(QUEUED_MAX)):
        raise _GarbledError
    return int(text)


def _shutdown(said: Said, around: Around, at: datetime) -> Fact:
    return SwitchEnding(at=at, node=around.name, again=said.get("restart") == "True")


def _booted(_said: Said, _around: Around, _at: datetime) -> Fact:
    return Booted()


def _user(said: Said, _around: Around, _at: datetime) -> Fact | None:
    if said.get("userevent") != MISSED:
        return None
    line = said.get("line", "")
    if len(line) > LINE_MAX:
        raise _GarbledError
    return Rung(line=line)


_READERS: Final[Mapping[str, Callable[[Said, Around, datetime], Fact | None]]] = {
    "DeviceStateChange": _device,
    "PeerStatus": _peer,
    "Registry": _registry,
    "QueueCallerJoin": _queue,
    "QueueCallerLeave": _queue,
    "Shutdown": _shutdown,
    "FullyBooted": _booted,
    "UserEvent": _user,
}
WANTED: Final = tuple(_READERS)
"""The events that mean anything to us; the user's ``eventfilter`` lets no others through."""
