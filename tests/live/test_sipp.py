"""SIPp's callers and agents (``sipp/*.xml``, which load tests use too) get along with this Asterisk."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from tests.live.access import access
from tests.live.ari import Ari
from tests.live.people import DID, NUMBER
from tests.sip import hearing
from tests.sip.g711 import PCMA
from tests.sip.rtp import Voice

pytestmark = pytest.mark.sipp

SCENARIOS: Final = Path(__file__).parent / "sipp"


class Sipp:
    """A running SIPp."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def finished(self, within_s: float = 20.0) -> None:
        """Wait until all of its calls are over; each must have gone as its scenario says."""
        async with asyncio.timeout(within_s):
            said, _ = await self._process.communicate()
        # 0: all calls went well, 99: SIPp ended without having made or taken a call.
        assert self._process.returncode == 0, said.decode()[-2000:]

    async def stop(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


@contextlib.asynccontextmanager
async def _sipp(
    scenario: str, folder: Path, *options: str, remote: bool = True
) -> AsyncIterator[Sipp]:
    host, port = access().sip
    words = ["-sf", str(SCENARIOS / scenario), "-m", "1", "-nostdin", "-timeout", "20", *options]
    if remote:
        words = [f"{host}:{port}", "-s", DID, "-key", "number", NUMBER, *words]
    process = await asyncio.create_subprocess_exec(
        "sipp",
        *words,
        cwd=folder,  # it leaves files behind
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    sipp = Sipp(process)
    try:
        yield sipp
    finally:
        await sipp.stop()


async def test_a_caller_s_key_by_info_is_heard_and_the_prompt_by_the_caller(tmp_path: Path) -> None:
    prompt = hearing.read_wav(access().sounds / "tr/nobody.wav")
    async with Ari.connect(access()) as ari, await Voice.open("127.0.0.2") as ear:
        heard_port = str(ear.address[1])
        options = ("-i", "127.0.0.2", "-key", "digit", "7", "-key", "heard_port", heard_port)
        async with _sipp("caller_info.xml", tmp_path, *options) as sipp:
            arrival = await ari.arrival()
            assert arrival["args"] == ["inbound", DID, NUMBER, "allowed"]
            channel = arrival["channel"]["id"]
            await ari.post(f"channels/{channel}/answer")
            media = "sound:/var/lib/ivrengine/sounds/tr/nobody"
            playback = (await ari.post(f"channels/{channel}/play", media=media))["id"]
            assert await ari.digits(channel, 1) == "7"
            await ari.playback(playback, "PlaybackFinished", within_s=15)
            await ari.delete(f"channels/{channel}")
            await sipp.finished()
            assert hearing.match(prompt, ear.heard()).whole


async def test_a_caller_s_keys_by_rfc_4733_are_heard(tmp_path: Path) -> None:
    options = ("-i", "127.0.0.1", "-key", "digits", "7391#")
    async with (
        Ari.connect(access()) as ari,
        _sipp("caller_rfc4733.xml", tmp_path, *options) as sipp,
    ):
        channel = (await ari.arrival())["channel"]["id"]
        await ari.post(f"channels/{channel}/answer")
        assert await ari.digits(channel, 5, within_s=10) == "7391#"
        await ari.delete(f"channels/{channel}")
        await sipp.finished()


async def test_a_called_party_answers_and_lets_itself_be_hung_up(tmp_path: Path) -> None:
    host, port = access().carrier
    options = ("-i", host, "-p", str(port))
    async with (
        Ari.connect(access()) as ari,
        _sipp("agent_answers.xml", tmp_path, *options, remote=False) as sipp,
    ):
        leg = {"endpoint": f"PJSIP/{NUMBER}@trunk-out", "app": "ivrengine", "appArgs": "leg"}
        await ari.post("channels", channelId="ivr-leg", **leg)
        await ari.of("ivr-leg", "StasisStart")
        await ari.delete("channels/ivr-leg")
        await sipp.finished()


def test_the_scenarios_speak_the_trunk_s_codec() -> None:
    for scenario in SCENARIOS.glob("*.xml"):
        assert f"RTP/AVP {PCMA}" in scenario.read_text(encoding="utf-8"), scenario.name
