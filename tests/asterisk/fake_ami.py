"""A manager interface on a real TCP port that says what a test wants, byte by byte, and a link at it."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ivrengine.asterisk.ami_eye import Eye
from ivrengine.asterisk.ami_link import AmiLink
from ivrengine.asterisk.node import AmiAccess, Node
from ivrengine.core.switching import PhoneSeen, SightLost, SwitchEvent
from tests.asterisk.fake_ari import Counted

USER: Final = "ivrengine"
SECRET: Final = "k0nusma-gizli-5329"
BANNER: Final = b"Asterisk Call Manager/11.0.0\r\n"
NOW: Final = datetime(2026, 3, 4, 9, 30, tzinfo=UTC)
BOOTED: Final = "Event: FullyBooted\r\nStatus: Fully Booted"

Packet = Mapping[str, str]
Answer = Callable[[Packet], list[str]]


def accepts(_action: Packet) -> list[str]:
    """Log in, as an Asterisk that has loaded everything."""
    return ["Response: Success\r\nMessage: Authentication accepted", BOOTED]


def says(*messages: str) -> Answer:
    """Answer so; the first message gets the action's id."""
    return lambda _action: list(messages)


def hangs(_action: Packet) -> list[str]:
    """Never answer."""
    return []


class FakeAmi:
    """The server: each action has an answer, and ``send`` says anything to all connections."""

    def __init__(self, banner: bytes = BANNER, context: ssl.SSLContext | None = None) -> None:
        self.banner = banner
        self.asked: list[Packet] = []
        self.connections = 0
        self.answers: dict[str, Answer] = {
            "Login": accepts,
            "Ping": says("Response: Success\r\nPing: Pong"),
            "PJSIPShowRegistrationsOutbound": says(
                "Response: Success\r\nEventList: start\r\nMessage: Following are Events",
                "Event: OutboundRegistrationDetailComplete\r\nEventList: Complete",
            ),
            "QueueStatus": says(
                "Response: Success\r\nEventList: start\r\nMessage: Queue status will follow",
                "Event: QueueParams\r\nQueue: ivrengine-fallback\r\nCalls: 0",
                "Event: QueueStatusComplete\r\nEventList: Complete",
            ),
        }
        self._context = context
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._context
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()

    def drop(self) -> None:
        """Break off all connections."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        writer.write(self.banner)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                lines = [line.partition(": ") for line in text.split("\r\n") if line]
                self._answer({name.lower(): value for name, _, value in lines}, writer)

    def _answer(self, action: Packet, writer: asyncio.StreamWriter) -> None:
        self.asked.append(action)
        answer = self.answers.get(action["action"], says("Response: Error\r\nMessage: Denied"))
        for message in answer(action):
            about = "" if message == BOOTED else f"\r\nActionID: {action['actionid']}"
            writer.write(f"{message}{about}\r\n\r\n".encode())

    def raw(self, *pieces: bytes) -> None:
        """Say these bytes on all connections."""
        for writer in self._writers:
            for piece in pieces:
                writer.write(piece)

    def event(self, text: str) -> None:
        """Say one event."""
        self.raw(f"Event: {text}\r\n\r\n".encode())

    def actions(self) -> list[str]:
        return [each["action"] for each in self.asked]


ENDPOINTS: Final = """[
    {"technology": "PJSIP", "resource": "agent-101", "state": "online", "channel_ids": []},
    {"technology": "PJSIP", "resource": "agent-102", "state": "offline", "channel_ids": []},
    {"technology": "PJSIP", "resource": "agent-103", "state": "online", "channel_ids": ["1.7"]},
    {"technology": "PJSIP", "resource": "trunk-out", "state": "online", "channel_ids": []},
    {"technology": "PJSIP", "resource": "trunk-in", "state": "offline", "channel_ids": []}
]"""


async def lists(path: str) -> str:
    """Answer as ARI does when it is asked who can be reached."""
    if path == "endpoints/PJSIP":
        return ENDPOINTS
    aors = "trunk-out" if path.endswith("/trunk-out") else ""
    return f'[{{"attribute": "aors", "value": "{aors}"}}]'


class Sighted:
    """A link under test, and all that it told."""

    def __init__(self, fake: FakeAmi, **access: Any) -> None:
        known: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": fake.port,
            "username": USER,
            "secret": SECRET,
        }
        settings = AmiAccess(**(known | access))
        node = Node(
            name="ast1",
            url="http://127.0.0.1",
            username="",
            password="",
            trunks=frozenset({"trunk-in", "trunk-out"}),
        )
        self.told: list[SwitchEvent] = []
        self.rung: list[str] = []
        self.meter = Counted()
        self.attempts = 0
        self._news = asyncio.Event()
        eye = Eye(
            node,
            read=lists,
            tell=self.listen,
            rung=self.rung.append,
            now=lambda: NOW,
            meter=self.meter,
        )
        self.link = AmiLink(settings, eye, meter=self.meter, chance=self._count_attempt)

    def _count_attempt(self) -> float:
        self.attempts += 1
        return 0.999

    def listen(self, event: SwitchEvent) -> None:
        self.told.append(event)
        self._news.set()

    def phones(self) -> dict[str, str]:
        """Return the newest state of each phone, as it was told."""
        held: dict[str, str] = {}
        for event in self.told:
            match event:
                case PhoneSeen():
                    held[event.endpoint.removeprefix("PJSIP/")] = event.state
                case SightLost():
                    held.clear()
                case _:
                    pass
        return held

    async def until(self, condition: Callable[[], bool], within_s: float = 4.0) -> None:
        """Wait for what no event tells."""
        async with asyncio.timeout(within_s):
            while not condition():
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def running(sighted: Sighted) -> AsyncIterator[Sighted]:
    """Run the link, whatever comes of it."""
    task = asyncio.ensure_future(sighted.link.run())
    try:
        yield sighted
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task  # what it died of is the test's affair


@contextlib.asynccontextmanager
async def served(
    banner: bytes = BANNER, context: ssl.SSLContext | None = None
) -> AsyncIterator[FakeAmi]:
    fake = FakeAmi(banner, context)
    await fake.start()
    try:
        yield fake
    finally:
        await fake.stop()


@contextlib.asynccontextmanager
async def sighted(**access: Any) -> AsyncIterator[tuple[FakeAmi, Sighted]]:
    """Give a link that is up and has looked."""
    async with served() as fake, running(Sighted(fake, **access)) as seeing:
        await seeing.until(lambda: len(seeing.phones()) == 3)
        yield fake, seeing
