"""The menu call, bare: one event socket, requests over the same socket (REST over WebSocket), nothing kept, nothing checked.

About the least that a Python program can do for a call; it has no journal, no flows, no limits, and forgives no fault.
"""

import os
from typing import Any

import aiohttp
import msgspec
import uvloop

URL = os.environ["BENCH_URL"]
LOGIN = aiohttp.encode_basic_auth("ivrengine", os.environ["BENCH_PASSWORD"])
APPLICATION = os.environ["BENCH_APP"]
QUESTION = os.environ["BENCH_QUESTION"]
GOODBYE = os.environ["BENCH_GOODBYE"]


class Script:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._asked = 0
        self._playing: set[str] = set()

    async def run(self) -> None:
        async for message in self._socket:
            event = msgspec.json.decode(message.data)
            match event["type"]:
                case "StasisStart":
                    await self._started(event["channel"]["id"])
                case "ChannelDtmfReceived":
                    await self._pressed(event["channel"]["id"], event["digit"])
                case "PlaybackFinished":
                    await self._finished(event["playback"]["id"])
                case _:
                    pass

    async def _started(self, channel: str) -> None:
        await self._ask("POST", f"channels/{channel}/answer")
        await self._play(channel, f"{channel}-question", QUESTION)

    async def _pressed(self, channel: str, digit: str) -> None:
        if f"{channel}-question" in self._playing:
            await self._ask("DELETE", f"playbacks/{channel}-question")
        if digit == "1":
            await self._play(channel, f"{channel}-goodbye", GOODBYE)
        else:
            await self._ask("DELETE", f"channels/{channel}")

    async def _finished(self, playback: str) -> None:
        self._playing.discard(playback)
        if playback.endswith("-goodbye"):
            await self._ask("DELETE", f"channels/{playback.removesuffix('-goodbye')}")

    async def _play(self, channel: str, playback: str, media: str) -> None:
        self._playing.add(playback)
        await self._ask("POST", f"channels/{channel}/play/{playback}?media={media}")

    async def _ask(self, method: str, uri: str) -> None:
        self._asked += 1
        request: dict[str, Any] = {
            "type": "RESTRequest",
            "transaction_id": "",
            "request_id": str(self._asked),
            "method": method,
            "uri": uri,
        }
        await self._socket.send_str(msgspec.json.encode(request).decode())


async def main() -> None:
    async with (
        aiohttp.ClientSession(headers={"Authorization": LOGIN}) as session,
        session.ws_connect(f"{URL}/events", params={"app": APPLICATION}) as socket,
    ):
        print("ready", flush=True)  # noqa: T201 - what the bench waits for
        await Script(socket).run()


if __name__ == "__main__":
    uvloop.run(main())
