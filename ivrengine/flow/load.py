"""Loads a folder of flows: text, language, checks, and at the end the book that the engine runs calls by."""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

from ivrengine.core.call import FlowRef
from ivrengine.core.ids import BrandId, FlowHash
from ivrengine.flow.book import Book, PromptTexts, Routes
from ivrengine.flow.checking import (
    check,
    dataflow,
    linking,
    overheard,
    prompt_uses,
    schedule_checks,
    variables,
)
from ivrengine.flow.fields import zone_of
from ivrengine.flow.model import Flow
from ivrengine.flow.node import Kit
from ivrengine.flow.outside import Outside
from ivrengine.flow.problems import (
    BEGINNING,
    Code,
    Problem,
    any_error,
    closest,
    did_you_mean,
    in_order,
    problem,
)
from ivrengine.flow.reading import Part, Read, Seen, Spread
from ivrengine.flow.schedules import Schedule
from ivrengine.flow.source import (
    draft,
    folder_files,
    prompt_texts,
    routing,
    schedule_files,
    shelf,
    text,
)
from ivrengine.flow.templates import Template

ROUTING_FILE: Final = "routing.yaml"
PROMPTS_FILE: Final = "prompts.yaml"
PROMPTS_FOLDER: Final = "prompts"
RECORDINGS_FOLDER: Final = "recordings"


def load_folder(
    folder: Path, outside: Outside | None = None, today: date | None = None
) -> tuple[Book, tuple[Problem, ...]]:
    """Return the book of a folder and everything that is wrong in it; a flow with errors is left out of the book.

    ``outside`` is what the settings say of other systems, and ``today`` the day: without them nothing is said of hosts and
    secrets, and of exceptions of schedules that are past.

    Flows are read one after the other: what was read of one, data and places, is let go of before the next.
    """
    read, flow_files = _begun(folder, outside, today)
    routes, brands = Routes(), {}
    if read.routing_file is not None:
        routes, _ = routing.routes(read.routing_file)
        brands = {brand: read.routing_file.brand(brand) for brand in read.routing_file.brands}
    compiled = [flow for path in flow_files if (flow := read.take(_read_flow(read, path)))]
    read.problems += _over_all(folder, read)
    flows = {(flow.brand, flow.ref.name): flow for flow in compiled}
    book = Book(
        flows=linking.linked(flows, read.sound(flows), read.interfaces()),
        brands=brands,
        prompts=read.shelf.without_parameters(),
        templates=read.shelf.templates,
        routes=routes,
        schedules=read.schedules.sound(),
    )
    return book, in_order(read.problems)


def check_folder(
    folder: Path, outside: Outside | None, today: date, spread: Spread
) -> tuple[int, tuple[Problem, ...]]:
    """Return how many flows of a folder can run, and everything that is wrong in it, as ``load_folder`` would.

    ``spread`` maps the reading of one file over all of them, in other processes if it likes: no flow needs another's text.
    """
    read, flow_files = _begun(folder, outside, today)
    sound = [
        key for part in spread(partial(_read_part, read), flow_files) if (key := read.note(part))
    ]
    read.problems += _over_all(folder, read)
    return len(linking.complete(read.sound(sound), read.interfaces())), in_order(read.problems)


def _read_part(read: Read, path: Path) -> Part:
    return _read_flow(read, path).without_flow()


def _begun(folder: Path, outside: Outside | None, today: date | None) -> tuple[Read, list[Path]]:
    """Return what flows are held against, and the files of the flows."""
    read = Read(outside=outside)
    flow_files = _read_surroundings(read, folder, today)
    if read.routing_file is not None:
        read.problems += routing.routes(read.routing_file)[1]
    return read, flow_files


def _read_surroundings(read: Read, folder: Path, today: date | None) -> list[Path]:
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
    whole = [file for file in prompt_files if file is not None]
    strange = list(_of_no_brand(read, whole))
    read.problems += strange
    complete = None not in prompt_files and not strange
    read.shelf, found = shelf.shelf(whole, folder / RECORDINGS_FOLDER, complete=complete)
    read.schedules, wrong = schedule_files.read_all(schedule_paths, today)
    read.problems += [*found, *wrong]
    return flow_files


def _of_no_brand(read: Read, files: Iterable[prompt_texts.PromptFile]) -> Iterator[Problem]:
    """Yield the files of prompts whose brand is not in the routing file."""
    names = read.brand_names()
    if names is None:
        return
    for file in files:
        brand, document = file.source.brand, file.document
        if brand not in names:
            sentence = f"the routing file has no brand `{brand}`{did_you_mean(brand, names)}"
            yield problem(document.file, document.place(("brand",)), Code.UNKNOWN_BRAND, sentence)


def _read_routing(read: Read, path: Path) -> None:
    document, found = text.read_file(path, folder_files.name_of(path))
    if document is not None:
        read.routing_file, not_in_language = routing.read(document)
        found += not_in_language
    read.problems += found


def _read_prompts(read: Read, path: Path) -> prompt_texts.PromptFile | None:
    document, found = text.read_file(path, folder_files.name_of(path))
    file = None
    if document is not None:
        file, not_in_language = prompt_texts.read(document)
        found += not_in_language
    read.problems += found
    return file


def _read_flow(read: Read, path: Path) -> Part:
    """Read, compile and check one flow; it is there if nothing is wrong with it."""
    document, found = text.read_file(path, folder_files.name_of(path))
    if document is None:
        return Part(problems=found)
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
    seen = Seen(
        brand=candidate.brand,
        flow=candidate.flow,
        file=candidate.file,
        place=candidate.place("flow"),
        prompts=tuple(prompts),
        schedules=tuple(schedule_checks.named(candidate)),
        interface=linking.interface(candidate, compiled.programs),
        course=overheard.course(candidate),
    )
    asked = read.schedules.asked(candidate.brand, seen.schedules)
    if any_error(found) or asked is None or not _has_all_prompts(read, candidate, prompts):
        return Part(problems=found, seen=seen)
    named = {name: texts.get(name, {}) for name in prompts}
    filled = {name: templates[name] for name in prompts if name in templates}
    flow = _flow(candidate, compiled, _hash(candidate, named, filled, asked))
    flow = _asking(flow, filled, {name: entry.schedule for name, entry in asked.items()})
    return Part(problems=found, seen=seen, key=(flow.brand, flow.ref.name), flow=flow)


def _surroundings(read: Read, brand: BrandId | None) -> check.Surroundings:
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
        entries=read.shelf.prompts.get(brand, {}) if brand else {},
        outside=read.outside,
    )


def _has_all_prompts(read: Read, candidate: draft.Draft, prompts: Collection[str]) -> bool:
    """Tell whether every prompt is there, in the case that nothing was told because a file of prompts is broken."""
    if read.shelf.complete or candidate.brand is None:
        return True
    return read.shelf.has_all(candidate.brand, prompts, candidate.languages)


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


def _over_all(folder: Path, read: Read) -> Iterator[Problem]:
    """Yield what only the whole folder shows: routes to nothing, flows without a number, prompts that nobody plays."""
    if not read.seen and read.all_seen:
        yield problem(
            folder_files.name_of(folder), BEGINNING, Code.NO_FILES, "the folder holds no flow"
        )
    if read.routing_file is not None:
        yield from _misrouted(read, read.routing_file)
    elif not (folder / ROUTING_FILE).is_file():
        sentence = f"there is no {ROUTING_FILE}: no number leads to a flow"
        yield problem(folder_files.name_of(folder), BEGINNING, Code.NO_ROUTING, sentence)
    if read.knows_all_flows():
        yield from _unused_prompts(read)
        used = {(seen.brand, name) for seen in read.seen for name in seen.schedules}
        yield from schedule_checks.unused(read.schedules.entries, used)


def _misrouted(read: Read, known: routing.Routing) -> Iterator[Problem]:
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


def _unused_prompts(read: Read) -> Iterator[Problem]:
    used = {(seen.brand, name) for seen in read.seen for name in seen.prompts}
    for brand, name in [each for each in used if each[0] is not None]:
        texts = read.shelf.texts_of(brand)
        meant = closest(name, texts) if name not in texts else None
        if meant is not None:
            used.add((brand, meant))  # one of both is misspelt, and that is told where it is played
    names = read.brand_names()
    for brand, entries in read.shelf.prompts.items():
        if names is not None and brand not in names:
            continue
        for name, entry in entries.items():
            if (brand, name) not in used:
                sentence = f"no flow plays the prompt `{name}`"
                yield problem(entry.file, entry.place, Code.UNUSED_PROMPT, sentence)
    for each in read.shelf.recordings:
        known = [name for brand, name in used if brand == each.brand]
        if each.name not in known and each.name not in read.shelf.texts_of(each.brand):
            sentence = f"no flow plays the prompt `{each.name}`{did_you_mean(each.name, known)}"
            yield problem(str(each.path), BEGINNING, Code.UNUSED_PROMPT, sentence)
