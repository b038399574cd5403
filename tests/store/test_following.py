"""An engine's flows follow the store: on real tables, with a change of flows that only notes what it is given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest

from ivrengine.engine.clock import wall
from ivrengine.flow.outside import Outside
from ivrengine.flow.release import Release
from ivrengine.following.edition import BrokenError, Edition
from ivrengine.following.follower import Follower
from ivrengine.following.local import Local
from ivrengine.following.starting import NoFolderError, first_edition
from ivrengine.store import releases
from ivrengine.store.database import Database
from ivrengine.telemetry import metrics
from tests.store.a_database import connected
from tests.store.test_flows_command import FILES

pytestmark = pytest.mark.postgres

NOTHING_OUTSIDE: Final = Outside(allowed=set(), secrets=set())
NOWHERE: Final = "postgresql://nobody@127.0.0.1:1/none"


def a_release(text: str = "Hello.", **files: str) -> Release:
    contents = {**FILES, "prompts.yaml": FILES["prompts.yaml"].replace("Hello.", text), **files}
    return Release(contents={name: content.encode() for name, content in contents.items()})


BROKEN: Final = a_release(**{"main.yaml": FILES["main.yaml"].replace("hangup", "hang-up")})


async def activate(url: str, release: Release, *unmet: str) -> int:
    async with connected(url) as connection:
        present = await releases.newest(connection)
        return await releases.activate(
            connection,
            release,
            at=wall(),
            by="ayse",
            note="",
            unmet=unmet,
            instead_of=None if present is None else present.number,
        )


class House:
    """A follower, and what it has had changed."""

    def __init__(self, url: str, folder: Path) -> None:
        self.database = Database(url, folder)
        self.local = Local(folder / "releases")
        self.editions: asyncio.Queue[Edition] = asyncio.Queue()
        self.mute = False
        self.counted = metrics.new()
        self.follower = Follower(
            self.database,
            self.local,
            self._change,
            outside=NOTHING_OUTSIDE,
            present=None,
            metrics=self.counted,
        )

    async def _change(self, edition: Edition) -> None:
        if self.mute:
            raise BrokenError("not one prompt can be played")
        self.editions.put_nowait(edition)

    async def greeting(self) -> str:
        """Return what the flows say that came into service."""
        async with asyncio.timeout(20):
            edition = await self.editions.get()
        [texts] = edition.book.prompts.values()
        return texts["hello"]["en"]

    async def refused(self, count: int = 1) -> str:
        """Wait for a release that is not taken up, and return what is said of it."""
        async with asyncio.timeout(20):
            while metrics.total(self.counted, "releases_total", outcome="broken") < count:
                await asyncio.sleep(0.05)
        assert self.follower.trouble is not None
        return self.follower.trouble


@contextlib.asynccontextmanager
async def following(url: str, folder: Path) -> AsyncIterator[House]:
    house = House(url, folder)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(house.follower.run())
        yield house
        task.cancel()


async def test_what_becomes_active_comes_into_service_at_once(url: str, tmp_path: Path) -> None:
    async with following(url, tmp_path) as house:
        await activate(url, a_release("Hello."))
        assert await house.greeting() == "Hello."
        number = await activate(url, a_release("Good day."))
        assert await house.greeting() == "Good day."
        assert house.follower.trouble is None
        async with asyncio.timeout(5):
            while (noted := house.local.active()) is None or noted.number != number:
                await asyncio.sleep(0.05)
        assert house.local.has(noted.release_hash)


async def test_a_release_that_does_not_load_changes_nothing_and_is_said(
    url: str, tmp_path: Path
) -> None:
    async with following(url, tmp_path) as house:
        await activate(url, a_release("Hello."))
        assert await house.greeting() == "Hello."
        await activate(url, BROKEN)
        told = await house.refused()
        assert told.startswith("#2, release ")
        assert "#1, release " in told
        assert "has an error" in told
        assert "main.yaml:7:17" in told
        house.mute = True
        await activate(url, a_release("Good day."))
        assert "not one prompt can be played" in await house.refused(2)
        house.mute = False
        await activate(url, a_release("Welcome."))
        assert await house.greeting() == "Welcome."
        assert house.follower.trouble is None


async def test_what_a_person_forced_is_served_as_far_as_it_goes(url: str, tmp_path: Path) -> None:
    other = FILES["main.yaml"].replace("flow: main", "flow: other").replace("hangup", "hang-up")
    async with following(url, tmp_path) as house:
        await activate(url, a_release("Forced.", **{"other.yaml": other}), "other.yaml is broken")
        assert await house.greeting() == "Forced."


async def test_a_connection_that_breaks_is_made_again(url: str, tmp_path: Path) -> None:
    async with following(url, tmp_path) as house:
        await activate(url, a_release("Hello."))
        assert await house.greeting() == "Hello."
        async with connected(url) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )
        await activate(url, a_release("Good day."))
        assert await house.greeting() == "Good day."


async def test_an_engine_starts_with_the_active_release_and_without_the_store_with_the_last_one(
    url: str, tmp_path: Path
) -> None:
    local, nowhere = Local(tmp_path / "releases"), Database(NOWHERE, tmp_path)
    database, flows = Database(url, tmp_path), tmp_path / "flows"
    with pytest.raises(NoFolderError, match="there is no folder"):
        await first_edition(flows, NOTHING_OUTSIDE, local, database)
    flows.mkdir()
    for name in ("prompts.yaml", "routing.yaml", "main.yaml"):
        (flows / name).write_text(FILES[name], encoding="utf-8")
    found = await first_edition(flows, NOTHING_OUTSIDE, local, database)
    assert found.mark is None
    assert found.folder == flows
    number = await activate(url, a_release("Good day."))
    found = await first_edition(flows, NOTHING_OUTSIDE, local, database)
    assert found.mark is not None
    assert found.mark.number == number
    local.note_active(found.mark)
    again = await first_edition(flows, NOTHING_OUTSIDE, local, nowhere)
    assert again.mark == found.mark
    await activate(url, BROKEN)
    again = await first_edition(flows, NOTHING_OUTSIDE, local, database)
    assert again.mark == found.mark, "the last good one, and not the folder"
    (again.folder / "main.yaml").write_text("half", encoding="utf-8")
    again = await first_edition(flows, NOTHING_OUTSIDE, local, nowhere)
    assert again.mark is None, "a copy that is not whole is not used"
