"""A folder that is being worked on."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from ivrengine.flow.outside import Outside
from ivrengine.following import watching
from ivrengine.following.edition import Edition

pytestmark = pytest.mark.real_time

FLOW: Final = """
flow: main
brand: acme
languages: [en]
start: greet
nodes:
  greet: {type: hangup, prompt: hello}
"""
FILES: Final = {
    "prompts.yaml": "brand: acme\nprompts:\n  hello: {en: Hello.}\n",
    "routing.yaml": """
brands:
  acme:
    name: Acme
    country: TR
    routes: [{did: "+902120000001", flow: main}]
""",
    "main.yaml": FLOW,
}


class Desk:
    """A folder under watch, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.editions: asyncio.Queue[Edition] = asyncio.Queue()
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.against: str | None = None

    async def change(self, edition: Edition) -> None:
        self.editions.put_nowait(edition)

    async def objections(self, _folder: Path) -> str | None:
        return self.against

    async def hears(self, words: str) -> None:
        async with asyncio.timeout(20):
            while words not in await self.told.get():
                pass


@contextlib.asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[Desk]:
    desk = Desk(folder)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            watching.watch(
                folder,
                Outside(allowed=set(), secrets=set()),
                desk.change,
                tell=desk.told.put_nowait,
                objections=desk.objections,
            )
        )
        await asyncio.sleep(watching.LOOK_S)
        yield desk
        task.cancel()


async def test_sound_edits_are_taken_up_and_others_are_told_and_change_nothing(
    tmp_path: Path,
) -> None:
    async with watched(tmp_path) as desk:
        (tmp_path / "loop").symlink_to(tmp_path)
        (tmp_path / "main.yaml").write_text(FLOW.replace("hangup", "hang-up"), encoding="utf-8")
        await desk.hears("main.yaml:7:17: error node-type")
        await desk.hears("was not taken up, the flows before go on")
        desk.against = "hears: hello"
        (tmp_path / "main.yaml").write_text(FLOW + "\n", encoding="utf-8")
        await desk.hears("hears: hello")
        await desk.hears("its scripted calls fail")
        desk.against = None
        assert desk.editions.empty()
        (tmp_path / "main.yaml").write_text(FLOW.replace("greet", "hail"), encoding="utf-8")
        await desk.hears("is in service for new calls")
        edition = desk.editions.get_nowait()
        [flow] = edition.book.flows.values()
        assert flow.start == "hail"
