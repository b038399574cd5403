"""What crosses on the way: keys against prompts, ends against beginnings."""

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from ivrengine.core import switching
from ivrengine.sim import script
from ivrengine.sim.faults import Faults
from ivrengine.sim.phones import Answers, Phone
from tests.engine.a_house import DID, House, a_house
from tests.engine.test_engine import MENU

TWENTY = "3141592#65358979323#"
TWO_NUMBERS: dict[str, Any] = {
    "start": "first",
    "variables": {name: {"type": "string", "default": ""} for name in ("first", "second")},
    "nodes": {
        "first": {"type": "collect", "prompt": "first", "into": "first", "max_digits": 7}
        | {"next": "between", "no_input": "bye", "no_match": "bye"},
        "between": {"type": "play", "prompt": "between", "next": "second"},
        "second": {"type": "collect", "prompt": "second", "into": "second", "max_digits": 11}
        | {"next": "bye", "no_input": "bye", "no_match": "bye"},
        "bye": {"type": "hangup", "prompt": "bye"},
    },
}


def taken(house: House) -> list[tuple[str, str]]:
    """Return each digit that was taken, with the node that took it."""
    node, digits = "", []
    for row in house.rows():
        told = json.loads(row.payload)
        if row.kind == "DigitPressed":
            digits.append((node, told["event"]["digit"]))
        entered = [fields["node"] for kind, fields in told["effects"] if kind == "EnterNode"]
        node = entered[-1] if entered else node
    return digits


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("late", [0.0, 0.5])
async def test_twenty_keys_in_two_seconds_each_reach_the_node_they_were_meant_for(
    late: float, seed: int, tmp_path: Path
) -> None:
    async with a_house(tmp_path / "j", TWO_NUMBERS, seed=seed) as house:
        house.switch.faults = Faults(late=late, double_digits=0.0)
        house.switch.call(DID, script=script.script(script.press(TWENTY, after_s=0.5, gap_s=0.1)))
        await asyncio.sleep(30)
        nodes = ["first"] * 8 + ["second"] * 12
        assert taken(house) == list(zip(nodes, TWENTY, strict=True))
        assert house.outcome() == "completed"


async def test_a_key_told_after_the_end_of_a_call_is_counted_and_not_recorded(
    tmp_path: Path,
) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        caller = house.switch.call(DID)
        await caller.hears("menu")
        assert caller.channel is not None
        channel = caller.channel.channel_id
        caller.hang_up()
        await asyncio.sleep(1)
        before = house.kinds()
        house.hear(switching.DigitHeard(at=house.now(), channel_id=channel, digit="7"))
        await asyncio.sleep(1)
        assert house.kinds() == before
        assert house.count("events_dropped_total", reason="no such call") >= 1


@pytest.mark.parametrize("who", ["caller", "agent"])
@pytest.mark.parametrize("seed", range(10))
async def test_whoever_leaves_between_the_answer_and_the_bridge_leaves_nobody_alone(
    seed: int, who: str, tmp_path: Path
) -> None:
    phone = Phone("PJSIP/reception", Answers(after_s=1))
    async with a_house(tmp_path / "j", MENU, phones=(phone,), seed=seed) as house:
        wanted = script.script(script.hear("menu"), script.press("0"), patience_s=None)
        caller = house.switch.call(DID, script=wanted)
        await caller.hears("music:default")
        house.switch.faults = Faults(slow=1.0, slow_s=1.0)
        for _ in itertools.takewhile(lambda _: "LegAnswered" not in house.kinds(), range(10_000)):
            await asyncio.sleep(0.001)
        assert "LegAnswered" in house.kinds()
        (caller if who == "caller" else phone.calls[0]).hang_up()
        await asyncio.sleep(4)
        exchange = house.switch.exchange
        assert not [each for each in exchange.channels if ":ivr-" in each], "no lone agent"
        assert not exchange.bridges
        await asyncio.sleep(60)
        assert not house.engine.calls()
        if who == "agent":
            assert caller.ear.heard[-1].sound.endswith("/bye"), "the flow went on"
        assert house.kinds().count("CallArrived") == 1
