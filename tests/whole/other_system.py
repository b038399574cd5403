"""The other system that the flows of dialogues ask, over HTTP: it answers each caller as their script says."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final

from aiohttp import web

from ivrengine.core.events import Unanswered
from ivrengine.numbers.normal import mask
from ivrengine.testing.given import Replies
from ivrengine.testing.scripted import Scripted

TOO_BIG_BYTES: Final = 2_000_000
LATE_S: Final = 20.0


class OtherSystem:
    """What is asked there; callers are known by their masked number, which is all that a flow can tell of them."""

    def __init__(self, scripts: Iterable[Scripted]) -> None:
        self._replies: dict[str, Mapping[str, Replies]] = {
            mask(script.given.number): script.given.http
            for script in scripts
            if script.given.number
        }
        self.told: list[Mapping[str, object]] = []
        """The bodies of what was told."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request for the node that the path names, and close the line: nobody waits for its end afterwards."""
        response = await self._response(request)
        response.force_close()
        return response

    async def _response(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST":
            self.told.append(await request.json())
        given = self._replies[request.query["who"]][request.path.removeprefix("/")]
        await asyncio.sleep(given.after_s)
        match given.fails:
            case None:
                text = json.dumps(given.content)
                return web.Response(status=given.status, text=text, content_type="application/json")
            case Unanswered.TIMEOUT:
                await asyncio.sleep(LATE_S)
            case Unanswered.NOT_JSON:
                return web.Response(text="<html>", content_type="application/json")
            case Unanswered.TOO_BIG:
                return web.Response(
                    text=json.dumps("x" * TOO_BIG_BYTES), content_type="application/json"
                )
            case _:
                pass
        if request.transport is not None:
            request.transport.abort()
        return web.Response()


@contextlib.asynccontextmanager
async def serving(scripts: Iterable[Scripted], port: int) -> AsyncIterator[OtherSystem]:
    """Let the other system of these scripts listen on loopback."""
    system = OtherSystem(scripts)
    runner = web.ServerRunner(web.Server(system.answer), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "localhost", port).start()
        yield system
    finally:
        await runner.cleanup()
