"""The small HTTP door for those who watch an engine: ``/metrics``, ``/healthz`` and ``/readyz``.

It runs on the engine's own loop: that it answers at all shows that the loop turns.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable
from http import HTTPStatus
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from ivrengine.telemetry.readiness import Readiness

IDLE_S: Final = 75.0
"""A scraper comes each 15 to 60 s, and need not connect anew."""
BODY_BYTES_MAX: Final = 1024
"""Nobody has anything to tell here."""
CLOSE_LIMIT_S: Final = 0.2
BACKLOG: Final = 16
"""A scraper or two, a supervisor, a person; an Asterisk that fetches a prompt waits its turn in the kernel."""


class Watched:
    """What is told to those who watch; nothing of it waits for anything but the writing of the metrics."""

    def __init__(self, registry: CollectorRegistry, ready: Callable[[], Readiness]) -> None:
        self._registry = registry
        self._ready = ready
        self._written: asyncio.Future[bytes] | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return the pages; there are no others."""
        return [
            web.get("/metrics", self._metrics),
            web.get("/healthz", self._health),
            web.get("/readyz", self._readiness),
        ]

    async def _metrics(self, _request: web.Request) -> web.Response:
        # In a thread, as thousands of series take tens of milliseconds; once for all who ask meanwhile.
        if self._written is None or self._written.done():
            loop = asyncio.get_running_loop()
            self._written = loop.run_in_executor(None, generate_latest, self._registry)
        body = await asyncio.shield(self._written)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _health(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _readiness(self, _request: web.Request) -> web.Response:
        found = self._ready()
        status = HTTPStatus.OK if found.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response(found.body(), status=status, dumps=_dumps)


def _dumps(body: object) -> str:
    return json.dumps(body, ensure_ascii=False)


@contextlib.asynccontextmanager
async def open_to_watch(address: str, watched: Watched) -> AsyncIterator[int]:
    """Listen on ``host:port`` while the context is open, and give the port (a free one for 0); raises ``OSError``."""
    async with listening(address, watched.routes()) as port:
        yield port


@contextlib.asynccontextmanager
async def listening(address: str, routes: Iterable[web.RouteDef]) -> AsyncIterator[int]:
    """Serve pages that nobody sends anything to, on ``host:port``, and give the port; raises ``OSError``."""
    host, _, port = address.rpartition(":")
    pages = web.Application(client_max_size=BODY_BYTES_MAX)
    pages.add_routes(routes)
    runner = web.AppRunner(
        pages,
        access_log=None,
        keepalive_timeout=IDLE_S,
        shutdown_timeout=CLOSE_LIMIT_S,
        handle_signals=False,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host.strip("[]"), int(port), backlog=BACKLOG)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
