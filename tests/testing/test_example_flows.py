"""The example flows are pleasant to hear: short menus, and at most 20 seconds to a person."""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from ivrengine.core.ids import BrandId
from ivrengine.flow.checking import prompt_uses
from ivrengine.flow.load import load_folder
from ivrengine.flow.model import Flow
from ivrengine.flow.nodes.asking import Asking
from ivrengine.flow.nodes.call import CallFlow
from ivrengine.flow.nodes.menu import Menu
from ivrengine.flow.nodes.transfer import Transfer
from ivrengine.sim.read_aloud import ReadAloud

FLOWS: Final = Path(__file__).resolve().parents[2] / "flows"
BOOK: Final = load_folder(FLOWS)[0]
ALOUD: Final = ReadAloud(BOOK.prompts)
TO_A_PERSON_S: Final = 20.0
IN_AN_EMERGENCY_S: Final = 15.0
REACTION_S: Final = 1.0
"""Between the end of a question and the key."""
COMPOSED_S: Final = 8.0
"""What a sentence with values in it may last."""
CHOICES_MAX: Final = 4
ROUTED: Final = sorted(set(BOOK.routes.exact.values()))


def heard_s(flow: Flow, node: str, language: str) -> float:
    """Return how long a node takes somebody who hears its prompts to their end, and then answers."""
    found = flow.nodes[node]
    asks = isinstance(found, Asking)
    uses = [use for loc, use in found.prompts() if loc[0] == "prompt" or not asks]
    known = BOOK.prompts[flow.brand]
    spoken = (
        ALOUD.duration_s(ALOUD.media(flow.brand, name, language)) if name in known else COMPOSED_S
        for name in map(prompt_uses.name_of, uses)
    )
    return sum(each or 0.0 for each in spoken) + REACTION_S * asks


def ways_on(flow: Flow, node: str) -> Iterator[tuple[Flow, str]]:
    """Yield where somebody comes who answers what is asked; into a sub-flow, too, but not out of it."""
    found = flow.nodes[node]
    if isinstance(found, CallFlow):
        subflow = flow.subflows[found.flow]
        yield subflow, subflow.start
    elif isinstance(found, Menu):
        yield from ((flow, target) for target in found.choices.values())
    else:
        yield from ((flow, target) for target in found.exits().values() if target is not None)


def quickest_s(flow: Flow, language: str) -> float:
    """Return after how long a phone rings on the quickest way through a flow (Dijkstra's)."""
    known: set[tuple[str, str]] = set()
    ways = [(0.0, 0, flow, flow.start)]
    count = 0
    while ways:
        at_s, _, running, node = heapq.heappop(ways)
        if isinstance(running.nodes[node], Transfer):
            return at_s
        if (running.ref.name, node) in known:
            continue
        known.add((running.ref.name, node))
        after_s = at_s + heard_s(running, node, language)
        for then, target in ways_on(running, node):
            count += 1
            heapq.heappush(ways, (after_s, count, then, target))
    pytest.fail(f"no way leads to a person in {flow.ref.name}")


@pytest.mark.parametrize(("brand", "name"), ROUTED)
def test_a_person_is_at_most_twenty_seconds_away(brand: BrandId, name: str) -> None:
    flow = BOOK.flows[brand, name]
    limit_s = IN_AN_EMERGENCY_S if name.endswith("emergency") else TO_A_PERSON_S
    for language in flow.languages:
        assert 0 < quickest_s(flow, language) <= limit_s


def test_no_menu_has_more_than_four_choices_and_each_prompt_says_what_for_before_the_key() -> None:
    menus = [
        (flow, name, node)
        for flow in BOOK.flows.values()
        for name, node in flow.nodes.items()
        if isinstance(node, Menu)
    ]
    assert menus
    for flow, name, menu in menus:
        told = set(menu.choices) - set(menu.unspoken)
        assert len(told) <= CHOICES_MAX, f"{flow.ref.name}: {name}"
        for _, use in menu.prompts():
            english = BOOK.prompts[flow.brand][prompt_uses.name_of(use)].get("en", "")
            assert not english.startswith("Press"), f"{flow.ref.name}: {name}"
