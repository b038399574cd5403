"""Whether a recording of the call can run while digits are keyed in secret: followed through flows and their sub-flows."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Final

from ivrengine.core.ids import BrandId
from ivrengine.flow.checking.linking import DEPTH_MAX, Key
from ivrengine.flow.node import Node
from ivrengine.flow.nodes.asking import Asking
from ivrengine.flow.nodes.call import CallFlow
from ivrengine.flow.nodes.record import Record
from ivrengine.flow.nodes.return_ import ReturnNode
from ivrengine.flow.problems import Code, Place, Problem, problem
from ivrengine.flow.source.draft import Draft

_NONE: Final = 1
_RUNS: Final = 2
_PAUSED: Final = 4
_STATES: Final = (_NONE, _RUNS, _PAUSED)
"""What the call's recording may be, as bits: a set of them says what it may be on some way or other."""
_LEADS: Final[Mapping[str, Mapping[int, int]]] = {
    "start": {_NONE: _RUNS, _RUNS: _RUNS, _PAUSED: _RUNS},
    "pause": {_NONE: _NONE, _RUNS: _PAUSED, _PAUSED: _PAUSED},
    "resume": {_NONE: _NONE, _RUNS: _RUNS, _PAUSED: _RUNS},
    "stop": {_NONE: _NONE, _RUNS: _NONE, _PAUSED: _NONE},
}
"""What becomes of a recording by what a ``record`` node does."""
_FROM_ANYWHERE: Final = frozenset({"error", "on_max_duration"})
"""Exits of a ``call`` node that are taken wherever in the sub-flow the call stands."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A node, as far as recordings are concerned."""

    exits: Mapping[str, str]
    does: str = ""
    """Of a ``record`` node."""
    secret: Place | None = None
    """Digits are keyed in secret here."""
    calls: str = ""
    """The sub-flow of a ``call`` node."""
    returns_by: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The ways through a flow."""

    file: str
    start: str
    stops: Mapping[str, Stop]
    at_any_time: tuple[str, ...]
    """Nodes to which errors and the end of the time lead, from wherever the call stands."""
    records: bool
    """Whether it begins recordings."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Passed:
    """What a recording may be after a flow, by what it was before."""

    returns: Mapping[str, int]
    anywhere: int
    """At any time within it."""


def course(draft: Draft) -> Course | None:
    """Return the ways through a flow; None through one that is broken, or for which recordings mean nothing."""
    start, nodes = draft.start, draft.nodes.values()
    if not draft.whole or start not in draft.nodes or not any(map(_matters, nodes)):
        return None
    assert start is not None
    handlers = (draft.handlers.get(key, "") for key in ("on_error", "on_max_duration"))
    return Course(
        file=draft.file,
        start=start,
        stops={name: _stop(draft, name) for name in draft.nodes},
        at_any_time=tuple(to for to in handlers if to in draft.nodes),
        records=any(isinstance(node, Record) and node.do == "start" for node in nodes),
    )


def _matters(node: Node) -> bool:
    return isinstance(node, Record | CallFlow | ReturnNode) or _is_secret(node)


def _is_secret(node: Node) -> bool:
    return isinstance(node, Asking) and node.hides


def _stop(draft: Draft, name: str) -> Stop:
    node = draft.nodes[name]
    exits = {by: to for by, to in node.exits().items() if to is not None and to in draft.nodes}
    match node:
        case Record():
            return Stop(exits=exits, does=node.do)
        case CallFlow():
            return Stop(exits=exits, calls=node.flow)
        case ReturnNode():
            return Stop(exits=exits, returns_by=node.by)
        case _ if _is_secret(node):
            return Stop(exits=exits, secret=draft.place("nodes", name, "sensitive"))
        case _:
            return Stop(exits=exits)


def check(known: Mapping[Key, Course]) -> Iterator[Problem]:
    """Yield the places where digits are keyed in secret while a recording may run."""
    if not any(flow.records for flow in known.values()):
        return
    tour = _Tour(known)
    for brand, name in known:
        tour.root = name
        tour.passed((brand, name), _NONE)
    yield from tour.found.values()


class _Tour:
    """Goes through flows with each thing that a recording may be, once."""

    def __init__(self, known: Mapping[Key, Course]) -> None:
        self.root = ""
        """The flow with which the calls begin that are followed now."""
        self.found: dict[tuple[str, Place], Problem] = {}
        self._known = known
        self._passed: dict[tuple[Key, int], _Passed] = {}

    def passed(self, key: Key, state: int, depth: int = 0) -> _Passed:
        """Return what one thing that a recording is becomes in a flow; circles and depths of flows are told elsewhere."""
        done, flow = self._passed.get((key, state)), self._known.get(key)
        if done is None:
            self._passed[key, state] = done = _Passed({}, state)
            if flow is not None and depth <= DEPTH_MAX:
                self._passed[key, state] = done = self._through(key, flow, state, depth)
        return done

    def _through(self, key: Key, flow: Course, state: int, depth: int) -> _Passed:
        at: dict[str, int] = {}
        returns: dict[str, int] = {}
        anywhere = 0
        ahead = [(flow.start, state)]
        while ahead:  # each node comes here at most once for each state
            name, before = ahead.pop()
            if at.get(name, 0) & before:
                continue
            at[name] = at.get(name, 0) | before
            stop = flow.stops[name]
            if stop.secret is not None and before == _RUNS:
                self._tell(key, flow, stop.secret)
            if stop.returns_by:
                returns[stop.returns_by] = returns.get(stop.returns_by, 0) | before
            within, onward = self._onward(key[0], stop, before, depth)
            ahead += onward
            if within & ~anywhere:
                ahead += [(to, each) for to in flow.at_any_time for each in _each(within)]
                anywhere |= within
        return _Passed(returns, anywhere)

    def _onward(
        self, brand: BrandId, stop: Stop, state: int, depth: int
    ) -> tuple[int, list[tuple[str, int]]]:
        """Return what a recording may be at a node, and with what it goes on where."""
        after: dict[str, int] = {}
        within = state
        if stop.calls:
            deep = self.passed((brand, stop.calls), state, depth + 1)
            within |= deep.anywhere
            after = {
                by: within if by in _FROM_ANYWHERE else deep.returns.get(by, 0) for by in stop.exits
            }
        elif stop.does:
            after["next"] = _LEADS[stop.does][state]
        ways = stop.exits.items()
        return within, [(to, each) for by, to in ways for each in _each(after.get(by, state))]

    def _tell(self, key: Key, flow: Course, place: Place) -> None:
        whose = "the call" if key[1] == self.root else f"a call that `{self.root}` begins"
        sentence = (
            f"{whose} may be recorded while digits are keyed in secret here; "
            "pause the recording before (`type: record`, `do: pause`)"
        )
        found = problem(flow.file, place, Code.SENSITIVE_RECORDED, sentence)
        self.found.setdefault((flow.file, place), found)


def _each(states: int) -> Iterator[int]:
    return (state for state in _STATES if states & state)
