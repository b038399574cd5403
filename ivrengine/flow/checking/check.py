"""The checks of one flow as a graph, and against the brand it belongs to: what no schema can say."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from ivrengine.flow.book import PromptTexts
from ivrengine.flow.checking import prompt_uses, spoken_keys
from ivrengine.flow.fields import is_name
from ivrengine.flow.node import Node
from ivrengine.flow.nodes.return_ import ReturnNode
from ivrengine.flow.outside import Outside, origin_of
from ivrengine.flow.problems import Code, Loc, Problem, closest, did_you_mean, problem
from ivrengine.flow.source import indents
from ivrengine.flow.source.draft import Draft
from ivrengine.flow.source.prompt_texts import CUT, Entry

_Edge = tuple[str, str]
"""An exit and the node it leads to."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a flow's names are held against; None where it is not known, so that nothing false is said."""

    brands: Collection[str] | None
    phones: Collection[str] | None
    prompts: Mapping[str, PromptTexts] | None
    entries: Mapping[str, Entry] = dataclasses.field(default_factory=dict)
    """Where the texts of each prompt of the brand stand."""
    outside: Outside | None = None
    recorded: Collection[tuple[str, str]] = ()
    """Language and name of each recorded prompt of the brand."""


def check_graph(draft: Draft) -> Iterator[Problem]:
    """Yield unknown targets, nodes that no way leads to, and loops that nobody ends."""
    unknown = list(_unknown_targets(draft))
    yield from unknown
    if draft.whole and draft.start is not None and not unknown:
        yield from _unreachable(draft, draft.start)
        yield from _nobody_there(draft)
        reached = _reached(draft, [draft.start, *draft.handlers.values()])
        yield from (loop for name, loop in _endless_loops(draft) if name in reached)
    else:
        yield from (loop for _, loop in _endless_loops(draft))
    yield from _undeclared_returns(draft)


def _unknown_targets(draft: Draft) -> Iterator[Problem]:
    known = {*draft.nodes, *draft.broken_nodes}
    unknown: list[tuple[Loc, str]] = []
    if draft.start is not None and draft.start not in known:
        unknown.append((("start",), draft.start))
    unknown += [((key,), to) for key, to in draft.handlers.items() if to not in known]
    for name, node in draft.nodes.items():
        for exit_name, target in node.exits().items():
            if target is not None and target not in known:
                unknown.append((_loc_of_exit(name, node, exit_name), target))
    misnamed = [name for name in draft.broken_nodes if not is_name(name)]
    misplaced = set() if draft.whole else set(indents.nodes_inside_nodes(draft.document.data))
    for loc, target in unknown if known else ():
        if target in misplaced or closest(target, misnamed) is not None:
            continue  # the node's name or place is broken, and that is told
        sentence = f"no node `{target}`{did_you_mean(target, known)}"
        yield problem(draft.file, draft.place(*loc), Code.UNKNOWN_NODE, sentence)


def _loc_of_exit(name: str, node: Node, exit_name: str) -> Loc:
    return ("nodes", name, *node.exit_locs().get(exit_name, (exit_name,)))


def _unreachable(draft: Draft, start: str) -> Iterator[Problem]:
    reached = _reached(draft, [start, *draft.handlers.values()])
    for name in draft.nodes:
        if name not in reached:  # told once for all that only it leads to
            reached |= _reached(draft, [name])
            sentence = f"no way from `{start}` leads to the node `{name}`"
            yield problem(
                draft.file, draft.key_place("nodes", name), Code.UNREACHABLE_NODE, sentence
            )


def _reached(draft: Draft, begin: Collection[str]) -> set[str]:
    """Return the nodes to which a way leads from those."""
    reached, ahead = set(begin), list(begin)
    while ahead:
        for target in draft.nodes[ahead.pop()].exits().values():
            if target is not None and target in draft.nodes and target not in reached:
                reached.add(target)
                ahead.append(target)
    return reached


def _nobody_there(draft: Draft) -> Iterator[Problem]:
    """Yield the nodes to which a way leads from ``on_hangup``, and which are of no use without a caller."""
    first = draft.handlers.get("on_hangup")
    for name in sorted(_reached(draft, [first])) if first is not None else ():
        if draft.nodes[name].needs_caller:
            sentence = (
                f"`on_hangup` leads to the node `{name}` of type {draft.nodes[name].type}, "
                "which has nobody to do it for when the caller has left"
            )
            yield problem(draft.file, draft.place("on_hangup"), Code.NEEDS_CALLER, sentence)


def _undeclared_returns(draft: Draft) -> Iterator[Problem]:
    for name, node in draft.nodes.items():
        if isinstance(node, ReturnNode) and draft.whole and node.by not in draft.returns:
            sentence = (
                f"the flow declares no return `{node.by}`{did_you_mean(node.by, draft.returns)}"
            )
            place = draft.place("nodes", name, "by")
            yield problem(draft.file, place, Code.RETURN_UNDECLARED, sentence)


def _endless_loops(draft: Draft) -> Iterator[tuple[str, Problem]]:
    """Yield each loop that a call never leaves while nobody does anything, with a node of it.

    A node is *bounded* if all its idle exits lead to bounded nodes; one that decides by the flow's data, if one of them
    does: it may count the rounds. What the least set of bounded nodes leaves over goes round.
    """
    idle = {name: _idle_edges(draft, node) for name, node in draft.nodes.items()}
    bounded = _bounded(draft, idle)
    onward = {
        name: next(edge for edge in edges if edge[1] not in bounded)
        for name, edges in idle.items()
        if name not in bounded
    }
    seen: set[str] = set()
    for name in onward:
        way: list[str] = []
        here = name
        while here not in seen:
            seen.add(here)
            way.append(here)
            here = onward[here][1]
        if here in way:
            yield here, _loop(draft, way[way.index(here) :], onward)


def _idle_edges(draft: Draft, node: Node) -> list[_Edge]:
    exits, idle = node.exits(), node.idle_exits()
    return [(name, to) for name, to in exits.items() if name in idle and to and to in draft.nodes]


def _bounded(draft: Draft, idle: Mapping[str, list[_Edge]]) -> set[str]:
    waiting_for: dict[str, int] = {}
    before: dict[str, list[str]] = {name: [] for name in idle}
    for name, edges in idle.items():
        waiting_for[name] = _to_be_bounded(draft.nodes[name], edges)
        for _, target in edges:
            before[target].append(name)
    ahead = [name for name, count in waiting_for.items() if count == 0]
    bounded: set[str] = set()
    while ahead:
        name = ahead.pop()
        bounded.add(name)
        for earlier in before[name]:
            waiting_for[earlier] -= 1
            if waiting_for[earlier] == 0:
                ahead.append(earlier)
    return bounded


def _to_be_bounded(node: Node, edges: list[_Edge]) -> int:
    """Return how many of a node's idle edges must lead to bounded nodes for it to be bounded itself."""
    if not node.decides:
        return len(edges)
    leads_nowhere_else = len(edges) == len(node.idle_exits())
    return min(1, len(edges)) if leads_nowhere_else else 0


def _loop(draft: Draft, way: list[str], onward: Mapping[str, _Edge]) -> Problem:
    first = way[0]
    steps = "".join(f"`{name}` ({onward[name][0]}) → " for name in way)
    sentence = (
        f"a call stays for ever in the loop {steps}`{first}` while nobody does anything; "
        "lead one of these exits out of it"
    )
    place = draft.place(*_loc_of_exit(first, draft.nodes[first], onward[first][0]))
    return problem(draft.file, place, Code.ENDLESS_LOOP, sentence)


def check_names(
    draft: Draft, around: Surroundings, prompts: Mapping[str, Loc]
) -> Iterator[Problem]:
    """Yield the names of brands, languages, phones and prompts that mean nothing; ``prompts`` are the flow's own."""
    if around.brands is not None and draft.brand is not None and draft.brand not in around.brands:
        sentence = f"the routing file has no brand `{draft.brand}`{did_you_mean(draft.brand, around.brands)}"
        yield problem(draft.file, draft.place("brand"), Code.UNKNOWN_BRAND, sentence)
    for name, node in draft.nodes.items():
        for loc, language in node.languages():
            if draft.languages and language not in draft.languages:
                sentence = f"the flow does not list the language `{language}`"
                yield problem(
                    draft.file, draft.place("nodes", name, *loc), Code.UNKNOWN_LANGUAGE, sentence
                )
        yield from _texts(draft, name, node)
        for loc, phone in node.phones():
            if around.phones is not None and phone not in around.phones:
                sentence = f"brand `{draft.brand}` has no phone `{phone}`{did_you_mean(phone, around.phones)}"
                yield problem(
                    draft.file, draft.place("nodes", name, *loc), Code.UNKNOWN_PHONE, sentence
                )
    if around.outside is not None:
        yield from _outside(draft, around.outside)
    if around.prompts is not None:
        yield from _prompts(draft, prompts, around.prompts, around.recorded, around.entries)
        if draft.whole:
            yield from spoken_keys.check(draft, around.prompts, prompts)


def _texts(draft: Draft, name: str, node: Node) -> Iterator[Problem]:
    for loc, texts in node.texts():
        for language in texts if "#" in draft.document.text else ():
            behind = draft.document.comment_behind(("nodes", name, *loc, language))
            if behind is not None:
                yield problem(draft.file, behind, Code.TEXT_CUT, CUT)
        for language in draft.languages:
            if language not in texts:
                sentence = f"the text is not given in `{language}`, which the flow speaks"
                place = draft.key_place("nodes", name, *loc)
                yield problem(draft.file, place, Code.TEXT_LANGUAGE, sentence)


def _outside(draft: Draft, around: Outside) -> Iterator[Problem]:
    """Yield the hosts and secrets that the settings do not have."""
    for name, node in draft.nodes.items():
        for loc, url in node.addresses():
            if not around.allows(url):
                sentence = f"the settings do not allow flows to ask `{origin_of(url)}`"
                place = draft.place("nodes", name, *loc)
                yield problem(draft.file, place, Code.HOST_NOT_ALLOWED, sentence)
        for loc, secret in node.secrets():
            if secret not in around.secrets:
                sentence = (
                    f"the settings have no secret `{secret}`{did_you_mean(secret, around.secrets)}"
                )
                place = draft.place("nodes", name, *loc)
                yield problem(draft.file, place, Code.UNKNOWN_SECRET, sentence)


_FirstUses = dict[str, Loc]


def named_prompts(draft: Draft) -> Mapping[str, Loc]:
    """Return every prompt that the flow names, with the place of its first use."""
    first: _FirstUses = {}
    for node_name, uses in draft.prompts.items():
        for loc, use in uses:
            first.setdefault(prompt_uses.name_of(use), ("nodes", node_name, *loc))
    return first


def _prompts(
    draft: Draft,
    prompts: Mapping[str, Loc],
    texts: Mapping[str, PromptTexts],
    recorded: Collection[tuple[str, str]],
    entries: Mapping[str, Entry],
) -> Iterator[Problem]:
    known = {*texts, *(name for _, name in recorded)}
    for prompt, loc in prompts.items():
        place = draft.place(*loc)
        if prompt not in known:
            sentence = (
                f"brand `{draft.brand}` has no prompt `{prompt}`{did_you_mean(prompt, known)}"
            )
            yield problem(draft.file, place, Code.UNKNOWN_PROMPT, sentence)
            continue
        spoken = texts.get(prompt, _NO_TEXTS)
        for language in draft.languages:
            if language not in spoken and (language, prompt) not in recorded:
                sentence = f"prompt `{prompt}` has neither text nor recording in `{language}`"
                if (entry := entries.get(prompt)) is not None:
                    sentence += f"; its texts: {entry.file}:{entry.place.line}"
                yield problem(draft.file, place, Code.PROMPT_LANGUAGE, sentence)


_NO_TEXTS: Final[PromptTexts] = {}
