"""How many series there are is known beforehand: no call, number, digit or name that somebody chose makes a new one."""

import asyncio
import re
from pathlib import Path
from typing import Final

from prometheus_client import generate_latest

from ivrengine.core.call import Outcome
from ivrengine.core.ids import BrandId, NodeName
from ivrengine.sim import chance as chances
from ivrengine.sim import script
from ivrengine.sim.faults import Faults
from ivrengine.sim.phones import Answers, Phone
from ivrengine.telemetry import metrics
from ivrengine.telemetry.build import Build
from ivrengine.telemetry.door import DoorMeter
from ivrengine.telemetry.flows import FlowMeter
from tests.engine.a_house import DID, House, a_house
from tests.engine.test_engine import MENU

HOSTILE: Final = (
    "+905321234567",
    "05321234567",
    '"; DROP TABLE calls; --',
    "a\nivrengine_evil_total 1",
    "\x1b[31m112",
    "٣٤٥٦٧٨٩",
    "9" * 4_000,
    "ş" * 300,
    "",
)
CALLS: Final = 150
BUILD: Final = Build(version="1", python="3", commit="c")
LONG_NUMBER: Final = re.compile(r"\d{7,}")


def series(counted: metrics.Metrics) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in counted.registry.collect()
        for sample in family.samples
    }


async def crowd(house: House, seed: int) -> None:
    """Let callers of all kinds call anything, press anything, and leave when they like."""
    chance = chances.source(seed, "hostile")
    for number in range(CALLS):
        keys = "".join(chance.choices("0123456789*#ABCD", k=chance.randint(0, 40)))
        did = DID if number % 3 else chance.choice(HOSTILE)
        house.switch.faults = Faults(lose=0.02 if number % 10 == 0 else 0.0)
        house.switch.call(
            did,
            number=chance.choice((None, *HOSTILE)),
            script=script.script(
                script.press(keys, after_s=chance.uniform(0, 5), gap_s=0.1)
                if keys
                else script.wait(1),
                script.wait(chance.uniform(0, 60)),
                script.hang_up(),
                fallback_s=30,
            ),
        )
        await asyncio.sleep(chance.uniform(0, 0.5))
    await asyncio.sleep(600)


async def test_a_crowd_of_hostile_callers_makes_no_series_that_was_not_there(
    tmp_path: Path,
) -> None:
    phone = Phone("PJSIP/reception", Answers(after_s=1, talks_s=5))
    async with a_house(tmp_path / "j", MENU, phones=(phone,)) as house:
        before = series(house.counted)
        await crowd(house, seed=20261121)
        assert house.count("calls_ended_total") > CALLS / 3
        assert house.count("calls_refused_total", reason="no route") > 10
        looked = {
            (f"ivrengine_{what}", (("node", "sim"), ("whose", whose)))
            for what in ("channels", "bridges")
            for whose in ("ours", "unknown")
        }
        assert series(house.counted) == before | looked
        text = generate_latest(house.counted.registry).decode()
    for line in text.splitlines():
        if line.startswith("ivrengine_build_info{"):
            continue  # a commit is a long number at times
        labels = line.partition("{")[2].rpartition("}")[0]
        assert not LONG_NUMBER.search(labels), line
    for value in HOSTILE:
        assert not value or value not in text


async def test_visits_are_counted_by_the_type_of_node(tmp_path: Path) -> None:
    async with a_house(tmp_path / "j", MENU) as house:
        house.switch.call(
            DID,
            script=script.script(
                script.hear("menu"), script.press("1", after_s=1), script.hang_up(after_s=30)
            ),
        )
        await asyncio.sleep(120)

        def visits(kind: str) -> float:
            return house.count("node_visits_total", brand="acme", flow="main", type=kind)

        assert visits("menu") == 1
        assert visits("collect") == 1
        assert visits("transfer") == 0
        assert house.count("calls_ended_total", brand="acme", flow="main") == 1


def test_the_series_of_a_new_engine_are_few() -> None:
    counted = metrics.new(BUILD)
    FlowMeter(counted)
    assert len(series(counted)) < 400


def test_a_flow_adds_its_outcomes_and_the_types_of_its_nodes() -> None:
    counted = metrics.new(BUILD)
    meter = FlowMeter(counted)
    before = series(counted)
    meter.know(BrandId("acme"), "main", {"menu", "play"})
    added = {(name, dict(labels)["flow"]) for name, labels in series(counted) - before}
    assert added == {
        ("ivrengine_calls_ended_total", "main"),
        ("ivrengine_node_visits_total", "main"),
    }
    assert len(series(counted) - before) == len(Outcome) + 2


def test_a_flow_that_left_the_settings_is_counted_with_all_others_that_did() -> None:
    counted = metrics.new(BUILD)
    meter = FlowMeter(counted)
    before = series(counted)
    for value in HOSTILE:
        meter.ended(BrandId(value), value, Outcome.LOST)
        meter.visited(BrandId(value), value, "menu")
    assert len(series(counted) - before) == 1, "the type of a node, once"
    assert metrics.total(counted, "calls_ended_total", flow="other", outcome="lost") == len(HOSTILE)


def test_counting_a_visit_is_cheap_enough_for_the_way_of_a_call() -> None:
    """A look-up of a series costs 2 µs; kept, it is found by its key (held to that by counting look-ups, not by a clock)."""
    counted = metrics.new(BUILD)
    meter = FlowMeter(counted)
    meter.know(BrandId("acme"), "main", {"menu"})
    looked_up = counted.node_visits.labels
    calls = 0

    def labels(*values: str) -> object:
        nonlocal calls
        calls += 1
        return looked_up(*values)

    counted.node_visits.labels = labels  # type: ignore[method-assign, assignment]
    for _ in range(1_000):
        meter.visited(BrandId("acme"), "main", "menu")
    assert calls == 0
    assert metrics.total(counted, "node_visits_total") == 1_000


def test_a_door_makes_series_of_operations_and_outcomes_only() -> None:
    counted = metrics.new(BUILD)
    meter = DoorMeter(counted)
    node = NodeName("ast1")
    for _ in range(3):
        meter.requested(node, "channels.answer", "done", 0.001)
        meter.heard(node, "Arrival")
        meter.dropped(node, "garbled")
    after = series(counted)
    meter.requested(node, "channels.answer", "done", 5.0)
    assert series(counted) == after
