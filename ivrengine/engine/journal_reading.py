"""Reading the journal: what a restart must know, and the rows for the store, in order and from any position."""

import dataclasses
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from ivrengine.core import effects as fx
from ivrengine.core import events, rows
from ivrengine.core.call import Call, Outcome, Phase
from ivrengine.core.ids import ChannelId, PlaybackId
from ivrengine.engine import codec, lines

CHUNK_BYTES: Final = 256 * 1024
"""What one look into the journal reads at most: about 300 steps, half a millisecond of the loop."""
KEPT_SEGMENTS: Final = 2
"""Segments kept behind the one being shipped, for the gap detector to send again."""
_NAME: Final = re.compile(r"journal-(\d{8})\.jsonl")
_SHIPPED: Final = "shipped.json"
_ENDS_OF_PROMPTS: Final = (events.PlaybackFinished.__name__, events.RequestFailed.__name__)


def segment_name(number: int) -> str:
    """Return the file name of a segment."""
    return f"journal-{number:08d}.jsonl"


def segments(folder: Path) -> list[int]:
    """Return the numbers of the segments there are, ascending."""
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match[1]) for match in found if match)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OpenCall:
    """A call that was in progress when the journal ended, with its last step's number."""

    seq: int
    call: Call
    unfinished: frozenset[PlaybackId] = frozenset()
    """Playbacks whose end the journal does not have: of those that were to be stopped, some may still be heard."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What the journal tells a restart."""

    open_calls: tuple[OpenCall, ...] = ()
    last_at: datetime | None = None
    flows: tuple[rows.FlowRow, ...] = ()
    """The flow versions that the segments have the text of, among them those of the calls in progress."""
    ended: Mapping[ChannelId, Outcome | None] = dataclasses.field(default_factory=dict)
    """Callers' channels of calls that ended within the segments read: the dialplan may have to tell of them yet."""
    unreadable: int = 0
    """Calls in progress whose state another version of the engine wrote: nothing can be done for them."""


def recover(folder: Path) -> Recovered:
    """Return the calls in progress at the journal's end, and its last instant; an empty or missing folder has none."""
    if not folder.is_dir():
        return Recovered()
    for number in reversed(segments(folder)):
        found = _replay(folder, number)
        if found is not None:
            return found
    return Recovered()


def _replay(folder: Path, first: int) -> Recovered | None:
    """Fold the segments from ``first`` on; None if that segment's head is not whole (the process died writing it)."""
    held: dict[str, OpenCall | None] = {}
    ended: dict[ChannelId, Outcome | None] = {}
    flows: dict[tuple[str, str], rows.FlowRow] = {}
    last_at: datetime | None = None
    missing = -1
    for number in [n for n in segments(folder) if n >= first]:
        for line in _whole_lines(folder / segment_name(number)):
            match line:
                case lines.Opened() if number == first:
                    missing, last_at = line.open_calls, line.at
                case lines.OpenCall() if number == first:
                    missing -= 1
                    held[line.id] = _open(line.seq, line.call)
                case lines.GivenUp():
                    ended |= dict.fromkeys(map(ChannelId, line.channels), Outcome.FALLBACK)
                case lines.FlowText():
                    flows[line.brand, line.flow_hash] = lines.flow_row(line)
                case lines.Step():
                    last_at = line.at if last_at is None else max(last_at, line.at)
                    call = _hold(held, line)
                    if call is not None:
                        ended[call.channel_id] = call.outcome
                case _:
                    pass
        if number == first and missing != 0:
            return None
    readable = tuple(found for found in held.values() if found is not None)
    return Recovered(
        open_calls=readable,
        last_at=last_at,
        flows=tuple(flows.values()),
        ended=ended,
        unreadable=len(held) - len(readable),
    )


def _hold(held: dict[str, OpenCall | None], line: lines.Step) -> Call | None:
    """Hold the call as it stands after this step; return it if it has ended with it."""
    before = held.get(line.id)
    found = _open(line.seq, line.call)
    if found is not None and found.call.phase is Phase.ENDED:
        held.pop(line.id, None)
        return found.call
    if found is not None:
        unfinished = _unfinished(line) if before is None else _unfinished(line, before.unfinished)
        held[line.id] = dataclasses.replace(found, unfinished=unfinished)
    else:
        held[line.id] = None
    return None


def _unfinished(
    line: lines.Step, before: frozenset[PlaybackId] = frozenset()
) -> frozenset[PlaybackId]:
    kind, fields = line.event
    try:
        if kind in _ENDS_OF_PROMPTS:
            before -= events.silent_by(codec.event(kind, fields))
        decided = codec.pairs(line.effects)
        plays = (codec.effect(*pair) for pair in decided if pair[0] == fx.Play.__name__)
        return before | {play.playback_id for play in plays if isinstance(play, fx.Play)}
    except (msgspec.MsgspecError, codec.UnknownKindError):
        return before


def _open(seq: int, state: msgspec.Raw) -> OpenCall | None:
    """Return the call as it stood; None if this version of the engine cannot read it."""
    try:
        return OpenCall(seq=seq, call=codec.call(state))
    except (msgspec.MsgspecError, codec.UnknownKindError):
        return None


def _whole_lines(path: Path) -> Iterator[lines.Line]:
    with path.open("rb") as file:
        for raw in file:
            try:
                yield lines.read(raw.removesuffix(b"\n"))
            except lines.TornLineError:
                continue  # a crash cut it, or a failed write did: what it would have said was not acted upon


class Reader:
    """The rows of a journal from a kept position on: what the shipper reads, in the order of writing."""

    def __init__(
        self, folder: Path, writing: Callable[[], int], on_torn: Callable[[], None]
    ) -> None:
        """Go on where the last acknowledgement ended; ``writing`` tells the segment that still grows."""
        self._folder = folder
        self._writing = writing
        self._on_torn = on_torn
        self._acknowledged = _load_position(folder / _SHIPPED)
        self._position = self._acknowledged
        self._fd = -1
        self._fd_segment = -1

    def position(self) -> rows.Position:
        """Return the position behind the last row that was read."""
        return self._position

    def acknowledged(self) -> rows.Position:
        """Return the position before which everything is in the store."""
        return self._acknowledged

    def rewind(self, to: rows.Position) -> None:
        """Read again from an earlier position; a process that dies meanwhile leaves that to the next."""
        self._position = to
        if to < self._acknowledged:
            self._keep(to)

    def read(self, limit: int) -> rows.Batch:
        """Return up to ``limit`` rows behind the position, none if there are none yet, and move the position."""
        found: list[rows.Row] = []
        while len(found) < limit:
            segment, offset = self._position
            used = self._read_chunk(segment, offset, limit - len(found), found)
            self._position = (segment, offset + used)
            if used == 0 and not self._next_segment(segment):
                break
        return rows.Batch(rows=tuple(found), end=self._position)

    def _read_chunk(self, segment: int, offset: int, limit: int, into: list[rows.Row]) -> int:
        """Append the rows of the next lines, and return how many bytes they took."""
        if not self._open(segment):
            return 0
        chunk = os.pread(self._fd, CHUNK_BYTES, offset)
        if (
            b"\n" not in chunk and len(chunk) == CHUNK_BYTES
        ):  # one line longer than a chunk (a flow's text)
            chunk = os.pread(self._fd, 64 * CHUNK_BYTES, offset)
        used = count = 0
        while count < limit and (end := chunk.find(b"\n", used)) >= 0:
            raw, used = chunk[used:end], end + 1
            row = self._row(raw)
            if row is not None:
                into.append(row)
                count += 1
        return used

    def _row(self, raw: bytes) -> rows.Row | None:
        try:
            return lines.row(lines.read(raw))
        except lines.TornLineError:
            if raw:
                self._on_torn()
            return None

    def _next_segment(self, segment: int) -> bool:
        """Go to the following segment, if there is one; the rest of this one is a torn line or nothing."""
        following = [n for n in segments(self._folder) if n > segment]
        if segment >= self._writing() or not following:
            return False
        if self._fd_segment == segment and os.fstat(self._fd).st_size > self._position[1]:
            self._on_torn()
        self._position = (following[0], 0)
        return True

    def _open(self, segment: int) -> bool:
        if self._fd_segment == segment:
            return True
        self._close_fd()
        try:
            flags = os.O_RDONLY | os.O_CLOEXEC
            self._fd = os.open(self._folder / segment_name(segment), flags)
        except FileNotFoundError:
            return False
        self._fd_segment = segment
        return True

    def acknowledge(self, end: rows.Position) -> None:
        """Keep on disk that everything before ``end`` is in the store, and let go of segments nobody needs."""
        if end <= self._acknowledged:
            return
        before = self._acknowledged
        self._keep(end)
        if end[0] != before[0]:
            self._drop_segments(before=end[0] - KEPT_SEGMENTS)

    def _keep(self, position: rows.Position) -> None:
        path = self._folder / _SHIPPED
        fresh = path.with_suffix(".tmp")
        fresh.write_text(json.dumps({"segment": position[0], "offset": position[1]}))
        fresh.replace(path)
        self._acknowledged = position

    def _drop_segments(self, before: int) -> None:
        for number in segments(self._folder):
            if number < before:
                (self._folder / segment_name(number)).unlink(missing_ok=True)

    def _close_fd(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = self._fd_segment = -1

    def close(self) -> None:
        """Let go of the file."""
        self._close_fd()


def _load_position(path: Path) -> rows.Position:
    """Return the kept position; the journal's beginning if there is none or it cannot be read (rows are idempotent)."""
    try:
        kept = json.loads(path.read_text())
        return int(kept["segment"]), int(kept["offset"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0
