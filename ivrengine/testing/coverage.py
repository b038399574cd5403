"""How much of the flows the scripted calls went through: nodes that were reached, exits that were taken."""

import dataclasses
from collections.abc import Collection, Iterable

from ivrengine.core.ids import BrandId
from ivrengine.flow.book import Book
from ivrengine.flow.model import Flow
from ivrengine.testing.playing import Played


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlowCoverage:
    """What was gone through of one flow; an exit is a pair of its node and its name."""

    flow: Flow
    nodes: int
    exits: int
    nodes_missed: tuple[str, ...]
    exits_missed: tuple[tuple[str, str], ...]
    """Also those of nodes that were not reached."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was gone through of all flows of a book."""

    flows: tuple[FlowCoverage, ...]

    @property
    def percent(self) -> float:
        """The exits taken of all exits, in per cent; 100 if there are none."""
        exits = sum(flow.exits for flow in self.flows)
        missed = sum(len(flow.exits_missed) for flow in self.flows)
        return 100.0 if exits == 0 else 100.0 * (exits - missed) / exits


def coverage_of(book: Book, played: Iterable[Played]) -> Coverage:
    """Return what calls went through, whether they passed or failed."""
    passed: dict[tuple[BrandId, str], set[tuple[str, str]]] = {}
    for call in played:
        for flow, node, exit_name in call.passed:
            passed.setdefault((call.script.flow.brand, flow), set()).add((node, exit_name))
    flows = (_covered(flow, passed.get(key, ())) for key, flow in sorted(book.flows.items()))
    return Coverage(flows=tuple(flows))


def _covered(flow: Flow, passed: Collection[tuple[str, str]]) -> FlowCoverage:
    exits = [(node, name) for node, names in flow.exits.items() for name in names]
    return FlowCoverage(
        flow=flow,
        nodes=len(flow.nodes),
        exits=len(exits),
        nodes_missed=tuple(node for node in flow.nodes if (node, "") not in passed),
        exits_missed=tuple(each for each in exits if each not in passed),
    )
