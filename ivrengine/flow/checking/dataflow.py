"""What a flow's variables hold on its ways: values read before anything gives them, given and never read, and decided cases.

A variable counts as given where it has a ``default``, comes in as a parameter, or a node on the way gives it a value.
"""

import re
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from ivrengine.flow.expressions import Programs, names_in
from ivrengine.flow.node import Expression, Node
from ivrengine.flow.nodes.collect import Collect
from ivrengine.flow.nodes.return_ import ReturnNode
from ivrengine.flow.nodes.set import Set
from ivrengine.flow.nodes.switch import Switch
from ivrengine.flow.problems import BEGINNING, Code, Loc, Place, Problem, problem
from ivrengine.flow.source.draft import Draft

_GIVE_NOTHING: Final = frozenset(
    {"no_input", "no_match", "error", "failed", "not_found", "skipped"}
)
"""Exits by which a node is left without having given its variables a value."""
_COUNTED: Final = re.compile(r"\bsize\s*\(\s*[a-z]\w*\s*\)")
_BLANKS: Final = re.compile(r"\s+")


class _Read(NamedTuple):
    """A place at which a variable's value is wanted."""

    variable: str
    loc: Loc
    expression: Expression | None
    """None where it is named as it is."""
    inside: Place
    """Where in the expression."""

    @property
    def counts_itself(self) -> bool:
        """Tell whether it is read to compute its own next value: a count, which may well begin with nothing."""
        return self.expression is not None and self.expression.assigns == self.variable

    def place(self, draft: Draft) -> Place:
        """Return where that stands in the file."""
        if self.expression is None:
            return draft.place(*self.loc)
        return draft.place_in(self.loc, self.expression, self.inside)


class _Given(NamedTuple):
    """Sets of variables as bits."""

    somewhere: int
    """Given a value on some way to here."""
    everywhere: int
    """Given a value on every way to here."""


def check(draft: Draft, programs: Programs) -> Iterator[Problem]:
    """Yield what is wrong with the values of a flow's variables; of a flow that is broken nothing is said."""
    if not draft.whole or draft.start not in draft.nodes:
        return
    reads = {name: list(_reads(draft, programs, name, node)) for name, node in draft.nodes.items()}
    yield from _too_early(draft, reads)
    yield from _never_read(draft, reads)
    yield from _secrets(draft)
    for name, node in draft.nodes.items():
        if isinstance(node, Switch):
            yield from _cases(draft, programs, name, node)


def _reads(draft: Draft, programs: Programs, name: str, node: Node) -> Iterator[_Read]:
    if isinstance(node, ReturnNode):
        for variable in draft.returns.get(node.by, ()):
            yield _Read(variable, ("nodes", name, "by"), None, BEGINNING)
    for expression in draft.expressions[name]:
        if expression.text not in programs:
            continue
        loc: Loc = ("nodes", name, *expression.loc)
        for variable, inside in names_in(expression.text):
            if variable in draft.variables:
                yield _Read(variable, loc, expression, inside)


def _too_early(draft: Draft, reads: Mapping[str, list[_Read]]) -> Iterator[Problem]:
    """Yield the places where a variable is read that no way to there has given a value, or not every way."""
    begins = _given_first(draft)
    if all(read.variable in begins for found in reads.values() for read in found):
        return
    bits = {name: 1 << index for index, name in enumerate(draft.variables)}
    given = _given(draft, bits, begins)
    computed = {
        variable
        for node in draft.nodes.values()
        if isinstance(node, Set)
        for _, variable in node.assigns()
    }
    for name, here in given.items():
        for read in reads[name]:
            bit = bits.get(read.variable, 0)
            if read.counts_itself or here.everywhere & bit or not bit:
                continue
            hint = f"give it a `default`, or set it before `{name}`"
            if not here.somewhere & bit:
                sentence = f"nothing gives `{read.variable}` a value on any way to here; {hint}"
                yield problem(draft.file, read.place(draft), Code.UNSET_VARIABLE, sentence)
            elif read.variable not in computed:
                sentence = (
                    f"on some ways to here nothing has given `{read.variable}` a value; {hint}"
                )
                yield problem(draft.file, read.place(draft), Code.PERHAPS_UNSET, sentence)


def _given_first(draft: Draft) -> Collection[str]:
    """Return the variables that have a value when the flow begins."""
    with_default = {name for name, found in draft.variables.items() if found.default is not None}
    return with_default.union(draft.parameters)


def _given(draft: Draft, bits: Mapping[str, int], begins: Collection[str]) -> Mapping[str, _Given]:
    """Return for each node that can be reached what has been given a value before it."""
    assert draft.start is not None
    first = sum(bits[name] for name in begins if name in bits)
    handlers = {(to, 0) for to in draft.handlers.values() if to in draft.nodes}
    edges = {
        name: sorted({*_edges(draft, node, bits), *handlers}) for name, node in draft.nodes.items()
    }
    given = {draft.start: _Given(first, first)}
    ahead = deque([draft.start])
    while ahead:  # each node comes here again only for a bit that has changed
        name = ahead.popleft()
        somewhere, everywhere = given[name]
        for to, new in edges[name]:
            known = given.get(to)
            some, every = somewhere | new, everywhere | new
            if known is not None:
                some, every = some | known.somewhere, every & known.everywhere
            if known is None or (some, every) != known:
                given[to] = _Given(some, every)
                ahead.append(to)
    return given


def _edges(draft: Draft, node: Node, bits: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    """Yield where a node leads, with what it gives values to on that way."""
    gives = 0
    for _, variable in node.assigns():
        gives |= bits.get(variable, 0)
    for exit_name, to in node.exits().items():
        if to is not None and to in draft.nodes:
            yield to, 0 if exit_name in _GIVE_NOTHING else gives


def _never_read(draft: Draft, reads: Mapping[str, list[_Read]]) -> Iterator[Problem]:
    read = {each.variable for found in reads.values() for each in found if not each.counts_itself}
    read |= {variable for handed in draft.returns.values() for variable in handed}
    told: set[str] = set()
    for name, node in draft.nodes.items():
        for loc, variable in node.assigns():
            if variable in draft.variables and variable not in read | told:
                told.add(variable)
                at = ("nodes", name, *loc)
                place = draft.key_place(*at) if loc[-1] == variable else draft.place(*at)
                sentence = f"`{variable}` gets a value here, but nothing ever reads it"
                yield problem(draft.file, place, Code.UNREAD_VARIABLE, sentence)


def _secrets(draft: Draft) -> Iterator[Problem]:
    """Yield the places that want to know what was keyed in secret; how long it is, everybody may."""
    nodes = draft.nodes.values()
    secret = {node.into for node in nodes if isinstance(node, Collect) and node.sensitive}
    if not secret:
        return
    found: list[tuple[str, Place]] = []
    for by, handed in draft.returns.items():
        for index, variable in enumerate(handed):
            found.append((variable, draft.place("returns", by, index)))
    for name, expressions in draft.expressions.items():
        for expression in expressions:
            loc: Loc = ("nodes", name, *expression.loc)
            counted = _COUNTED.sub(lambda size: " " * len(size[0]), expression.text)
            for variable, inside in names_in(counted):
                found.append((variable, draft.place_in(loc, expression, inside)))
    for variable, place in found:
        if variable in secret:
            sentence = (
                f"`{variable}` is keyed in secret and known to nobody; "
                f"all that can be read is its length, `size({variable})`"
            )
            yield problem(draft.file, place, Code.SENSITIVE_READ, sentence)


def _cases(draft: Draft, programs: Programs, name: str, node: Switch) -> Iterator[Problem]:
    """Yield the conditions of a switch that are always or never true, and those that are tried in vain."""
    earlier: dict[str, int] = {}
    for index, case in enumerate(node.cases):
        place = draft.place("nodes", name, "cases", index, "when")
        condition = _BLANKS.sub(" ", case.when).strip()
        constant = programs.constant(case.when)
        if condition in earlier:
            sentence = (
                f"case {earlier[condition]} has this condition already; this one is never taken"
            )
            yield problem(draft.file, place, Code.CASE_NEVER, sentence)
        elif isinstance(constant, bool):
            sentence = f"this condition is {'always' if constant else 'never'} true"
            yield problem(draft.file, place, Code.CONSTANT_CONDITION, sentence)
        elif programs.always_fails(case.when):
            sentence = "this condition has no value in any call: it always fails"
            yield problem(draft.file, place, Code.CONSTANT_CONDITION, sentence)
        earlier.setdefault(condition, index + 1)
