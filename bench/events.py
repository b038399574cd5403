"""What an event of a call costs the engine, from the frame's text to the requests that it leads to, journal included.

The menu call without Asterisk: frames as 22.10 sends them go in as their text, the journal is a file as in production,
and the switch says yes at once. What a request costs is for ``menu`` to show, which has a real Asterisk.
"""

import asyncio
import gc
import json
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, cast

import msgspec
import structlog
import uvloop

from ivrengine.asterisk import listening, translate
from ivrengine.core import effects
from ivrengine.core.ids import BrandId, ChannelId, NodeName, PlaybackId
from ivrengine.engine.clock import EngineClock
from ivrengine.engine.engine import Engine
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_reading import Recovered
from ivrengine.engine.recognition import Recogniser
from ivrengine.engine.switch import Switch
from ivrengine.flow.load import load_folder
from ivrengine.numbers.keyfile import create_keys
from ivrengine.numbers.seal import Sealer
from ivrengine.telemetry import logs, metrics
from ivrengine.telemetry.door import DoorMeter

FLOWS: Final = Path(__file__).parent / "flows"
DID: Final = "+902124440198"
NODE: Final = NodeName("ast1")
AT_A_TIME: Final = 100
ROUNDS: Final = 5
BATCHES: Final = 10
FRAMES: Final = 7
TURNS: Final = 12
"""Of the loop, after which all tasks wait again."""
STAMP: Final = "2026-11-21T12:00:00.123+0000"


class Sounds:
    """Every prompt is there."""

    def media(self, brand: BrandId, name: str, language: str) -> str:
        return f"sound:{brand}/{language}/{name}"

    async def speech(self, brand: BrandId, spoken: effects.Spoken, language: str) -> str:
        return self.media(brand, spoken.prompt, language)


class Yes:
    """A switch that does at once what it is asked, and remembers the last playback of each channel."""

    node = NODE

    def __init__(self) -> None:
        self.playing: dict[ChannelId, PlaybackId] = {}

    async def answer(self, channel_id: ChannelId) -> None:
        pass

    async def play(
        self, channel_id: ChannelId, playback_id: PlaybackId, media: Sequence[str]
    ) -> None:
        assert media
        self.playing[channel_id] = playback_id

    async def stop_playback(self, playback_id: PlaybackId) -> None:
        pass

    async def hang_up(self, channel_id: ChannelId) -> None:
        pass


def _channel(number: int, state: str) -> dict[str, object]:
    return {
        "id": f"1795262931.{number}",
        "name": f"PJSIP/trunk-in-info-{number:08x}",
        "state": state,
        "protocol_id": f"{number}-4711@127.0.0.2",
        "caller": {"name": "", "number": f"+90532{1_000_000 + number}"},
        "connected": {"name": "", "number": ""},
        "accountcode": "",
        "dialplan": {
            "context": "from-trunk",
            "exten": DID,
            "priority": 5,
            "app_name": "Stasis",
            "app_data": f"ivrengine,inbound,{DID},+90532{1_000_000 + number},allowed",
        },
        "creationtime": STAMP,
        "language": "tr",
    }


def _frame(kind: str, number: int, state: str = "Up", **more: object) -> str:
    about = {"type": kind, "timestamp": STAMP, "channel": _channel(number, state)}
    known = {"asterisk_id": "42:01:0a:00:00:05", "application": "ivrengine"}
    return json.dumps({**about, **more, **known})


def _arrival(number: int) -> str:
    args = ["inbound", DID, f"+90532{1_000_000 + number}", "allowed"]
    return _frame("StasisStart", number, "Ring", args=args)


def _over(playback: PlaybackId, number: int) -> str:
    local = playback.partition(":")[2]
    played = {
        "id": local,
        "media_uri": "sound:/var/lib/ivrengine/prompts/bench/en/bench-question-0e51885fc820",
        "target_uri": f"channel:1795262931.{number}",
        "language": "tr",
        "state": "done",
    }
    known = {"asterisk_id": "42:01:0a:00:00:05", "application": "ivrengine", "timestamp": STAMP}
    return json.dumps({"type": "PlaybackFinished", "playback": played, **known})


class Bench:
    """An engine, and the ear through which it hears."""

    def __init__(self, folder: Path) -> None:
        book, problems = load_folder(FLOWS)
        assert not [p for p in problems if p.severity == "error"], "\n".join(map(str, problems))
        clock = EngineClock.starting_now(asyncio.get_running_loop().time)
        journal = Journal(folder / "journal")
        journal.begin(Recovered(), clock.now())
        counted = metrics.new()
        self.engine = Engine(
            journal=journal,
            book=book,
            recognise=Recogniser(
                Sealer(create_keys(folder / "keys.json")),
                lambda: book,
                retention=timedelta(days=1),
            ),
            now=clock.now,
            metrics=counted,
        )
        self.switch = Yes()
        self.engine.attach(cast("Switch", self.switch), Sounds())
        self.ear = listening.Ear(
            translate.Node(name=NODE, country="TR"),
            listener=self.engine.listen,
            now=clock.now,
            meter=DoorMeter(counted),
            replaced=lambda: None,
        )

    async def calls(self, first: int) -> tuple[float, int]:
        """Go through so many menu calls side by side; return the processor time in µs, and how many frames that were."""
        numbers = range(first, first + AT_A_TIME)
        took = await self._hear([_arrival(n) for n in numbers])
        took += await self._hear([_frame("ChannelStateChange", n) for n in numbers])
        cut = [_over(self.playing(n), n) for n in numbers]
        took += await self._hear(
            [_frame("ChannelDtmfReceived", n, digit="1", duration_ms=100) for n in numbers]
        )
        took += await self._hear(cut)
        took += await self._hear([_over(self.playing(n), n) for n in numbers])
        took += await self._hear(
            [_frame("ChannelHangupRequest", n, cause=16, soft=True) for n in numbers]
        )
        took += await self._hear([_frame("StasisEnd", n) for n in numbers])
        assert not self.engine.calls()
        return took / 1000, FRAMES * AT_A_TIME

    async def _hear(self, texts: Sequence[str]) -> int:
        began = time.thread_time_ns()
        for text in texts:
            self.ear.hear(msgspec.json.decode(text))  # as the event socket's reader does
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return time.thread_time_ns() - began

    def playing(self, number: int) -> PlaybackId:
        return self.switch.playing[ChannelId(f"{NODE}:1795262931.{number}")]


async def _measure() -> dict[str, float]:
    best = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        await bench.calls(0)
        for round_ in range(ROUNDS):
            gc.collect()
            took, frames = 0.0, 0
            for batch in range(BATCHES):
                part, count = await bench.calls(AT_A_TIME * (1 + batch + BATCHES * round_))
                took, frames = took + part, frames + count
            best.append(took / frames)
    return {"event_us": round(min(best), 1), "call_us": round(min(best) * FRAMES, 1)}


def measure() -> dict[str, float]:
    """Return the figures; of some rounds the best, as the one least disturbed by others."""
    with Path("/dev/null").open("w") as nowhere:
        logs.configure(level="info", style="json", stream=nowhere)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                return runner.run(_measure())
        finally:
            structlog.reset_defaults()


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{name:24} {value}")  # noqa: T201 - a command's result
