"""Loads a folder of flows: text, language, checks, and at the end the book that the engine runs calls by."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from ivrengine.core.call import FlowRef
from ivrengine.core.ids import BrandId, FlowHash
from ivrengine.flow import (
    check,
    dataflow,
    draft,
    folder_files,
    linking,
    overheard,
    prompt_texts,
    prompt_uses,
    routing,
    schedule_checks,
    schedule_files,
    shelf,
    text,
    variables,
)
from ivrengine.flow.book import Book, PromptTexts, Routes
from ivrengine.flow.fields import zone_of
from ivrengine.flow.model import Flow
from ivrengine.flow.node import Kit
from ivrengine.flow.outside import Outside
from ivrengine.flow.problems import (
    BEGINNING,
    Code,
    Place,
    Problem,
    any_error,
    did_you_mean,
    in_order,
    problem,
)
from ivrengine.flow.schedules import Schedule
from ivrengine.flow.shelf import Shelf
from ivrengine.flow.templates import Template

ROUTING_FILE: Final = "routing.yaml"
PROMPTS_FILE: Final = "prompts.yaml"
PROMPTS_FOLDER: Final = "prompts"
RECORDINGS_FOLDER: Final = "recordings"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """What the checks over all flows need to know of a flow once its file has been let go of."""

    brand: BrandId | None
    flow: str | None
    file: str
    place: Place
    """Of its name."""
    prompts: Collection[str]
    schedules: Collection[str]
    interface: linking.Interface
    course: overheard.Course | None

    @property
    def whole(self) -> bool:
        """Whether all of it could be understood."""
        return self.interface.whole


@dataclasses.dataclass(slots=True, kw_only=True)
class _Folder:
    """What was read of a folder."""

    routing_file: routing.Routing | None = None
    outside: Outside | None = None
    shelf: Shelf = dataclasses.field(default_factory=Shelf)
    schedules: schedule_files.Schedules = schedule_files.NONE
    seen: list[_Seen] = dataclasses.field(default_factory=list)
    first: dict[tuple[BrandId | None, str | None], _Seen] = dataclasses.field(default_factory=dict)
    all_seen: bool = True
    """False if a file of a flow said nothing that could be understood."""
    problems: list[Problem] = dataclasses.field(default_factory=list)

    def brand_names(self) -> list[str] | None:
        """Return the names of all brands, sound or broken; None if nothing can be said of them."""
        return (self.routing_file.names() or None) if self.routing_file is not None else None

    def knows_all_flows(self) -> bool:
        """Tell whether every flow could be read to its end, and its brand is one."""
        names = self.brand_names()
        return self.all_seen and all(
            seen.whole and (names is None or seen.brand in names) for seen in self.seen
        )


def load_folder(
    folder: Path, outside: Outside | None = None, today: date | None = None
) -> tuple[Book, tuple[Problem, ...]]:
    """Return the book of a folder and everything that is wrong in it; a flow with errors is left out of the book.

    ``outside`` is what the settings say of other systems, and ``today`` the day: without them nothing is said of hosts and
    secrets, and of exceptions of schedules that are past.

    Flows are read one after the other: what was read of one, data and places, is let go of before the next.
    """
    read = _Folder(outside=outside)
    flow_files = _read_surroundings(read, folder, today)
    routes, brands = Routes(), {}
    if read.routing_file is not None:
        routes, twice = routing.routes(read.routing_file)
        read.problems += twice
        brands = {brand: read.routing_file.brand(brand) for brand in read.routing_file.brands}
    compiled = [flow for path in flow_files if (flow := _read_flow(read, path)) is not None]
    read.problems += _over_all(folder, read)
    book = Book(
        flows=_linked(read, compiled),
        brands=brands,
        prompts=read.shelf.without_parameters(),
        templates=read.shelf.templates,
        routes=routes,
        schedules=read.schedules.sound(),
    )
    return book, in_order(read.problems)


def _linked(read: _Folder, compiled: Iterable[Flow]) -> Mapping[linking.Key, Flow]:
    """Return the flows with their sub-flows, and note what does not fit between them."""
    known = {
        (seen.brand, seen.flow): seen for seen in read.first.values() if seen.brand and seen.flow
    }
    interfaces = {key: seen.interface for key, seen in known.items()}
    misfits = [*linking.check(interfaces), *linking.too_deep(interfaces)]
    misfits += overheard.check({key: it.course for key, it in known.items() if it.course})
    if not read.knows_all_flows():
        misfits = [misfit for misfit in misfits if misfit.code is not Code.UNKNOWN_FLOW]
    read.problems += misfits
    broken = {misfit.file for misfit in misfits}
    flows = {(flow.brand, flow.ref.name): flow for flow in compiled}
    sound = {key: flow for key, flow in flows.items() if known[key].file not in broken}
    return linking.linked(sound, interfaces)


def _read_surroundings(read: _Folder, folder: Path, today: date | None) -> list[Path]:
    """Read what flows are held against, routing, prompts and schedules; return the files of the flows."""
    flow_files: list[Path] = []
    schedule_paths: list[Path] = []
    prompt_files: list[prompt_texts.PromptFile | None] = []
    for path in folder_files.files(folder, read.problems):
        relative = path.relative_to(folder)
        if relative == Path(ROUTING_FILE):
            _read_routing(read, path)
        elif relative == Path(PROMPTS_FILE) or relative.parts[0] == PROMPTS_FOLDER:
            prompt_files.append(_read_prompts(read, path))
        elif relative == Path(schedule_files.FILE) or relative.parts[0] == schedule_files.FOLDER:
            schedule_paths.append(path)
        else:
            flow_files.append(path)
    complete = None not in prompt_files
    whole = [file for file in prompt_files if file is not None]
    read.shelf, found = shelf.shelf(whole, folder / RECORDINGS_FOLDER, complete=complete)
    read.schedules, wrong = schedule_files.read_all(schedule_paths, today)
    read.problems += [*found, *wrong]
    return flow_files


def _read_routing(read: _Folder, path: Path) -> None:
    document, found = text.read_file(path, str(path))
    if document is not None:
        read.routing_file, not_in_language = routing.read(document)
        found += not_in_language
    read.problems += found


def _read_prompts(read: _Folder, path: Path) -> prompt_texts.PromptFile | None:
    document, found = text.read_file(path, str(path))
    file = None
    if document is not None:
        file, not_in_language = prompt_texts.read(document)
        found += not_in_language
    read.problems += found
    return file


def _read_flow(read: _Folder, path: Path) -> Flow | None:
    """Read, compile and check one flow; return it if nothing is wrong with it."""
    document, found = text.read_file(path, str(path))
    if document is None:
        read.all_seen = False
        read.problems += found
        return None
    candidate, not_in_language = draft.read(document)
    compiled, wrong = variables.compile_all(candidate)
    prompts = check.named_prompts(candidate)
    found += [*not_in_language, *wrong]
    found += check.check_graph(candidate)
    if not any_error(found):  # or it would tell of their consequences
        found += dataflow.check(candidate, compiled.programs)
    found += check.check_names(candidate, _surroundings(read, candidate.brand), prompts)
    texts = read.shelf.texts_of(candidate.brand)
    templates = read.shelf.templates_of(candidate.brand)
    found += prompt_uses.check(candidate, compiled.programs, templates, texts.keys())
    found += schedule_checks.check(candidate, read.schedules)
    seen = _Seen(
        brand=candidate.brand,
        flow=candidate.flow,
        file=candidate.file,
        place=candidate.place("flow"),
        prompts=prompts.keys(),
        schedules=schedule_checks.named(candidate),
        interface=linking.interface(candidate, compiled.programs),
        course=overheard.course(candidate),
    )
    found += _flow_twice(read, seen)
    read.seen.append(seen)
    read.problems += found
    asked = read.schedules.asked(candidate.brand, seen.schedules)
    if any_error(found) or asked is None or not _has_all_prompts(read, candidate, prompts):
        return None
    named = {name: texts.get(name, {}) for name in prompts}
    filled = {name: templates[name] for name in prompts if name in templates}
    flow = _flow(candidate, compiled, _hash(candidate, named, filled, asked))
    return _asking(flow, filled, {name: entry.schedule for name, entry in asked.items()})


def _surroundings(read: _Folder, brand: BrandId | None) -> check.Surroundings:
    names = read.brand_names()
    is_known = brand is not None and (names is None or brand in names)
    known = (
        None if read.routing_file is None or brand is None else read.routing_file.brands.get(brand)
    )
    return check.Surroundings(
        brands=names,
        phones=None if known is None else known.phones.keys(),
        prompts=read.shelf.texts_of(brand) if read.shelf.complete and is_known else None,
        recorded=read.shelf.recorded.get(brand, ()) if brand else (),
        outside=read.outside,
    )


def _has_all_prompts(read: _Folder, candidate: draft.Draft, prompts: Collection[str]) -> bool:
    """Tell whether every prompt is there, in the case that nothing was told because a file of prompts is broken."""
    if read.shelf.complete or candidate.brand is None:
        return True
    return read.shelf.has_all(candidate.brand, prompts, candidate.languages)


def _flow_twice(read: _Folder, seen: _Seen) -> Iterator[Problem]:
    earlier = read.first.setdefault((seen.brand, seen.flow), seen)
    if earlier is not seen and seen.brand and seen.flow:
        where = f"{earlier.file}:{earlier.place.line}"
        sentence = f"brand `{seen.brand}` has the flow `{seen.flow}` already, in {where}"
        yield problem(seen.file, seen.place, Code.TWICE, sentence)


def _flow(
    candidate: draft.Draft,
    compiled: variables.Compiled,
    version: FlowHash,
) -> Flow:
    assert candidate.flow is not None
    assert candidate.brand is not None
    assert candidate.start is not None
    return Flow(
        ref=FlowRef(name=candidate.flow, hash=version),
        brand=candidate.brand,
        languages=candidate.languages,
        start=candidate.start,
        nodes=candidate.nodes,
        exits={name: node.exits() for name, node in candidate.nodes.items()},
        initial=compiled.initial,
        kit=Kit(
            programs=compiled.programs,
            zone=None if candidate.timezone is None else zone_of(candidate.timezone),
        ),
        text=candidate.document.text,
        parameters=candidate.parameters,
        returns=candidate.returns,
        max_duration_s=candidate.max_duration_s,
        on_max_duration=candidate.handlers.get("on_max_duration"),
        on_error=candidate.handlers.get("on_error"),
        on_hangup=candidate.handlers.get("on_hangup"),
    )


def _asking(
    flow: Flow, templates: Mapping[str, Template], schedules: Mapping[str, Schedule]
) -> Flow:
    kit = dataclasses.replace(flow.kit, templates=templates, schedules=schedules)
    return dataclasses.replace(flow, kit=kit)


def _hash(
    candidate: draft.Draft,
    prompts: Mapping[str, PromptTexts],
    templates: Mapping[str, Template],
    schedules: Mapping[str, schedule_files.Entry],
) -> FlowHash:
    """Return the hash of a version; what a prompt's parameters are is part of what it says."""
    said = dict(prompts)
    for name, template in templates.items():
        parameters = {f"parameter {of}": repr(each) for of, each in template.parameters.items()}
        said[name] = {**parameters, **prompts[name]}
    written = {name: entry.written for name, entry in schedules.items()}
    return content_hash(candidate.document.text, said, written)


def compile_version(
    source: str,
    ref: FlowRef,
    called: Callable[[str], Flow | None],
    templates: Mapping[str, Template],
    schedules: Mapping[str, Schedule],
) -> Flow | None:
    """Return an earlier version of a flow from its text as it was stored; None if this compiler finds it broken.

    ``called`` finds the versions of its sub-flows by their names. Its prompts, with parameters (``templates``) or without,
    its phones and ``schedules`` are those of today: what is not there any more is not played, not rung, and an error of
    the node that asks it.
    """
    document, found = text.read_text(source, ref.name)
    if document is None:
        return None
    candidate, not_in_language = draft.read(document)
    compiled, wrong = variables.compile_all(candidate)
    found += [*not_in_language, *wrong, *check.check_graph(candidate)]
    if any_error(found) or not candidate.whole:
        return None
    flow = _asking(_flow(candidate, compiled, ref.hash), templates, schedules)
    subflows: dict[str, Flow] = {}
    for name in {name for node in flow.nodes.values() if (name := node.subflow()) is not None}:
        subflow = called(name)
        if subflow is None:
            return None
        subflows[name] = subflow
    return dataclasses.replace(linking.with_subflows(flow, subflows), ref=ref)


def content_hash(
    flow_text: str, prompts: Mapping[str, PromptTexts], schedules: Mapping[str, Mapping[str, Any]]
) -> FlowHash:
    """Return the hash of a flow version: hex SHA-256 over its text, and the prompts and schedules that it names."""
    content = [flow_text, {name: dict(texts) for name, texts in prompts.items()}, schedules]
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return FlowHash(hashlib.sha256(canonical.encode()).hexdigest())


def _over_all(folder: Path, read: _Folder) -> Iterator[Problem]:
    """Yield what only the whole folder shows: routes to nothing, flows without a number, prompts that nobody plays."""
    if not read.seen and read.all_seen:
        yield problem(str(folder), BEGINNING, Code.NO_FILES, "the folder holds no flow")
    if read.routing_file is not None:
        yield from _misrouted(read, read.routing_file)
    elif not (folder / ROUTING_FILE).is_file():
        sentence = f"there is no {ROUTING_FILE}: no number leads to a flow"
        yield problem(str(folder), BEGINNING, Code.NO_ROUTING, sentence)
    if read.knows_all_flows():
        yield from _unused_prompts(read)
        used = {(seen.brand, name) for seen in read.seen for name in seen.schedules}
        yield from schedule_checks.unused(read.schedules.entries, used)


def _misrouted(read: _Folder, known: routing.Routing) -> Iterator[Problem]:
    if read.knows_all_flows():
        names = {(seen.brand, seen.flow) for seen in read.seen if seen.brand and seen.flow}
        yield from routing.unknown_flows(known, names)
    routed = {
        (brand, route.flow) for brand, source in known.brands.items() for route in source.routes
    }
    called = {(seen.brand, site.subflow) for seen in read.seen for site in seen.interface.sites}
    for seen in read.seen:
        name = seen.brand, seen.flow
        if seen.flow and seen.brand in known.brands and name not in routed | called:
            sentence = f"no number is routed to the flow `{seen.flow}`, and no flow calls it"
            yield problem(seen.file, seen.place, Code.FLOW_UNROUTED, sentence)
        if name in routed and seen.interface.returns:
            sentence = f"a number is routed to the flow `{seen.flow}`, but it returns to a flow that calls it"
            yield problem(seen.file, seen.place, Code.RETURN_NOWHERE, sentence)


def _unused_prompts(read: _Folder) -> Iterator[Problem]:
    used = {(seen.brand, name) for seen in read.seen for name in seen.prompts}
    for brand, entries in read.shelf.prompts.items():
        for name, entry in entries.items():
            if (brand, name) not in used:
                sentence = f"no flow plays the prompt `{name}`"
                yield problem(entry.file, entry.place, Code.UNUSED_PROMPT, sentence)
    for each in read.shelf.recordings:
        known = [name for brand, name in used if brand == each.brand]
        if each.name not in known and each.name not in read.shelf.texts_of(each.brand):
            sentence = f"no flow plays the prompt `{each.name}`{did_you_mean(each.name, known)}"
            yield problem(str(each.path), BEGINNING, Code.UNUSED_PROMPT, sentence)
