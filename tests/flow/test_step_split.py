"""A ``split`` node deals callers out by percentage, and each caller always goes the same way."""

import dataclasses
import math
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core.call import Call
from ivrengine.core.ids import CallerKey, CallId
from ivrengine.flow.model import Flow
from ivrengine.flow.node import Leave, Turn
from tests.flow.walk import NOON, Walk, flow_of

CALLERS = 20_000


def split(ways: str, *, node: str = "which", name: str = "") -> Flow:
    listed = ", ".join(f"{way}: {{percent: {p}, to: bye}}" for way, p in _pairs(ways))
    return flow_of(f"""
    start: {node}
    nodes:
      {node}: {{type: split, {name} ways: {{{listed}}}}}
      bye: {{type: hangup}}
    """)


def _pairs(ways: str) -> list[tuple[str, str]]:
    return [(way, percent) for way, _, percent in (each.partition("=") for each in ways.split())]


def router(flow: Flow) -> Callable[[str], str]:
    """Return what tells the way of a caller with this key."""
    walk = Walk(flow)
    node = flow.nodes[flow.start]
    at_node = dataclasses.replace(walk.call, node=flow.start)

    def way_of(key: str) -> str:
        caller = dataclasses.replace(at_node.caller, key=CallerKey(key))
        call: Call = dataclasses.replace(at_node, caller=caller)
        move = node.enter(Turn(call=call, at=NOON, kit=flow.kit))
        assert isinstance(move, Leave)
        return move.exit

    return way_of


@pytest.mark.parametrize("ways", ["a=50 b=50", "a=1 b=99", "a=20 b=30 c=50", "a=97 b=1 c=1 d=1"])
def test_as_many_callers_go_each_way_as_its_percentage_says(ways: str) -> None:
    way_of = router(split(ways))
    gone = Counter(way_of(f"caller {n}") for n in range(CALLERS))
    wanted = {way: int(percent) / 100 * CALLERS for way, percent in _pairs(ways)}
    chi_square = sum((gone[way] - count) ** 2 / count for way, count in wanted.items())
    freedom = len(wanted) - 1
    assert chi_square < freedom + 4 * math.sqrt(2 * freedom) + 4, gone  # p far below 0.001
    assert set(gone) == set(wanted)


def test_two_splits_deal_the_same_callers_out_independently() -> None:
    first, second = router(split("a=50 b=50")), router(split("a=50 b=50", node="other"))
    pairs = Counter((first(f"caller {n}"), second(f"caller {n}")) for n in range(CALLERS))
    assert all(
        abs(count - CALLERS / 4) < 5 * math.sqrt(CALLERS * 3 / 16) for count in pairs.values()
    )
    assert len(pairs) == 4


@given(key=st.text(min_size=1), moved=st.integers(1, 49))
def test_when_a_share_grows_nobody_leaves_it(key: str, moved: int) -> None:
    before, after = router(split("a=50 b=50")), router(split(f"a={50 + moved} b={50 - moved}"))
    if before(key) == "a":
        assert after(key) == "a"


@given(key=st.text(min_size=1))
def test_splits_of_one_name_agree_wherever_they_stand(key: str) -> None:
    here = split("a=30 b=70", name="name: greeting,")
    there = split("a=30 b=70", node="elsewhere", name="name: greeting,")
    assert router(here)(key) == router(there)(key)


def test_the_ways_of_some_callers_are_the_same_for_ever() -> None:
    """A restart, another Python or a later release must not deal callers out anew."""
    way_of = router(split("a=20 b=30 c=50", name="name: greeting,"))
    assert [way_of(f"caller {n}") for n in range(12)] == list("bbcccbccbacc")


def test_a_withheld_caller_keeps_one_way_for_the_whole_call() -> None:
    flow = flow_of("""
    start: one
    nodes:
      one: {type: split, name: x, ways: {a: {percent: 50, to: two}, b: {percent: 50, to: two}}}
      two: {type: split, name: x, ways: {a: {percent: 50, to: bye}, b: {percent: 50, to: bye}}}
      bye: {type: hangup}
    """)
    walk = Walk(flow, withheld=True)
    (_, first), (_, second), _ = walk.exits()
    assert first == second


def test_withheld_callers_are_dealt_out_call_by_call() -> None:
    flow = split("a=50 b=50")
    call = dataclasses.replace(Walk(flow, withheld=True).call, node=flow.start)
    ways = set()
    for n in range(64):
        turn = Turn(
            call=dataclasses.replace(call, call_id=CallId(f"call {n}")), at=NOON, kit=flow.kit
        )
        move = flow.nodes[flow.start].enter(turn)
        assert isinstance(move, Leave)
        ways.add(move.exit)
    assert ways == {"a", "b"}
