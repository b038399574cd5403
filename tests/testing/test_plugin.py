"""The fixtures for tests of flows in Python, on the example flows."""

from collections.abc import Callable

import pytest

from ivrengine.core.call import Outcome
from ivrengine.testing.visit import DivergenceError
from ivrengine.testing.world import CallerOnTheLine, FlowsError, PhoneAtHand, World

Calls = Callable[..., CallerOnTheLine]
Phones = Callable[[str], PhoneAtHand]


def test_a_resident_asks_for_the_dues(caller: Calls) -> None:
    resident = caller("guneskent-main", clock="2026-11-23 10:30 Europe/Istanbul")
    resident.hears("welcome", "choose-language")
    resident.presses("2")
    resident.hears("For your dues, press one")
    resident.presses("1")
    resident.hears("ask-flat")
    resident.presses("112#")
    resident.hears("dues", "anything-else", "main-menu")
    assert resident.variables["flat"] == 112
    resident.hangs_up()
    assert resident.ends().outcome is Outcome.HUNG_UP
    assert resident.nodes[-3:] == ["check-flat", "dues", "main-menu"]


def test_reception_is_called_twice(caller: Calls, phone: Phones) -> None:
    resident = caller("+902124440101", caller="0532 123 45 67")
    resident.hears("welcome")
    resident.presses("0")
    resident.hears("connecting-reception")
    phone("reception").is_busy()
    resident.hears("reception-busy", "once-more")
    resident.presses("1")
    phone("reception").answers()
    resident.waits(60)
    phone("reception").hangs_up()
    assert resident.ends().outcome is Outcome.TRANSFERRED


def test_what_goes_otherwise_is_an_assertion_error(caller: Calls) -> None:
    resident = caller("makara-readers")
    with pytest.raises(DivergenceError, match="expected the caller to hear menu"):
        resident.hears("menu")


def test_two_callers_are_on_the_line_at_once(world: World) -> None:
    one, other = world.call("makara-readers"), world.call("guneskent-main")
    one.hears("welcome")
    other.hears("welcome")
    one.hangs_up()
    assert one.ends().outcome is Outcome.HUNG_UP


def test_a_flow_that_is_not_there_is_said_so(world: World) -> None:
    with pytest.raises(FlowsError, match="there is no flow `guneskent`"):
        world.call("guneskent")
    with pytest.raises(FlowsError, match="nobody has called yet"):
        world.phone("reception")
