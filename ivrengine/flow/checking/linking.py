"""Flows put together with the sub-flows that they call: who calls whom, whether that fits, and versions that hold it all."""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from ivrengine.core.call import FlowRef
from ivrengine.core.ids import BrandId, FlowHash
from ivrengine.flow.expressions import CelType, Programs
from ivrengine.flow.model import Flow
from ivrengine.flow.nodes.call import CallFlow
from ivrengine.flow.problems import Code, Place, Problem, closest, did_you_mean, problem
from ivrengine.flow.source.draft import Draft

DEPTH_MAX: Final = 8
"""Sub-flows within sub-flows; nobody could say any more where a caller of more stands."""

Key = tuple[BrandId, str]
"""A flow by its brand and name."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A ``call`` node: what it gives and takes, and where that stands in its file."""

    file: str
    subflow: str
    place: Place
    """Of the sub-flow's name."""
    given: Mapping[str, tuple[str, Place]]
    """For each parameter the type of the expression that it is given, by CEL's name (``dyn``: only running it tells)."""
    taken: Mapping[str, tuple[str, str, Place]]
    """For each variable that takes something, its own type, and the sub-flow's variable."""
    returns: Mapping[str, Place]
    returns_place: Place


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """What a flow that calls another one has to know of it."""

    types: Mapping[str, CelType]
    """The types of all its variables."""
    parameters: tuple[str, ...]
    needed: tuple[str, ...]
    """The parameters without a default."""
    returns: Mapping[str, tuple[str, ...]]
    languages: tuple[str, ...]
    sites: tuple[Site, ...]
    whole: bool


Interfaces = Mapping[Key, Interface]


def interface(draft: Draft, programs: Programs) -> Interface:
    """Return what others have to know of a flow, and where it calls others itself."""
    return Interface(
        types={name: variable.type for name, variable in draft.variables.items()},
        parameters=draft.parameters,
        needed=tuple(
            name
            for name in draft.parameters
            if name in draft.variables and draft.variables[name].default is None
        ),
        returns=draft.returns,
        languages=draft.languages,
        sites=tuple(
            _site(draft, programs, name, node)
            for name, node in draft.nodes.items()
            if isinstance(node, CallFlow)
        ),
        whole=draft.whole,
    )


def _site(draft: Draft, programs: Programs, name: str, node: CallFlow) -> Site:
    types = {name: variable.type for name, variable in draft.variables.items()}
    return Site(
        file=draft.file,
        subflow=node.flow,
        place=draft.place("nodes", name, "flow"),
        given={
            parameter: (programs.type_of(text), draft.place("nodes", name, "with", parameter))
            for parameter, text in node.with_.items()
        },
        taken={
            own: (types[own], its, draft.place("nodes", name, "results", own))
            for own, its in node.results.items()
            if own in types
        },
        returns={by: draft.key_place("nodes", name, "returns", by) for by in node.returns},
        returns_place=draft.key_place("nodes", name, "returns"),
    )


def check(known: Interfaces) -> Iterator[Problem]:
    """Yield what does not fit between flows and the sub-flows that they call."""
    for (brand, name), caller in known.items():
        for site in caller.sites:
            called = known.get((brand, site.subflow))
            if called is None:
                names = [other for owner, other in known if owner == brand]
                sentence = f"brand `{brand}` has no flow `{site.subflow}`{did_you_mean(site.subflow, names)}"
                yield problem(site.file, site.place, Code.UNKNOWN_FLOW, sentence)
            elif called.whole:
                yield from _misfits(site, called, caller.languages)
        yield from _cycles(known, (brand, name))


def _misfits(site: Site, called: Interface, languages: Iterable[str]) -> Iterator[Problem]:
    yield from _wrong_parameters(site, called)
    yield from _missing_parameters(site, called)
    yield from _wrong_returns(site, called)
    yield from _wrong_results(site, called)
    for language in languages:
        if language not in called.languages:
            sentence = f"the flow `{site.subflow}` does not speak `{language}`, as this flow does"
            yield problem(site.file, site.place, Code.SUBFLOW_MISFIT, sentence)


def _wrong_parameters(site: Site, called: Interface) -> Iterator[Problem]:
    for parameter, (found, place) in site.given.items():
        if parameter not in called.parameters:
            near = did_you_mean(parameter, called.parameters)
            sentence = f"the flow `{site.subflow}` has no parameter `{parameter}`{near}"
            yield problem(site.file, place, Code.SUBFLOW_MISFIT, sentence)
        elif found not in {called.types.get(parameter), "dyn", ""}:
            sentence = f"expected an expression of type {called.types[parameter]} for `{parameter}`, found one of type {found}"
            yield problem(site.file, place, Code.EXPRESSION_TYPE, sentence)


def _missing_parameters(site: Site, called: Interface) -> Iterator[Problem]:
    missing = [
        name
        for name in called.needed
        if name not in site.given and not any(closest(it, [name]) for it in site.given)
    ]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        sentence = f"the flow `{site.subflow}` needs a value for {names}, by the key `with`, or a `default` of its own"
        yield problem(site.file, site.place, Code.SUBFLOW_MISFIT, sentence)


def _wrong_returns(site: Site, called: Interface) -> Iterator[Problem]:
    for by, place in site.returns.items():
        if by not in called.returns:
            sentence = (
                f"the flow `{site.subflow}` has no return `{by}`{did_you_mean(by, called.returns)}"
            )
            yield problem(site.file, place, Code.SUBFLOW_MISFIT, sentence)
    for by in called.returns:
        if by not in site.returns:
            sentence = f"the flow `{site.subflow}` may return by `{by}`, which leads nowhere here"
            yield problem(site.file, site.returns_place, Code.SUBFLOW_MISFIT, sentence)


def _wrong_results(site: Site, called: Interface) -> Iterator[Problem]:
    handed = {name for values in called.returns.values() for name in values}
    for own, (kind, its, place) in site.taken.items():
        if its not in handed:
            sentence = f"the flow `{site.subflow}` hands back no variable `{its}`{did_you_mean(its, handed)}"
            yield problem(site.file, place, Code.SUBFLOW_MISFIT, sentence)
        elif its in called.types and called.types[its] != kind:
            sentence = f"`{own}` is of type {kind}, `{its}` of the flow `{site.subflow}` of type {called.types[its]}"
            yield problem(site.file, place, Code.SUBFLOW_MISFIT, sentence)


def _cycles(known: Interfaces, start: Key) -> Iterator[Problem]:
    """Yield the way on which a flow comes to call itself, at the first step of it; and ways that are too deep."""
    brand, name = start
    for site in known[start].sites:
        way = _way_back(known, brand, site.subflow, name)
        if way is not None:
            steps = " → ".join(f"`{each}`" for each in (name, *way))
            sentence = f"flows call one another in a circle: {steps}"
            yield problem(site.file, site.place, Code.SUBFLOW_CYCLE, sentence)


def _way_back(known: Interfaces, brand: BrandId, begin: str, goal: str) -> tuple[str, ...] | None:
    ways: list[tuple[str, ...]] = [(begin,)]
    seen = {begin}
    while ways:
        way = ways.pop(0)
        if way[-1] == goal:
            return way
        here = known.get((brand, way[-1]))
        for site in here.sites if here is not None else ():
            if site.subflow not in seen:
                seen.add(site.subflow)
                ways.append((*way, site.subflow))
    return None


def too_deep(known: Interfaces) -> Iterator[Problem]:
    """Yield the calls of sub-flows by which flows go deeper than ``DEPTH_MAX``; circles go deeper than anything."""
    depths = dict.fromkeys(known, 0)
    for _ in range(DEPTH_MAX + 1):
        depths = {
            (brand, name): max(
                (1 + depths.get((brand, s.subflow), 0) for s in flow.sites), default=0
            )
            for (brand, name), flow in known.items()
        }
    for (brand, name), flow in known.items():
        for site in flow.sites if depths[brand, name] > DEPTH_MAX else ():
            if depths.get((brand, site.subflow), 0) == DEPTH_MAX:
                sentence = f"expected sub-flows at most {DEPTH_MAX} deep, here they go deeper"
                yield problem(site.file, site.place, Code.SUBFLOW_DEPTH, sentence)


def complete(flows: Collection[Key], known: Interfaces) -> list[Key]:
    """Return the flows whose sub-flows are all there, each behind those that it calls."""
    done: dict[Key, None] = {}
    for _ in range(DEPTH_MAX + 1):  # in each round those whose sub-flows are all done
        for key in flows:
            called = [(key[0], site.subflow) for site in known[key].sites]
            if key not in done and all(each in done for each in called):
                done[key] = None
    return list(done)


def linked(flows: Mapping[Key, Flow], sound: Collection[Key], known: Interfaces) -> dict[Key, Flow]:
    """Return the sound flows with their sub-flows; one that calls a flow which is missing or broken is left out with it.

    A flow's version covers the versions of the flows that it calls.
    """
    done: dict[Key, Flow] = {}
    for key in complete(sound, known):
        called = {site.subflow: done[key[0], site.subflow] for site in known[key].sites}
        done[key] = with_subflows(flows[key], called)
    return done


def with_subflows(flow: Flow, called: Mapping[str, Flow]) -> Flow:
    """Return a flow with the flows that it calls itself, and with those that they call."""
    if not called:
        return flow
    below = {name: deep for sub in called.values() for name, deep in sub.subflows.items()}
    versions = sorted(sub.ref.hash for sub in called.values())
    covering = hashlib.sha256("\n".join((flow.ref.hash, *versions)).encode()).hexdigest()
    ref = FlowRef(name=flow.ref.name, hash=FlowHash(covering))
    return dataclasses.replace(flow, ref=ref, subflows={**below, **called})
