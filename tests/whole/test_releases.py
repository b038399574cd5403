"""Releases put into service under callers of a real Asterisk, and an engine that dies on one."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest

from ivrengine.core.ids import BrandId
from tests.sip import hearing
from tests.sip.call import Call
from tests.sip.g711 import Samples
from tests.whole import people, records
from tests.whole.engine import FLOWS, READY_WITHIN_S, Engine, open_folder, running
from tests.whole.people import HOUSE, dial, prompt

pytestmark = [
    pytest.mark.asterisk,
    pytest.mark.postgres,
    pytest.mark.timeout(180),
]  # prompts are made

NEW_MENU: Final = "Yeni menümüze hoş geldiniz, lütfen seçin."


@pytest.fixture
def mortal() -> Iterator[Engine]:
    with running() as engine:
        yield engine


def renewed(folder: Path) -> Path:
    """Return the flows with another text of the menu, and another meaning of its key 5."""
    flows = Path(shutil.copytree(FLOWS, folder / "renewed"))
    for name, old, new in (
        ("house.yaml", "5: farewell", "5: was-busy"),
        ("prompts.yaml", "Ne istersiniz?", NEW_MENU),
    ):
        text = (flows / name).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (flows / name).write_text(text.replace(old, new), encoding="utf-8")
    return flows


def renewed_menu(flows: Path) -> Samples:
    media = people._library(flows).media(BrandId("house"), "house-menu", "tr")
    return hearing.read_wav(Path(media.removeprefix("sound:") + ".wav"))


async def called(stack: contextlib.AsyncExitStack) -> Call:
    call = await stack.enter_async_context(dial(HOUSE, keys="info"))
    await call.answered()
    return call


async def test_a_caller_stays_in_the_old_flow_over_a_release_and_a_crash_and_a_new_one_gets_the_new(
    mortal: Engine, tmp_path: Path
) -> None:
    flows = renewed(tmp_path)
    await mortal.said("flows of the folder")
    await mortal.said("shipping", within_s=30)
    async with contextlib.AsyncExitStack() as stack:
        first, second = await called(stack), await called(stack)
        await asyncio.gather(*(call.hears(prompt("house-menu")) for call in (first, second)))
        ran = await mortal.run("flows", "activate", str(flows))
        assert ran.code == 0, ran.err
        await mortal.said("release in service", within_s=READY_WITHIN_S)
        third = await called(stack)
        await third.hears(renewed_menu(flows))
        await first.press("5")
        await first.hears(prompt("house-farewell"))
        mortal.kill()
        mortal.start()
        await mortal.ready()
        assert not mortal.lines("flows of the folder")
        fourth = await called(stack)
        await fourth.hears(renewed_menu(flows))
        await second.press("5")
        await second.hears(prompt("house-farewell"), within_s=20)
        for call in (third, fourth):
            await call.press("5")
            await call.hears(prompt("house-busy"))
    await people.nothing_left()
    found = await records.shipped(mortal.data, 4)
    assert not records.disagreements(mortal.data, found)


async def test_an_edit_is_taken_up_by_an_engine_that_watches_and_a_broken_one_is_told(
    tmp_path: Path,
) -> None:
    flows = renewed(tmp_path)
    async with watching(flows) as engine, contextlib.AsyncExitStack() as stack:
        caller = await called(stack)
        await caller.hears(renewed_menu(flows))
        path = flows / "house.yaml"
        sound = path.read_text(encoding="utf-8")
        path.write_text(sound.replace("5: was-busy", "5: was-bussy"), encoding="utf-8")
        await engine.said("edit not taken up")
        assert any("house.yaml:" in line for line in engine.told_people())
        path.write_text(sound.replace("5: was-busy", "5: farewell"), encoding="utf-8")
        await engine.said("edit taken up")
        newcomer = await called(stack)
        await newcomer.press("5")
        await newcomer.hears(prompt("house-farewell"))
        await caller.press("5")
        await caller.hears(prompt("house-busy"))


@contextlib.asynccontextmanager
async def watching(flows: Path) -> AsyncIterator[Engine]:
    """Run an engine that watches the folder."""
    with open_folder() as folder:
        engine = Engine(folder, flows=flows)
        engine.start("--watch")
        try:
            await engine.ready()
            yield engine
        finally:
            engine.close()
