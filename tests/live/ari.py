"""ARI in its plainest form: one event socket, one HTTP client, everything recorded.

Not the engine's door, on purpose: these tests hold the configuration and the dialplan to what any ARI application may expect.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

import aiohttp

from tests.live.access import Access

Event = dict[str, Any]
APPLICATION: Final = "ivrengine"
HEARTBEAT: Final = "IVR_ENGINE"
"""The dialplan's global that is read before a call is given to the application."""


class Ari:
    """A connected application: its events so far, and its requests."""

    def __init__(self, http: aiohttp.ClientSession, base: str) -> None:
        self.http = http
        self._base = base
        self._came = asyncio.Condition()
        self.events: list[Event] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(
        cls, access: Access, application: str = APPLICATION, *, alive: bool = True
    ) -> AsyncIterator["Ari"]:
        """Serve ``application`` within the block; channels left in it at the end are hung up.

        ``alive``: the dialplan is told, as an engine does each second, that the application lives; at the end it is told that
        nobody does.
        """
        login = aiohttp.encode_basic_auth("ivrengine", access.ari_password)
        async with aiohttp.ClientSession(headers={"Authorization": login}) as http:
            ari = cls(http, access.ari_url)
            url = f"{access.ari_url}/events?app={application}&subscribeAll=false"
            async with http.ws_connect(url) as socket:
                tasks = [asyncio.ensure_future(ari._read(socket))]
                if alive:
                    await ari.announce()
                    tasks.append(asyncio.ensure_future(ari._beat()))
                try:
                    yield ari
                finally:
                    await ari._hang_up_all()
                    for task in tasks:
                        task.cancel()
                    if alive:
                        await ari.set_variable(HEARTBEAT, "")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(1)
            await self.announce()

    async def announce(
        self, *, calls_max: int = 100, calls_per_s_max: int = 100, age_s: int = 0
    ) -> None:
        """Tell the dialplan once that an engine lives, by Asterisk's clock."""
        now = await self.second()
        said = f"{now - age_s}-{calls_max}-{calls_per_s_max}-{APPLICATION}"
        await self.set_variable(HEARTBEAT, said)

    async def second(self) -> int:
        """Return the second that Asterisk's clock shows."""
        return int((await self.get("asterisk/variable?variable=EPOCH"))["value"])

    async def set_variable(self, name: str, value: str) -> None:
        """Set a global of the dialplan."""
        await self.post("asterisk/variable", variable=name, value=value)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            async with self._came:
                self.events.append(frame.json())
                self._came.notify_all()

    async def _hang_up_all(self) -> None:
        for channel in await self.get("channels"):
            if channel["dialplan"]["app_name"] == "Stasis":
                with contextlib.suppress(AssertionError):  # it ends by itself in this moment
                    await self.delete(f"channels/{channel['id']}")

    async def event(
        self,
        kind: str,
        predicate: Callable[[Event], bool] = lambda _event: True,
        within_s: float = 15.0,
    ) -> Event:
        """Return the first event of that type that satisfies the predicate, waiting for it if need be."""
        async with asyncio.timeout(within_s), self._came:
            while True:
                for event in self.events:
                    if event["type"] == kind and predicate(event):
                        return event
                await self._came.wait()

    async def of(self, channel_id: str, kind: str, within_s: float = 15.0) -> Event:
        """Return the first event of that type about a channel."""
        return await self.event(
            kind, lambda event: event.get("channel", {}).get("id") == channel_id, within_s
        )

    async def playback(self, playback_id: str, kind: str, within_s: float = 15.0) -> Event:
        """Return the first event of that type about a playback."""
        return await self.event(
            kind, lambda event: event["playback"]["id"] == playback_id, within_s
        )

    async def arrival(self, within_s: float = 15.0) -> Event:
        """Return the first call that came in."""
        return await self.event("StasisStart", lambda e: e["args"][:1] == ["inbound"], within_s)

    async def digits(self, channel_id: str, count: int, within_s: float = 15.0) -> str:
        """Wait for so many digits of a channel; return all that came."""
        async with asyncio.timeout(within_s), self._came:
            while len(digits := self._digits(channel_id)) < count:
                await self._came.wait()
        return digits

    def _digits(self, channel_id: str) -> str:
        return "".join(
            event["digit"]
            for event in self.events
            if event["type"] == "ChannelDtmfReceived" and event["channel"]["id"] == channel_id
        )

    async def get(self, path: str) -> Any:
        return await self.request("GET", path)

    async def post(self, path: str, **query: str | int) -> Any:
        return await self.request("POST", path, query)

    async def delete(self, path: str) -> None:
        await self.request("DELETE", path)

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int] | None = None,
        *,
        expect: int | None = None,
    ) -> Any:
        """Send a request and return what was answered; ``expect`` is the status it must have, else any 2xx will do."""
        url = f"{self._base}/{path}"
        async with self.http.request(method, url, params=query) as response:
            body = await response.text()
            good = response.ok if expect is None else response.status == expect
            assert good, f"{method} {path}: {response.status} {body}"
            return await response.json() if body else None
