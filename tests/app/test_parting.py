"""An engine that cannot go on parts from its callers before it ends: every one of them gets a person."""

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pytest

from ivrengine import app
from ivrengine.flow.load import load_folder
from ivrengine.settings.model import Settings
from ivrengine.sim import script
from ivrengine.sim.caller import Caller
from ivrengine.sim.switch import SimSwitch
from tests.app.test_with_postgres import DID, FLOWS
from tests.engine.a_house import Sounds


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A door that nothing passes once its task has ended, however that came."""

    switch: SimSwitch
    sounds: Sounds
    opened: asyncio.Event
    lost: asyncio.Event

    async def run(self) -> None:
        self.switch.start()
        self.opened.set()
        try:
            await self.lost.wait()
        finally:
            self.switch.drop_link(requests_too=True)


@pytest.mark.real_time
async def test_when_one_node_is_lost_for_good_the_callers_of_the_others_get_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "SHIP_OUT_S", 0.0)
    nowhere = f"postgresql://nobody@localhost:1/none?host={tmp_path}"
    settings = Settings.model_validate(
        {"data_dir": tmp_path / "data", "database_url": nowhere, "limits": {"drain_s": 600}}
    )
    book, _ = load_folder(FLOWS)
    doors: list[Door] = []

    def make_doors(inside: app.Inside) -> Sequence[app.Door]:
        for node in ("one", "two"):
            switch = SimSwitch(
                listener=inside.listener, now=inside.now, duration_s=lambda _media: 60.0, node=node
            )
            opened, lost = asyncio.Event(), asyncio.Event()
            doors.append(Door(switch=switch, sounds=Sounds(), opened=opened, lost=lost))
        return doors

    callers: list[Caller] = []

    async def lose_a_node() -> None:
        async with app.running(settings, book, make_doors):
            await doors[1].opened.wait()
            callers.append(doors[1].switch.call(DID, script=script.script(fallback_s=600)))
            await callers[0].answered()
            doors[0].lost.set()
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await lose_a_node()
    assert raised.group_contains(app.DoorClosedError)
    assert callers[0].fallback
