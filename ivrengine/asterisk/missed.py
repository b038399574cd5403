"""What happened while nobody listened: missed calls from the dialplan's file, or from AMI where that is another machine's.

Each fact is told until the engine has recorded it. A crash between telling and noting that it was told makes it told again, which
the engine knows how to take; nothing makes it lost.
"""

import asyncio
import contextlib
from collections import deque
from pathlib import Path
from typing import Final

import structlog

from ivrengine.asterisk import missed_lines
from ivrengine.asterisk.listening import Listener
from ivrengine.asterisk.meter import Meter
from ivrengine.asterisk.missed_file import MissedFile, unsuitable
from ivrengine.core.switching import NotTakenError

LOOK_EVERY_S: Final = 5.0
"""The bell of AMI wakes us at once; without it a missed call is known this late."""
AGAIN_S: Final = 5.0
"""A journal or a disk that takes nothing is tried again after so long."""
LINGER_S: Final = 600.0
"""A renamed file is kept so long: Asterisk, stopped between opening and writing, has not come back by then and never will."""
PENDING_MAX: Final = 1_000
"""Facts that came by AMI alone and wait for the journal; more means that it is away for long, and then nobody is served."""

_log = structlog.get_logger(__name__)


class Missed:
    """Reads the missed calls of one Asterisk."""

    def __init__(
        self,
        reading: missed_lines.Reading,
        folder: Path | None,
        *,
        tell: Listener,
        meter: Meter,
    ) -> None:
        """Read ``folder``; without one, take the lines that ring."""
        self._reading = reading
        self._folder = folder
        self._file = None if folder is None else MissedFile(folder)
        self._tell = tell
        self._meter = meter
        self._bell = asyncio.Event()
        self._pending: deque[bytes] = deque()
        self._linger_until: float | None = None
        self._trouble = ""

    def ring(self, line: str) -> None:
        """Be told by AMI that there is a line, and which."""
        if self._file is None and line:
            if len(self._pending) >= PENDING_MAX:
                self._pending.popleft()
                self._drop("too many missed calls")
            self._pending.append(line.encode())
        self._bell.set()

    async def run(self) -> None:
        """Tell missed calls until cancelled."""
        if self._folder is not None and (why := unsuitable(self._folder)) is not None:
            self._say("missed calls not read", f"{self._folder}: {why}")
        while True:
            self._bell.clear()
            within_s = LOOK_EVERY_S
            try:
                if self.read_some():
                    within_s = 0.0  # there may be more; the calls have their turn first
                else:
                    self._remove(asyncio.get_running_loop().time())
                self._trouble = ""
            except NotTakenError:
                within_s = AGAIN_S
                self._say("missed calls wait", "the journal cannot be written")
            except OSError as error:
                within_s = AGAIN_S
                self._say("missed calls not read", f"{error.filename}: {error.strerror}")
            await self._pause(within_s)

    async def _pause(self, within_s: float) -> None:
        """Wait for the bell, so long at most."""
        if not within_s:
            await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._bell.wait()

    def read_some(self) -> bool:
        """Tell the next missed calls; return whether there were any. Raises ``NotTakenError`` or ``OSError``."""
        if self._file is None:
            return self._tell_pending()
        batch = self._file.next()
        if batch is None:
            return False
        for line in batch.lines:
            if not self._take(line) and line and not self._file.put_aside(line):
                self._drop("too many refused lines")
        self._file.acknowledge(batch)
        return True

    def _tell_pending(self) -> bool:
        if not self._pending:
            return False
        self._take(self._pending[0])
        self._pending.popleft()
        return True

    def _take(self, line: bytes) -> bool:
        """Tell the fact of a line; return False if it has none."""
        found = missed_lines.read(line, self._reading)
        if isinstance(found, missed_lines.Complaint):
            if line:
                _log.warning("missed call refused", node=self._reading.node, reason=found.reason)
                self._drop(found.reason)
            return False
        if found.sealed:
            _log.error(
                "number not opened",
                node=self._reading.node,
                reason="compare seal_key with IVR_SEAL_KEY of the dialplan",
            )
            self._drop(missed_lines.UNSEALED)
        self._meter.heard(self._reading.node, type(found.call).__name__)
        self._tell(found.call)
        return True

    def _remove(self, now_s: float) -> None:
        """Remove what is read: first out of Asterisk's way, and when nothing can come any more, for good."""
        if self._file is None:
            return
        if self._linger_until is None:  # the engine before may have renamed it a moment ago
            self._linger_until = now_s + LINGER_S if self._file.removing else now_s
        if now_s >= self._linger_until and self._file.finish_removal():
            self._linger_until = now_s + LINGER_S if self._file.begin_removal() else now_s

    def _drop(self, reason: str) -> None:
        self._meter.dropped(self._reading.node, reason)

    def _say(self, event: str, reason: str) -> None:
        """Say each new trouble once."""
        if reason != self._trouble:
            self._trouble = reason
            _log.error(event, node=self._reading.node, reason=reason)
