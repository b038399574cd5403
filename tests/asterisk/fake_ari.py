"""An ARI server of our own, for what a real Asterisk cannot be made to do on demand: lose answers, hang, lie, be old.

It speaks just enough ARI for the door; that the door understands the real one is for tests/contract to show.
"""

import asyncio
import base64
import contextlib
import dataclasses
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

from aiohttp import web
from aiohttp.typedefs import Handler

from ivrengine.asterisk import switch
from ivrengine.asterisk.lease import Lease
from ivrengine.asterisk.node import Node
from ivrengine.core.ids import NodeName
from ivrengine.core.switching import SwitchEvent
from tests.asterisk.api_docs import OPERATIONS, described

SAFE: Final = "22.10.1"
USER, PASSWORD = "ivrengine", "secret: %41"
NOW: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in."""

    method: str
    path: str
    query: Mapping[str, str]
    body: str


Reply = Callable[[web.Request], Any]
"""Returns (or waits for) a response; may also raise."""


def says(status: int, body: object = None) -> Reply:
    """Answer so."""

    def reply(_request: web.Request) -> web.Response:
        return web.Response(status=status, text="" if body is None else json.dumps(body))

    return reply


async def loses_the_answer(request: web.Request) -> web.Response:
    """Close the connection without a word."""
    assert request.transport is not None
    request.transport.abort()
    await asyncio.sleep(3600)
    raise AssertionError


async def hangs(_request: web.Request) -> web.Response:
    """Never answer."""
    await asyncio.sleep(3600)
    raise AssertionError


class FakeAri:
    """The server; ``replies`` holds, for each request, what to answer next (the last one stays)."""

    def __init__(self) -> None:
        self.version = SAFE
        self.asked: list[Asked] = []
        self.replies: dict[tuple[str, str], list[Reply]] = {}
        self.sockets: list[web.WebSocketResponse] = []
        self.socket_queries: list[str] = []
        self.headers: list[Mapping[str, str]] = []
        self.missing: set[str] = set()
        self.lane: Literal["refuses", "answers", "is silent"] = "refuses"
        """What becomes of requests that come over an event socket."""
        self.lane_asked: list[tuple[str, str]] = []
        self.second: web.WebSocketResponse | None = None
        self.second_lane: Literal["answers", "is silent"] = "answers"
        self.second_asked: list[tuple[str, str]] = []
        self.variables: dict[str, str] = {}
        """The global variables of its dialplan."""
        self.forbids = False
        """Answers 403 to whatever is asked, as to an address that its ACL does not permit."""
        self.deadlocked = False
        """Takes event sockets and never opens them, as after asterisk issue 2170."""
        self.connections_most = 0
        self._opened = asyncio.Event()
        self._runner: web.AppRunner
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, port: int = 0, *, tls: ssl.SSLContext | None = None) -> None:
        app = web.Application(middlewares=[self._permit])
        app.router.add_get("/ari/api-docs/{name}.json", self._describe)
        app.router.add_get("/ari/events", self._events)
        app.router.add_route("*", "/ari/{path:.*}", self._request)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port or self.port, ssl_context=tls)
        await site.start()
        self.port = self._runner.addresses[0][1]

    @web.middleware
    async def _permit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self.forbids:
            self.headers.append(dict(request.headers))
            return web.json_response({"message": "Forbidden"}, status=403)
        return await handler(request)

    async def stop(self) -> None:
        await self._runner.cleanup()

    def reply(self, method: str, path: str, *replies: Reply) -> None:
        self.replies[method, path] = list(replies)

    async def send(self, event: object) -> None:
        text = event if isinstance(event, str) else json.dumps(event)
        await self.sockets[-1].send_str(text)

    async def opened(self, count: int = 1) -> None:
        """Wait until so many event sockets have been opened, ever."""
        async with asyncio.timeout(3):
            while len(self.sockets) < count:
                self._opened.clear()
                await self._opened.wait()

    def health_checks(self) -> int:
        """Return how often the application was asked for."""
        return sum(each.path == "/applications/ivrengine" for each in self.asked)

    def commands(self) -> list[tuple[str, str]]:
        """Return what was asked beside what the link asks for itself."""
        own = ("/asterisk/info", "/applications/")
        return [(each.method, each.path) for each in self.asked if not each.path.startswith(own)]

    def _allowed(self, request: web.Request) -> bool:
        self.headers.append(dict(request.headers))
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return request.headers.get("Authorization") == f"Basic {login}"

    async def _describe(self, request: web.Request) -> web.StreamResponse:
        if not self._allowed(request):
            return web.Response(status=401)
        name = request.match_info["name"]
        # As Asterisk does, from the Host header; here a name that would lead astray.
        found: dict[str, Any] = {"basePath": "http://nowhere.invalid:1/ari"}
        if name == "resources":
            listed = [
                {"path": f"/api-docs/{each}.{{format}}", "description": ""} for each in OPERATIONS
            ]
            found |= {"swaggerVersion": "1.1", "apis": listed, "basePath": f"{self.url}/ari"}
        else:
            apis = [
                described(name, *each)
                for each in OPERATIONS[name]
                if f"{name}.{each[0]}" not in self.missing
            ]
            found |= {"resourcePath": f"/api-docs/{name}.json", "apis": apis, "models": {}}
        return web.json_response(found)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if not self._allowed(request):
            return web.Response(status=401)
        second = "-lane-" in request.query_string
        self.socket_queries += [] if second else [request.query_string]
        if self.deadlocked:
            return await hangs(request)
        socket = web.WebSocketResponse(autoping=("GET", "/pong") not in self.replies)
        await socket.prepare(request)
        if second:
            self.second = socket
        else:
            self.sockets.append(socket)
            self._opened.set()
        async for message in socket:
            await self._over_socket(socket, json.loads(message.data))
        return socket

    async def _over_socket(self, socket: web.WebSocketResponse, asked: Mapping[str, Any]) -> None:
        assert asked["type"] == "RESTRequest"
        second = socket is self.second
        (self.second_asked if second else self.lane_asked).append((asked["method"], asked["uri"]))
        if (self.second_lane if second else self.lane) == "is silent":
            return
        known = self.lane == "answers"
        status = 501 if not known else 200 if asked["method"] == "GET" else 204
        if known and "gone" in asked["uri"]:
            status = 404
        answer = {
            "type": "RESTResponse",
            "transaction_id": asked["transaction_id"],
            "request_id": asked["request_id"],
            "status_code": status,
            "message_body": json.dumps({"message": "Channel not found"}) if status == 404 else "",
        }
        await socket.send_str(json.dumps(answer))

    async def _request(self, request: web.Request) -> web.StreamResponse:
        if not self._allowed(request):
            return web.Response(status=401)
        path = f"/{request.match_info['path']}"
        body = await request.text()
        self.asked.append(Asked(request.method, path, dict(request.query), body))
        replies = self.replies.get((request.method, path))
        if replies:
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
            answer = reply(request)
            response = await answer if asyncio.iscoroutine(answer) else answer
            assert isinstance(response, web.StreamResponse)
            return response
        if path == "/asterisk/variable":
            return self._variable(request)
        return self._usual(request.method, path)

    def _variable(self, request: web.Request) -> web.Response:
        name = request.query["variable"]
        if request.method == "GET":
            clock = {"EPOCH": str(int(time.time()))}
            return web.json_response({"value": (clock | self.variables).get(name, "")})
        self.variables[name] = request.query["value"]
        return web.Response(status=204)

    def _usual(self, method: str, path: str) -> web.Response:
        if path == "/asterisk/info":
            return web.json_response({"system": {"version": self.version}})
        if path.startswith("/applications/"):
            return web.json_response({"name": "ivrengine"})
        if method == "GET":
            return web.json_response({"message": "not found"}, status=404)
        return web.Response(status=204)


class Counted:
    """A meter that keeps what it was told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.away = 0
        self.drops: list[str] = []
        self.links: list[bool] = []
        self.health: list[bool] = []
        self.ami_links: list[bool] = []

    def requested(self, node: NodeName, operation: str, outcome: str, duration_s: float) -> None:
        assert duration_s >= 0
        self.requests.append((operation, outcome))

    def heard(self, node: NodeName, kind: str) -> None:
        assert kind[0].isupper()

    def dropped(self, node: NodeName, reason: str) -> None:
        self.drops.append(reason)

    def linked(self, node: NodeName, *, up: bool) -> None:
        self.links.append(up)

    def healthy(self, node: NodeName, *, well: bool) -> None:
        self.health.append(well)

    def turned_away(self, node: NodeName, calls: int) -> None:
        self.away += calls

    def ami_linked(self, node: NodeName, *, up: bool) -> None:
        self.ami_links.append(up)


class Door:
    """A door under test at a fake Asterisk, and all that it told."""

    def __init__(self, fake: FakeAri, *, right: Lease | None = None, **settings: Any) -> None:
        self.fake = fake
        self.told: list[SwitchEvent] = []
        self.meter = Counted()
        self.attempts = 0
        """How many times it has begun to wait for its next attempt."""
        self._news = asyncio.Event()
        known = {"name": "ast1", "url": fake.url, "username": USER, "password": PASSWORD}
        self.switch = switch.AriSwitch(
            Node(**(known | settings)),
            listener=self.listen,
            now=lambda: NOW,
            meter=self.meter,
            chance=self._count_attempt,
            right=right,
        )

    def _count_attempt(self) -> float:
        self.attempts += 1
        return 0.999

    def listen(self, event: SwitchEvent) -> None:
        self.told.append(event)
        self._news.set()

    async def heard(self, count: int) -> list[SwitchEvent]:
        """Wait until so many events have been told."""
        async with asyncio.timeout(3):
            while len(self.told) < count:
                self._news.clear()
                await self._news.wait()
        return self.told

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for what no event tells."""
        async with asyncio.timeout(3):
            while not condition():
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(door: Door) -> AsyncIterator[asyncio.Task[None]]:
    """Run the door, whatever comes of it."""
    task = asyncio.ensure_future(door.switch.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


@contextlib.asynccontextmanager
async def linked(**settings: Any) -> AsyncIterator[Door]:
    """Give a door that has its link up."""
    fake = FakeAri()
    await fake.start()
    try:
        door = Door(fake, **settings)
        async with running(door):
            await door.heard(1)
            await door.until(lambda: door.switch.healthy)
            yield door
    finally:
        await fake.stop()
