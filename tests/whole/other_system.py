"""The flows of dialogues on an engine, and the other system that they ask over HTTP: it answers each caller as a script says."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from aiohttp import web

from ivrengine.core.events import Unanswered
from ivrengine.numbers.normal import mask
from ivrengine.testing.given import Replies
from ivrengine.testing.scripted import Scripted
from tests.live.access import instance
from tests.whole.engine import Engine, open_folder, running

FOLDER: Final = Path(__file__).parent / "dialogues"
WRITTEN_PORT: Final = 8099
"""Where the flows ask, as their files have it."""
TOO_BIG_BYTES: Final = 2_000_000
LATE_S: Final = 20.0


class OtherSystem:
    """What is asked there."""

    def __init__(self, replies: Mapping[str, Mapping[str, Replies]]) -> None:
        """Answer by the caller's masked number, which is all that a flow can tell of them, and by the node that asks."""
        self._replies = replies
        self.asked: list[str] = []
        """The addresses, headers and bodies of all that came."""
        self.told: list[Mapping[str, object]] = []
        """The bodies of what was told."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request for the node that the path names, and close the line: nobody waits for its end afterwards."""
        response = await self._response(request)
        response.force_close()
        return response

    async def _response(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.text()
        self.asked.append(f"{request.method} {request.url} {request.headers} {body}")
        if request.method == "POST":
            self.told.append(json.loads(body))
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


def replies_of(scripts: Iterable[Scripted]) -> Mapping[str, Mapping[str, Replies]]:
    """Return what is answered in scripts, each of which has a caller of its own."""
    return {mask(each.given.number): each.given.http for each in scripts if each.given.number}


@contextlib.asynccontextmanager
async def serving(
    replies: Mapping[str, Mapping[str, Replies]],
) -> AsyncIterator[OtherSystem]:
    """Let the other system listen on loopback."""
    system = OtherSystem(replies)
    runner = web.ServerRunner(web.Server(system.answer), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "localhost", port()).start()
        yield system
    finally:
        await runner.cleanup()


def port() -> int:
    """Return where the other system listens: tests of several instances run side by side."""
    return WRITTEN_PORT + 100 * (int(instance()) - 1)


@contextlib.contextmanager
def on_stage(**settings: object) -> Iterator[Engine]:
    """Run an engine on the flows of the dialogues, which ask at the port of this instance."""
    with open_folder() as folder:
        flows = folder / "flows"
        shutil.copytree(FOLDER, flows)
        inquiries = flows / "inquiries.yaml"
        text = inquiries.read_text(encoding="utf-8")
        assert f":{WRITTEN_PORT}/" in text
        inquiries.write_text(text.replace(f":{WRITTEN_PORT}/", f":{port()}/"), encoding="utf-8")
        allowed = f'["http://localhost:{port()}"]'
        with running(flows=flows, http__allow=allowed, **settings) as engine:
            yield engine
