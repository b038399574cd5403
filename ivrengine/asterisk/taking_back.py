"""Taking callers back from the fallback queue, who wait there because the engine was away; with every heartbeat a few of them.

Their channels carry ``IVR_AWAY_SINCE``; who does not was sent there by an engine, and stays with people. Withdrawn from the queue
(``QueueWithdrawCaller``) a caller enters our application again, with the time since when they wait. One whom the queue offers to
an agent at that moment is left to the agent: Asterisk looks at the request only when the phones have stopped ringing.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec
import structlog

from ivrengine.asterisk import ami_translate, wire
from ivrengine.asterisk.ami_eye import Ask
from ivrengine.asterisk.endpoints import Read
from ivrengine.core.events import Failure
from ivrengine.core.ids import NodeName
from ivrengine.core.switching import Announcement, RequestRefusedError

A_HEARTBEAT: Final = 5
"""Heartbeats come once a second; an engine that has just come back has other calls to see to, and 200 are taken in 40 s."""
AGAIN_AFTER: Final = 30
"""Heartbeats; longer than a phone rings, behind which a request may have to wait."""
VARIABLE: Final = "IVR_AWAY_SINCE"
_PATH: Final = "channels/{}/variable?variable=" + VARIABLE
_EPOCH: Final = re.compile(r"[1-9][0-9]{8,9}", re.ASCII)
_CHANNEL: Final = re.compile(r"[A-Za-z0-9_./@:;-]{1,150}", re.ASCII)
_ID: Final = re.compile(r"[A-Za-z0-9_.-]{1,150}", re.ASCII)

_log = structlog.get_logger(__name__)


class _Variable(msgspec.Struct):
    value: str


_variable: Final = msgspec.json.Decoder(_Variable)


class TakingBack:
    """Takes back the callers of one Asterisk."""

    def __init__(
        self, node: NodeName, queue: str, *, waiting: Callable[[], int], ask: Ask, read: Read
    ) -> None:
        """Ask for the callers of ``queue`` while ``waiting`` says that there are any."""
        self._node = node
        self._queue = queue
        self._waiting = waiting
        self._ask = ask
        self._read = read
        self._heartbeat = asyncio.Event()
        self._since: dict[str, datetime | None] = {}
        """Since when those in the queue wait for us; None for who does not. Of those only who still are in it."""
        self._asked: dict[str, int] = {}
        """In which heartbeat who was asked for: an engine that went again meanwhile has left them in the queue."""
        self._heartbeats = 0

    def hear(self, announcement: Announcement) -> None:
        """Learn that the engine has said that it lives, and whether it takes calls."""
        if announcement.calls_max > 0 and self._waiting():
            self._heartbeats += 1
            self._heartbeat.set()

    async def run(self) -> None:
        """Take callers back until cancelled."""
        while True:
            await self._heartbeat.wait()
            self._heartbeat.clear()
            try:
                await self.take_some()
            except RequestRefusedError as refused:
                _log.debug("nobody taken back", node=self._node, reason=refused.detail)

    async def take_some(self) -> None:
        """Take back the next few of those who wait longest; raises ``RequestRefusedError`` without AMI or ARI."""
        entries = _entries(await self._ask("QueueStatus", Queue=self._queue, Member="-"))
        there = {entry["uniqueid"] for entry in entries}
        self._since = {name: since for name, since in self._since.items() if name in there}
        last = self._heartbeats - AGAIN_AFTER
        self._asked = {
            name: turn for name, turn in self._asked.items() if name in there and turn > last
        }
        for entry in entries:
            if entry["uniqueid"] not in self._since:
                self._since[entry["uniqueid"]] = await self._away_since(entry["uniqueid"])
        waiting = [
            (since_at, entry)
            for entry in entries
            if (since_at := self._since[entry["uniqueid"]]) is not None
            and entry["uniqueid"] not in self._asked
        ]
        waiting.sort(key=lambda each: each[0])
        for since_at, entry in waiting[:A_HEARTBEAT]:
            await self._take(entry, since_at)

    async def _take(self, entry: ami_translate.Said, since_at: datetime) -> None:
        self._asked[entry["uniqueid"]] = self._heartbeats
        try:
            await self._ask("QueueWithdrawCaller", Queue=self._queue, Caller=entry["channel"])
        except RequestRefusedError as refused:  # they have gone, or been answered, this very moment
            _log.debug("caller not taken back", node=self._node, reason=refused.detail)
        else:
            _log.info("caller taken back", node=self._node, waiting_since=since_at.isoformat())

    async def _away_since(self, channel: str) -> datetime | None:
        try:
            found = _variable.decode(await self._read(_PATH.format(channel)))
        except wire.AnsweredError as refused:
            if refused.failure is not Failure.GONE:
                raise
            return None  # no such variable, or the caller has gone
        except msgspec.MsgspecError as error:
            raise wire.NoAnswerError("an answer that is not ARI's") from error
        if not _EPOCH.fullmatch(found.value):
            return None
        return datetime.fromtimestamp(int(found.value), UTC)


def _entries(answer: Sequence[ami_translate.Said]) -> list[ami_translate.Said]:
    """Return the callers in the queue, in its order; without those whose names are none."""
    return [
        said
        for said in answer
        if said.get("event") == "QueueEntry"
        and _ID.fullmatch(said.get("uniqueid", ""))
        and _CHANNEL.fullmatch(said.get("channel", ""))
    ]
