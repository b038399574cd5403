"""The HTTP door at which an Asterisk that shares no disk with the engine fetches its prompts.

A prompt's address names its content, so Asterisk's media cache never has an old one and asks once.
"""

import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Final

import structlog
from aiohttp import web

from ivrengine.prompts.convert import SUFFIXES
from ivrengine.telemetry.metrics import Metrics
from ivrengine.telemetry.watching import listening

Network = IPv4Network | IPv6Network

_PATH: Final = re.compile(
    r"/(?P<place>[a-z][a-z0-9_-]{0,99}/[a-z]{2}/[a-z][a-z0-9_-]{0,99}-[0-9a-f]{12})(?P<suffix>\.[a-z0-9]+)"
)
"""``/<brand>/<language>/<name>-<hash>.<form>``; nothing else is looked for, so no path leads out of the folder."""
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_TOLD_MAX: Final = 16
"""Strangers whose addresses the log names; the metric counts all."""

_log = structlog.get_logger(__name__)


class PromptDoor:
    """Hands out the finished prompts of one folder, and nothing else, to those who are allowed."""

    def __init__(self, folder: Path, allowed: Sequence[Network], metrics: Metrics) -> None:
        self._folder = folder.absolute()
        self._allowed = tuple(allowed)
        self._fetched = metrics.prompts_fetched
        self._told: set[str] = set()

    @contextlib.asynccontextmanager
    async def open(self, address: str) -> AsyncIterator[int]:
        """Listen on ``host:port`` while the context is open, and give the port; raises ``OSError``."""
        async with listening(address, [web.get("/{path:.*}", self._fetch)]) as port:
            yield port

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        if request.remote is None or not self._is_allowed(request.remote):
            self._fetched.labels("refused").inc()
            raise web.HTTPForbidden
        found = self._file(request.raw_path)
        if found is None:
            self._fetched.labels("unknown").inc()
            raise web.HTTPNotFound
        self._fetched.labels("served").inc()
        headers = {"Cache-Control": _FOR_EVER, "X-Content-Type-Options": "nosniff"}
        return web.FileResponse(found, headers=headers)

    def _file(self, path: str) -> Path | None:
        """Return the file of a prompt, unless there is none; a link is none, wherever it leads."""
        found = _PATH.fullmatch(path)
        if found is None or found["suffix"] not in SUFFIXES:
            return None
        file = self._folder / f"{found['place']}{found['suffix']}"
        within = (file, file.parent, file.parent.parent)
        return file if file.is_file() and not any(each.is_symlink() for each in within) else None

    def _is_allowed(self, remote: str) -> bool:
        address = ip_address(remote)
        mapped = getattr(address, "ipv4_mapped", None)
        if any((mapped or address) in network for network in self._allowed):
            return True
        if remote not in self._told and len(self._told) < _TOLD_MAX:
            self._told.add(remote)
            _log.warning("prompt refused", asked_by=remote, hint="prompts.allow")
        return False
