"""Callers and agents of these tests, what they hear, and what is left of them on the Asterisk when they are gone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import aiohttp

from ivrengine.core.ids import BrandId
from ivrengine.flow.load import load_folder
from ivrengine.prompts.library import Library
from tests.live.access import Access, access
from tests.sip import hearing
from tests.sip.call import Call
from tests.sip.caller import Caller
from tests.sip.g711 import RATE, Samples
from tests.sip.phone import Behaviour, Phone
from tests.whole.engine import EXAMPLES, FLOWS, until

HOUSE: Final = "+902124440150"
"""The number of the flow in this folder."""
ESTATE: Final = "+902124440101"
"""The number of the first example."""
GONE_WITHIN_S: Final = 5.0


def dial(did: str, **more: Any) -> contextlib.AbstractAsyncContextManager[Call]:
    """Call a number of the engine's."""
    return Caller.dial(did, at=access().sip, **more)


def phone(name: str, behaviour: Behaviour) -> contextlib.AbstractAsyncContextManager[Phone]:
    """Put an agent's telephone up."""
    return Phone.register(
        name, at=access().sip, password=access().agent_password, behaviour=behaviour
    )


@contextlib.asynccontextmanager
async def phones(wanted: Mapping[str, Behaviour]) -> AsyncIterator[list[Phone]]:
    """Put up several telephones, or none."""
    async with contextlib.AsyncExitStack() as stack:
        yield [await stack.enter_async_context(phone(*each)) for each in wanted.items()]


async def talk(caller: Call, agent: Call) -> None:
    """Let each hear the other, and not themselves."""
    caller.hum(440)
    agent.hum(700)
    await asyncio.gather(caller.hears_tone(700), agent.hears_tone(440))
    caller.hum(None)
    agent.hum(None)


# What they hear


@cache
def _library(flows: Path) -> Library:
    book, _ = load_folder(flows)
    library = Library(book.prompts, flows / "recordings", access().prompts, None)
    library._look()
    return library


def prompt(name: str, language: str = "tr", brand: str = "house") -> Samples:
    """Return the sound of a prompt, from the file that Asterisk plays."""
    library = _library(FLOWS if brand == "house" else EXAMPLES)
    media = library.media(BrandId(brand), name, language)
    return hearing.read_wav(Path(media.removeprefix("sound:") + ".wav"))


def apology() -> Samples:
    """Return how that begins which the dialplan says when there is no engine: nothing else begins so."""
    return hearing.read_wav(access().sounds / "tr" / "apology.wav")[: 3 * RATE]


# What is left of them


async def listed(what: str, at: Access | None = None) -> list[dict[str, Any]]:
    """Return what ARI lists (``channels``, ``bridges``), past the engine."""
    known = at or access()
    login = aiohttp.encode_basic_auth(known.ari_user, known.ari_password)
    async with (
        aiohttp.ClientSession(headers={"Authorization": login}) as http,
        http.get(f"{known.ari_url}/{what}") as response,
    ):
        found: list[dict[str, Any]] = await response.json()
        return found


async def on_asterisk(at: Access | None = None) -> list[str]:
    """Return the channels and bridges that there are now."""
    channels = [channel["name"] for channel in await listed("channels", at)]
    bridges = [f"bridge {bridge['id']}" for bridge in await listed("bridges", at)]
    return channels + bridges


async def nothing_left(at: Access | None = None) -> None:
    """Wait until Asterisk has neither a channel nor a bridge."""
    found: list[str] = []

    async def is_so() -> bool:
        nonlocal found
        found = await on_asterisk(at)
        return not found

    await until(is_so, GONE_WITHIN_S, lambda: found)
