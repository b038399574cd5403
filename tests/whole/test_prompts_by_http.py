"""An Asterisk that shares no disk with the engine: its callers hear prompts that it fetched, each of them once."""

import asyncio
import socket
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests.live.access import access
from tests.live.ari import Ari
from tests.sip import hearing
from tests.whole import people
from tests.whole.engine import Engine, open_folder

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.timeout(120)]

DID: Final = "+902124440177"
FILES: Final = {
    "routing.yaml": f"""
brands:
  distant:
    name: Distant
    country: TR
    routes:
      - {{did: "{DID}", flow: main}}
""",
    "prompts.yaml": """
brand: distant
prompts:
  welcome: {tr: Uzaktaki santralımıza hoş geldiniz.}
""",
    "main.yaml": """
flow: main
brand: distant
languages: [tr]
start: welcome
nodes:
  welcome: {type: play, prompt: welcome, next: owes}
  owes: {type: say, say: [{text: "'Borcunuz'"}, {money: "125050", currency: TRY}], next: bye}
  bye: {type: hangup}
""",
}
MODULES: Final = ("res_curl.so", "res_http_media_cache.so")
"""What render.sh has Asterisk load with IVR_PROMPTS_BY_HTTP=yes."""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def _settings(folder: Path, port: int) -> Path:
    """Return the Asterisk's settings without the folder that it shares with the engine."""
    lines = access().settings.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("sounds_")]
    kept += [f'sounds_url = "http://127.0.0.1:{port}"', 'sounds_form = "alaw"']
    kept += ["[prompts]", f'listen = "127.0.0.1:{port}"']
    path = folder / "settings.toml"
    path.write_text("\n".join(kept), encoding="utf-8")
    return path


async def _load_modules() -> None:
    async with Ari.connect(access(), "loader", alive=False) as ari:
        loaded = {module["name"] for module in await ari.get("asterisk/modules")}
        for module in MODULES:
            if module not in loaded:
                await ari.post(f"asterisk/modules/{module}")


async def _call(engine: Engine) -> None:
    """Hear what was made before any call, then the words that were composed for this one."""
    sounds = engine.data / "sounds" / "distant" / "tr"
    async with people.dial(DID) as call:
        await call.answered()
        (welcome,) = sounds.glob("welcome-*.wav")
        await call.hears(hearing.read_wav(welcome), within_s=20)
        await call.hung_up(within_s=20)
        (owes,) = sounds.glob("spoken-*.wav")
        assert hearing.match(hearing.read_wav(owes), call.heard()).whole


async def _served(port: int) -> float:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/metrics") as answer,
    ):
        lines = (await answer.text()).splitlines()
    wanted = 'ivrengine_prompts_fetched_total{outcome="served"} '
    return next(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


async def _scene(engine: Engine, metrics: int) -> None:
    await _load_modules()
    engine.start()
    await engine.ready()
    await _call(engine)
    fetched = await _served(metrics)
    assert fetched == 2
    await _call(engine)
    assert await _served(metrics) == fetched, "what Asterisk has it does not fetch again"
    await people.nothing_left()
    assert not (access().prompts / "distant").exists()


def test_callers_hear_prompts_that_were_never_in_a_folder_of_asterisk() -> None:
    with open_folder() as folder:
        flows = folder / "flows"
        flows.mkdir()
        for name, text in FILES.items():
            (flows / name).write_text(text, encoding="utf-8")
        metrics = _free_port()
        settings = _settings(folder, _free_port())
        engine = Engine(
            folder, flows=flows, settings=settings, metrics__listen=f"127.0.0.1:{metrics}"
        )
        try:
            asyncio.run(_scene(engine, metrics))
        finally:
            engine.close()
