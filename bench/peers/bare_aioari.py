"""The menu call with aioari as its documentation has it, but with a task per callback.

A listener that awaits a request would keep the next event waiting.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import aioari
import uvloop

ORIGIN = os.environ["BENCH_URL"].removesuffix("/ari")
PASSWORD = os.environ["BENCH_PASSWORD"]
APPLICATION = os.environ["BENCH_APP"]
QUESTION = os.environ["BENCH_QUESTION"]
GOODBYE = os.environ["BENCH_GOODBYE"]


class Script:
    def __init__(self, client: Any) -> None:
        self._client = client
        self._playing: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        client.on_event("StasisStart", self._in_a_task(self._started))
        client.on_event("ChannelDtmfReceived", self._in_a_task(self._pressed))
        client.on_event("PlaybackFinished", self._in_a_task(self._finished))

    def _in_a_task(self, listener: Callable[[Any], Awaitable[None]]) -> Callable[[Any], None]:
        def begin(event: Any) -> None:
            task = asyncio.ensure_future(listener(event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        return begin

    async def _started(self, event: Any) -> None:
        channel = event["channel"]["id"]
        await self._client.channels.answer(channelId=channel)
        await self._play(channel, f"{channel}-question", QUESTION)

    async def _pressed(self, event: Any) -> None:
        channel = event["channel"]["id"]
        if f"{channel}-question" in self._playing:
            await self._client.playbacks.stop(playbackId=f"{channel}-question")
        if event["digit"] == "1":
            await self._play(channel, f"{channel}-goodbye", GOODBYE)
        else:
            await self._client.channels.hangup(channelId=channel)

    async def _finished(self, event: Any) -> None:
        playback = event["playback"]["id"]
        self._playing.discard(playback)
        if playback.endswith("-goodbye"):
            await self._client.channels.hangup(channelId=playback.removesuffix("-goodbye"))

    async def _play(self, channel: str, playback: str, media: str) -> None:
        self._playing.add(playback)
        await self._client.channels.playWithId(channelId=channel, playbackId=playback, media=media)


async def main() -> None:
    client = await aioari.connect(ORIGIN, "ivrengine", PASSWORD)
    Script(client)
    # aioari does not tell when its socket is open.
    asyncio.get_running_loop().call_later(1, print, "ready")
    await client.run(apps=APPLICATION)


if __name__ == "__main__":
    uvloop.run(main())
