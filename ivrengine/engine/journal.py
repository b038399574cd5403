"""The journal: a local append-only file that is written before anything is done (hop 5 of a call's way).

It survives the death of the process; with ``fsync="group"`` all but the last instant of it survives the death of the machine.
It is cut into segments. Each segment begins with the calls in progress and their flows, so a restart reads from the last
segment only, and a segment whose rows are all in the store can go.
"""

import asyncio
import dataclasses
import errno
import os
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import structlog

from ivrengine.core import events, rows
from ivrengine.core.call import Call, Outcome, Phase
from ivrengine.core.effects import Effect
from ivrengine.core.ids import BrandId, CallId, ChannelId, FlowHash
from ivrengine.core.missed import CallMissed
from ivrengine.engine import lines
from ivrengine.engine.journal_reading import Recovered, segment_name, segments
from ivrengine.engine.reserve import RESERVE_BYTES, Reserve
from ivrengine.engine.tenure import JournalError, Tenure, take

SEGMENT_BYTES: Final = 64 * 1024 * 1024
"""About 20,000 calls: small enough to be read in a second at a restart, large enough that rotation is rare."""
FSYNC_PAUSE_S: Final = 0.05
"""With group fsync so much of the newest journal can be lost with the machine, and the disk sees 20 flushes a second at most."""

RETRIES_A_SEGMENT: Final = 16
"""A segment that cannot be begun is tried again after so small a part of one has been written."""
GIVEN_UP: Final = frozenset({Outcome.FALLBACK, Outcome.TAKEN, Outcome.LOST})
"""Of calls that ended so the dialplan may tell later: they were in its hands, or nobody knows where they were."""
GIVEN_UP_MAX: Final = 1_000
"""Each segment names so many of the last of them: a fallback holds 300 callers."""
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)

_log = structlog.get_logger("journal")

Fsync = Literal["never", "group"]
_Version = tuple[BrandId, FlowHash]


@dataclasses.dataclass(slots=True)
class _Open:
    seq: int
    call: Call


class Journal:
    """Writes the journal of one engine; the only writer of its folder."""

    def __init__(
        self,
        folder: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        fsync: Fsync = "never",
        reserve_bytes: int = RESERVE_BYTES,
        grew: Callable[[int], None] = lambda _bytes: None,
        tenure: Tenure | None = None,
    ) -> None:
        """Write in the folder by ``tenure``, or take it (made if missing) for this process.

        Raises ``JournalInUseError`` or ``JournalError``.
        ``grew`` is told after every line how many bytes it took, so that whoever ships the journal need not look for more.
        """
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._fsync = fsync
        self._grew = grew
        self._open_calls: dict[CallId, _Open] = {}
        self._flows: dict[_Version, rows.FlowRow] = {}
        self._in_use: set[_Version] = set()
        self._given_up: OrderedDict[ChannelId, None] = OrderedDict()
        self._fd = -1
        self._segment = 0
        self._written = 0
        self._rotate_at = segment_bytes
        self._retired: list[int] = []
        self._torn = False
        self._dirty = asyncio.Event()
        self._tenure = tenure or take(folder)
        self._reserve = Reserve(folder / "reserve", reserve_bytes)

    @property
    def segment(self) -> int:
        """The number of the segment being written."""
        return self._segment

    def has_room(self) -> bool:
        """Tell whether a new call may begin: not while the reserve is used up, which is for those in progress."""
        return self._reserve.take()

    @property
    def folder(self) -> Path:
        """Where the segments are."""
        return self._folder

    def begin(self, recovered: Recovered, at: datetime) -> None:
        """Open a new segment behind everything there is, carrying over the calls that were in progress."""
        for found in recovered.open_calls:
            self._open_calls[found.call.call_id] = _Open(found.seq, found.call)
        for row in recovered.flows:
            self._flows[row.brand, row.flow_hash] = row
        for channel_id, outcome in recovered.ended.items():
            self._keep_given_up(channel_id, outcome)
        self._segment = max(segments(self._folder), default=0)
        self._rotate(at)

    def append_step(self, event: events.CallEvent, effects: tuple[Effect, ...], call: Call) -> int:
        """Record a step and return its number in the call's stream; raises ``JournalError`` if it is not on disk."""
        held = self._open_calls.get(call.call_id)
        seq = 1 if held is None else held.seq + 1
        self._append(lines.step(seq, event, effects, call))
        if call.phase is Phase.ENDED:
            self._open_calls.pop(call.call_id, None)
            self._keep_given_up(call.channel_id, call.outcome)
        elif held is None:
            self._open_calls[call.call_id] = _Open(seq, call)
        else:
            held.seq, held.call = seq, call
        self._rotate_if_full(event.at)
        return seq

    def append_missed(
        self, stream_id: CallId, brand: BrandId, event: CallMissed, call: Call | None
    ) -> None:
        """Record a call that only the dialplan saw, in a stream that it has for itself."""
        self._append(lines.missed(stream_id, brand, event, call))

    def append_number(self, row: rows.NumberRow) -> None:
        """Record a sealed number for the vault."""
        self._append(lines.number(row))

    def append_flow(self, row: rows.FlowRow) -> None:
        """Record a flow version, on which calls may begin from now on; those of the version before go on."""
        self._append(lines.flow(row))
        self._flows[row.brand, row.flow_hash] = row
        self._in_use.add((row.brand, row.flow_hash))

    def retire_flows(self, but: Iterable[_Version]) -> None:
        """Forget, as soon as no call is on them, all versions but these, on which alone calls begin from now on."""
        self._in_use = set(but)

    def _append(self, json: bytes) -> None:
        line = lines.framed(json)
        if self._torn:  # a failed write left half a line: begin on a new one
            line = b"\n" + line
        try:
            self._write(line)
        except OSError as error:
            raise self._unwritable(error) from error
        self._grew(len(line))

    def _write(self, line: bytes) -> None:
        """Write the whole line; short of room, first give up what is kept in reserve for the calls in progress."""
        try:
            _write_all(self._fd, line, self._torn_off)
        except OSError as error:
            if error.errno not in _NO_ROOM or not self._reserve.give_up():
                raise
            _log.error("journal short of room", folder=str(self._folder))
            # What was cut off stays as a line of its own, which is no line.
            again = b"\n" + line if self._torn else line
            _write_all(self._fd, again, self._torn_off)
        self._torn = False
        self._written += len(line)
        self._dirty.set()

    def _torn_off(self) -> None:
        self._torn = True

    def _unwritable(self, error: OSError) -> JournalError:
        return JournalError(f"the journal in {self._folder} cannot be written: {error.strerror}")

    def _rotate_if_full(self, at: datetime) -> None:
        """Rotate between two steps only: what a new segment carries over is then what the old one says.

        The step is written by now and will be acted upon: a segment that cannot be begun is no fault of it, and the old
        one grows until one can.
        """
        if self._written < self._rotate_at:
            return
        try:
            self._rotate(at)
        except JournalError as error:
            self._rotate_at = self._written + self._segment_bytes // RETRIES_A_SEGMENT
            _log.error("journal segment not begun", reason=str(error))

    def _rotate(self, at: datetime) -> None:
        """Begin the next segment with the calls in progress, or leave everything as it is."""
        number = self._segment + 1
        path = self._folder / segment_name(number)
        self._forget_flows()
        head = [lines.framed(lines.opened(at, len(self._open_calls)))]
        head += [lines.framed(lines.flow(row)) for row in self._flows.values()]
        if self._given_up:
            head.append(lines.framed(lines.given_up(self._given_up)))
        head += [
            lines.framed(lines.open_call(held.seq, held.call)) for held in self._open_calls.values()
        ]
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        try:
            fd = os.open(path, flags, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        whole = b"".join(head)
        try:
            _write_all(fd, whole, lambda: None)
        except OSError as error:
            os.close(fd)
            path.unlink(missing_ok=True)
            raise self._unwritable(error) from error
        self._retire(self._fd)
        self._fd, self._segment, self._torn = fd, number, False
        self._written, self._rotate_at = len(whole), len(whole) + self._segment_bytes
        self._dirty.set()
        self._grew(len(whole))

    def _keep_given_up(self, channel_id: ChannelId, outcome: Outcome | None) -> None:
        if outcome in GIVEN_UP:
            self._given_up[channel_id] = None
        while len(self._given_up) > GIVEN_UP_MAX:
            self._given_up.popitem(last=False)

    def _forget_flows(self) -> None:
        """Keep the versions that calls are on or may begin on: a restart knows no others."""
        calls = [held.call for held in self._open_calls.values()]
        used = {(call.brand, call.flow.hash) for call in calls} | self._in_use
        called = [
            (brand, flow_hash)
            for (brand, version), row in self._flows.items()
            if (brand, version) in used
            for _, flow_hash in row.uses
        ]
        used.update(called)
        self._flows = {version: row for version, row in self._flows.items() if version in used}

    def _retire(self, fd: int) -> None:
        """Close a segment that is full; with group fsync only when what it ends with is on the disk."""
        if fd < 0:
            return
        if self._fsync == "group":
            self._retired.append(fd)
        else:
            os.close(fd)

    async def keep_synced(self) -> None:
        """Flush to the disk what was written, again and again, until cancelled; returns at once without group fsync."""
        while self._fsync == "group":
            await self._dirty.wait()
            self._dirty.clear()
            retired, self._retired = self._retired, []
            # A descriptor of its own: the segment may be retired, and closed, while a thread flushes it.
            await asyncio.to_thread(_flush, [*retired, os.dup(self._fd)])
            await asyncio.sleep(FSYNC_PAUSE_S)

    def close(self) -> None:
        """Let go of the file and of the folder."""
        self._reserve.give_up()
        for fd in self._retired:
            os.close(fd)
        self._retired = []
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        self._tenure.close()


def _write_all(fd: int, data: bytes, cut_off: Callable[[], None]) -> None:
    """Write everything; ``cut_off`` is called as soon as a part of it is written and the rest is not yet."""
    done = os.write(fd, data)
    while done < len(data):
        cut_off()
        done += os.write(fd, data[done:])


def _flush(fds: Sequence[int]) -> None:
    """Bring segments to the disk, and close these descriptors of them."""
    try:
        for fd in fds:
            os.fdatasync(fd)
    finally:
        for fd in fds:
            os.close(fd)
