"""Loads a folder of flows: text, language, checks, and at the end the book that the engine runs calls by."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from ivrengine.core.call import FlowRef
from ivrengine.core.ids import BrandId, FlowHash
from ivrengine.flow import check, draft, prompt_texts, routing, text, variables
from ivrengine.flow.book import Book, PromptTexts, Routes
from ivrengine.flow.model import Flow
from ivrengine.flow.problems import (
    BEGINNING,
    Code,
    Problem,
    any_error,
    in_order,
    problem,
)

ROUTING_FILE: Final = "routing.yaml"
PROMPTS_FILE: Final = "prompts.yaml"
PROMPTS_FOLDER: Final = "prompts"
RECORDINGS_FOLDER: Final = "recordings"
SUFFIXES: Final = frozenset({".yaml", ".yml"})

Recorded = Mapping[BrandId, Collection[tuple[str, str]]]
"""Language and name of each recorded prompt, by brand."""


@dataclasses.dataclass(slots=True, kw_only=True)
class _Folder:
    """What was read of a folder; ``complete`` is false where a file said nothing that could be understood."""

    routing_file: routing.Routing | None = None
    prompts: prompt_texts.Prompts = dataclasses.field(default_factory=dict)
    prompts_complete: bool = True
    recorded: Recorded = dataclasses.field(default_factory=dict)
    drafts: list[draft.Draft] = dataclasses.field(default_factory=list)
    drafts_complete: bool = True
    problems: list[Problem] = dataclasses.field(default_factory=list)

    def brand_names(self) -> list[str] | None:
        """Return the names of all brands, sound or broken; None if nothing can be said of them."""
        return (self.routing_file.names() or None) if self.routing_file is not None else None

    def knows_all_flows(self) -> bool:
        """Tell whether every flow could be read as far as its name and brand, and its brand is one."""
        names = self.brand_names()
        return self.drafts_complete and (
            names is None or all(draft.brand in names for draft in self.drafts)
        )


def load_folder(folder: Path) -> tuple[Book, tuple[Problem, ...]]:
    """Return the book of a folder and everything that is wrong in it; a flow with errors is left out of the book."""
    read = _read(folder)
    routes = Routes()
    if read.routing_file is not None:
        routes, twice = routing.routes(read.routing_file)
        read.problems += twice
    flows = _compiled(read)
    read.problems += _over_all(folder, read)
    brands = (
        {}
        if read.routing_file is None
        else {b: read.routing_file.brand(b) for b in read.routing_file.brands}
    )
    book = Book(
        flows=flows,
        brands=brands,
        prompts={brand: _texts(read.prompts, brand) for brand in read.prompts},
        routes=routes,
    )
    return book, in_order(read.problems)


def _read(folder: Path) -> _Folder:
    """Read every file of the folder, each as what its place says it is."""
    read = _Folder(recorded=_recorded(folder / RECORDINGS_FOLDER))
    prompt_files: list[tuple[text.Document, prompt_texts.PromptsSource]] = []
    for path in _files(folder, read.problems):
        document, found = text.read_file(path, str(path))
        read.problems += found
        relative = path.relative_to(folder)
        if relative == Path(ROUTING_FILE):
            _read_routing(read, document)
        elif relative == Path(PROMPTS_FILE) or relative.parts[0] == PROMPTS_FOLDER:
            prompt_files += _read_prompts(read, document)
        else:
            _read_flow(read, document)
    read.prompts, twice = prompt_texts.merged(prompt_files)
    read.problems += twice
    return read


def _files(folder: Path, found: list[Problem]) -> Iterator[Path]:
    """Yield the YAML files of a folder and its sub-folders in order; links to folders are not followed."""

    def unreadable(error: OSError) -> None:
        sentence = f"the folder cannot be read: {error.strerror}"
        found.append(problem(str(error.filename), BEGINNING, Code.FILE_UNREADABLE, sentence))

    for parent, folders, files in os.walk(folder, onerror=unreadable):
        for name in folders:
            path = Path(parent, name)
            if path.is_symlink():
                sentence = "this folder is a link; links to folders are not followed"
                found.append(problem(str(path), BEGINNING, Code.FILE_LINKED, sentence))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if path.suffix in SUFFIXES and not name.startswith("."):
                yield path


def _read_routing(read: _Folder, document: text.Document | None) -> None:
    if document is not None:
        read.routing_file, found = routing.read(document)
        read.problems += found


def _read_prompts(
    read: _Folder, document: text.Document | None
) -> list[tuple[text.Document, prompt_texts.PromptsSource]]:
    source = None
    if document is not None:
        source, found = prompt_texts.read(document)
        read.problems += found
        if source is not None:
            return [(document, source)]
    read.prompts_complete = False
    return []


def _read_flow(read: _Folder, document: text.Document | None) -> None:
    if document is None:
        read.drafts_complete = False
        return
    found_draft, found = draft.read(document)
    read.problems += found
    read.drafts.append(found_draft)
    read.drafts_complete &= found_draft.whole


def _recorded(folder: Path) -> Recorded:
    """Return which prompts are recorded: ``<brand>/<language>/<name>.wav``."""
    recorded: dict[BrandId, set[tuple[str, str]]] = {}
    for path in folder.glob("*/*/*.wav"):
        brand, language, _ = path.relative_to(folder).parts
        recorded.setdefault(BrandId(brand), set()).add((language, path.stem))
    return recorded


def _compiled(read: _Folder) -> dict[tuple[BrandId, str], Flow]:
    """Compile and check each draft; return those without errors."""
    flows: dict[tuple[BrandId, str], Flow] = {}
    first: dict[tuple[BrandId, str], draft.Draft] = {}
    bad_files = {p.file for p in read.problems if any_error((p,))}
    for candidate in read.drafts:
        compiled, found = variables.compile_all(candidate)
        found += check.check_graph(candidate)
        found += check.check_names(candidate, _surroundings(read, candidate.brand))
        found += _flow_twice(candidate, first)
        read.problems += found
        if candidate.file in bad_files or any_error(found) or not _has_all_prompts(read, candidate):
            continue
        flow = _flow(candidate, compiled, _texts(read.prompts, candidate.brand))
        flows[flow.brand, flow.ref.name] = flow
    return flows


def _surroundings(read: _Folder, brand: BrandId | None) -> check.Surroundings:
    names = read.brand_names()
    is_known = brand is not None and (names is None or brand in names)
    known = (
        None if read.routing_file is None or brand is None else read.routing_file.brands.get(brand)
    )
    return check.Surroundings(
        brands=names,
        phones=None if known is None else known.phones.keys(),
        prompts=_texts(read.prompts, brand) if read.prompts_complete and is_known else None,
        recorded=read.recorded.get(brand, ()) if brand else (),
    )


def _texts(prompts: prompt_texts.Prompts, brand: BrandId | None) -> Mapping[str, PromptTexts]:
    entries = prompts.get(brand, {}) if brand else {}
    return {name: entry.texts for name, entry in entries.items()}


def _has_all_prompts(read: _Folder, candidate: draft.Draft) -> bool:
    """Tell whether every prompt is there, in the case that nothing was said because a file of prompts is broken."""
    if read.prompts_complete or candidate.brand is None:
        return True
    texts = _texts(read.prompts, candidate.brand)
    recorded = read.recorded.get(candidate.brand, ())
    return all(
        language in texts.get(prompt, {}) or (language, prompt) in recorded
        for prompt in check.named_prompts(candidate)
        for language in candidate.languages
    )


def _flow_twice(
    candidate: draft.Draft, first: dict[tuple[BrandId, str], draft.Draft]
) -> Iterator[Problem]:
    if candidate.brand is None or candidate.flow is None:
        return
    earlier = first.setdefault((candidate.brand, candidate.flow), candidate)
    if earlier is not candidate:
        where = f"{earlier.file}:{earlier.place('flow').line}"
        sentence = f"brand `{candidate.brand}` has the flow `{candidate.flow}` already, in {where}"
        yield problem(candidate.file, candidate.place("flow"), Code.TWICE, sentence)


def _flow(
    candidate: draft.Draft, compiled: variables.Compiled, texts: Mapping[str, PromptTexts]
) -> Flow:
    assert candidate.flow is not None
    assert candidate.brand is not None
    assert candidate.start is not None
    named = {name: texts.get(name, {}) for name in check.named_prompts(candidate)}
    return Flow(
        ref=FlowRef(name=candidate.flow, hash=content_hash(candidate.document.text, named)),
        brand=candidate.brand,
        languages=candidate.languages,
        start=candidate.start,
        nodes=candidate.nodes,
        exits={name: node.exits() for name, node in candidate.nodes.items()},
        initial=compiled.initial,
        programs=compiled.programs,
        text=candidate.document.text,
    )


def content_hash(flow_text: str, prompts: Mapping[str, PromptTexts]) -> FlowHash:
    """Return the hash of a flow version: hex SHA-256 over its text and the texts of the prompts it names."""
    content = [flow_text, {name: dict(texts) for name, texts in prompts.items()}]
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return FlowHash(hashlib.sha256(canonical.encode()).hexdigest())


def _over_all(folder: Path, read: _Folder) -> Iterator[Problem]:
    """Yield what only the whole folder shows: routes to nothing, flows without a number, prompts that nobody plays."""
    if not read.drafts and read.drafts_complete:
        yield problem(str(folder), BEGINNING, Code.NO_FILES, "the folder holds no flow")
    if read.routing_file is None:
        if not (folder / ROUTING_FILE).exists():
            sentence = f"there is no {ROUTING_FILE}: no number leads to a flow"
            yield problem(str(folder), BEGINNING, Code.NO_ROUTING, sentence)
    else:
        yield from _misrouted(read, read.routing_file)
    if read.knows_all_flows():
        yield from _unused_prompts(read)


def _misrouted(read: _Folder, known: routing.Routing) -> Iterator[Problem]:
    names = {(d.brand, d.flow) for d in read.drafts if d.brand and d.flow}
    if read.knows_all_flows():
        yield from routing.unknown_flows(known, names)
    routed = {
        (brand, route.flow) for brand, source in known.brands.items() for route in source.routes
    }
    for candidate in read.drafts:
        key = (candidate.brand, candidate.flow)
        if candidate.flow and candidate.brand in known.brands and key not in routed:
            sentence = f"no number is routed to the flow `{candidate.flow}`"
            yield problem(candidate.file, candidate.place("flow"), Code.FLOW_UNROUTED, sentence)


def _unused_prompts(read: _Folder) -> Iterator[Problem]:
    used = {(d.brand, name) for d in read.drafts for name in check.named_prompts(d)}
    for brand, entries in read.prompts.items():
        for name, entry in entries.items():
            if (brand, name) not in used:
                sentence = f"no flow plays the prompt `{name}`"
                yield problem(entry.file, entry.place, Code.UNUSED_PROMPT, sentence)
