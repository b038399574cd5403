"""The lines in which the dialplan writes down calls that we did not see (``dialplan/missed.conf``): one line in, one fact out.

Pure, and never raises. What makes the fact (when, what, which channel) must be right; the rest is taken as far as it is, because
a call with half of its particulars is better than none.
"""

import dataclasses
import re
from datetime import UTC, datetime
from typing import Final

from ivrengine.core import ids
from ivrengine.core.ids import ChannelId, NodeName
from ivrengine.core.missed import MissedCall, MissedKind
from ivrengine.numbers import dialplan_seal, normal

LINE_MAX: Final = 1_024
"""Bytes; a line has 150."""
FIELDS: Final = 12
CAUSE_MAX: Final = 127
WAITED_MAX_S: Final = 86_400
_EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)
_CHANNEL: Final = re.compile(r"[A-Za-z0-9_.-]{1,150}", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9_.-]{1,80}", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_KINDS: Final = frozenset(MissedKind)
_BEGINNING: Final = re.compile(r"1\|[0-9]{9,11}\|[a-z]+\|")
REFUSED: Final = ("not text", "unknown version", "not whole", "no end", "no kind", "no channel")
"""Why a line is no fact."""
UNSEALED: Final = "number not opened"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is needed to read the lines of a node."""

    node: NodeName
    country: str
    seal_key: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Why a line is no fact: one of ``REFUSED``."""

    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A fact; ``sealed`` says that it has a number that could not be opened."""

    call: MissedCall
    sealed: bool = False


def read(line: bytes, reading: Reading) -> Read | Complaint:
    """Return what a line (without its end) says; the last one in it, if it follows one that was cut off."""
    if len(line) > LINE_MAX or not line.isascii():
        return Complaint(reason="not text")
    text = line.decode("ascii").rstrip("\r")
    if not text.isprintable():
        return Complaint(reason="not text")
    begins = [found.start() for found in _BEGINNING.finditer(text)]
    if not begins:
        version, bar, _ = text.partition("|")
        newer = bar and _DIGITS.fullmatch(version) and version != "1"
        return Complaint(reason="unknown version" if newer else "not whole")
    fields = text[begins[-1] :].split("|")
    return _fact(fields, reading) if len(fields) == FIELDS else Complaint(reason="not whole")


def _fact(fields: list[str], reading: Reading) -> Read | Complaint:
    _, ended, kind, channel, did, sealed, shown, arrived, waited, status, member, cause = fields
    at = _instant(ended)
    if at is None:
        return Complaint(reason="no end")
    if kind not in _KINDS:
        return Complaint(reason="no kind")
    if not _CHANNEL.fullmatch(channel):
        return Complaint(reason="no channel")
    number, unopened = _number(sealed, shown, reading)
    call = MissedCall(
        at=at,
        kind=MissedKind(kind),
        channel_id=ChannelId(ids.on_node(reading.node, channel)),
        did=normal.did(did[: normal.RAW_MAX], reading.country),
        number=number,
        arrived_at=min(_instant(arrived) or at, at),
        waited_s=_count(waited, WAITED_MAX_S),
        queue_status=_word(status),
        member=_word(member),
        cause=_count(cause, CAUSE_MAX),
    )
    return Read(call=call, sealed=unopened)


def _number(sealed: str, shown: str, reading: Reading) -> tuple[str | None, bool]:
    """Return the number that may be shown, and whether there is one that could not be opened."""
    if shown != "allowed" or sealed in {"", "-"}:
        return None, False
    plain = dialplan_seal.opened(sealed, reading.seal_key)
    return (None, True) if plain is None else (normal.e164(plain, reading.country), False)


def _instant(text: str) -> datetime | None:
    if not _DIGITS.fullmatch(text):
        return None
    seconds = int(text)
    if not _EARLIEST.timestamp() <= seconds < _LATEST.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _count(text: str, most: int) -> int:
    return min(int(text), most) if _DIGITS.fullmatch(text) else 0


def _word(text: str) -> str | None:
    return text if text != "-" and _WORD.fullmatch(text) else None
