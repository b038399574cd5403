"""Reads files of scripted calls as the compiler reads flows: everything that is wrong at once, each at its place."""

import dataclasses
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from ivrengine.core.call import Value
from ivrengine.core.events import Unanswered
from ivrengine.flow.book import Book
from ivrengine.flow.checking import prompt_uses
from ivrengine.flow.fields import duration
from ivrengine.flow.model import Flow
from ivrengine.flow.nodes.survey import Survey
from ivrengine.flow.problems import Code, Data, Loc, Problem, did_you_mean, in_order, problem, shown
from ivrengine.flow.source import folder_files, sentences, text
from ivrengine.flow.source.text import Document
from ivrengine.numbers import normal
from ivrengine.sim.phones import Behaviour
from ivrengine.testing import given as givens
from ivrengine.testing import scripted, source
from ivrengine.testing.seen import Wanted
from ivrengine.testing.visit import UNROUTED

WITHHELD: Final = "withheld"
NUMBER_FORM: Final = "a phone number such as +90 532 123 45 67, or withheld"
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")

T = TypeVar("T")


def script_files(folder: Path) -> list[Path]:
    """Return the files of scripted calls that belong to a folder of flows."""
    below = (folder / folder_files.TESTS_FOLDER).rglob("*")
    return sorted(path for path in below if path.suffix in folder_files.SUFFIXES and path.is_file())


def read_scripts(
    files: Iterable[Path], book: Book
) -> tuple[list[scripted.Scripted], tuple[Problem, ...]]:
    """Return the calls of these files in order, and everything that is wrong in them."""
    calls: list[scripted.Scripted] = []
    found: list[Problem] = []
    for path in files:
        document, problems = text.read_file(path, str(path))
        if document is not None:
            reader = _Reader(document, book)
            calls += reader.calls()
            problems += reader.found
        found += problems
    return calls, in_order(found)


class _Reader:
    """Reads one file."""

    def __init__(self, document: Document, book: Book) -> None:
        self.found: list[Problem] = []
        self._document = document
        self._book = book

    def calls(self) -> list[scripted.Scripted]:
        """Return the calls of the file; of one that is not understood there are none."""
        try:
            script = source.ScriptSource.model_validate(self._document.data)
        except ValidationError as error:
            self.found += sentences.problems_of(error, self._document, source.ScriptSource)
            return []
        called = self._called(script)
        if called is None:
            return []
        flow, did = called
        common = self._given(script.given, flow, ("given",))
        self._refuse_twice(script.calls)
        return [
            self._call(call, flow, did, common, ("calls", index))
            for index, call in enumerate(script.calls)
        ]

    def _tell(self, loc: Loc, code: Code, sentence: str) -> None:
        place = self._document.place(loc)
        self.found.append(problem(self._document.file, place, code, sentence))

    def _tell_expected(self, loc: Loc, expected: str, value: object) -> None:
        self._tell(loc, Code.WRONG_VALUE, f"expected {expected}, found {shown(value)}")

    def _refuse_twice(self, calls: Iterable[source.CallSource]) -> None:
        first: dict[str, int] = {}
        for index, call in enumerate(calls):
            loc: Loc = ("calls", index, "name")
            line = self._document.place(loc).line
            if call.name in first:
                sentence = f"a call is named so already, in line {first[call.name]}"
                self._tell(loc, Code.TWICE, sentence)
            first.setdefault(call.name, line)

    def _called(self, script: source.ScriptSource) -> tuple[Flow, str] | None:
        """Return the flow that the file calls, and the number by which."""
        if script.did is not None:
            countries = sorted({brand.country for brand in self._book.brands.values()})
            for did in (normal.did(script.did, country) for country in countries):
                if (flow := self._book.route(did)) is not None:
                    return flow, did
            self._tell(("did",), Code.UNKNOWN_FLOW, f"no flow answers `{script.did}`")
            return None
        named = {key: flow for key, flow in self._book.flows.items() if key[1] == script.flow}
        if script.brand is not None:
            named = {key: flow for key, flow in named.items() if key[0] == script.brand}
        if len(named) == 1:
            ((key, flow),) = named.items()
            routed = (did for did, to in self._book.routes.exact.items() if to == key)
            return flow, next(routed, UNROUTED)
        self._tell_not_one(str(script.flow), [brand for brand, _ in named])
        return None

    def _tell_not_one(self, name: str, brands: Collection[str]) -> None:
        if brands:
            among = ", ".join(sorted(brands))
            sentence = f"more than one brand has a flow `{name}` ({among}); add the key `brand`"
            self._tell(("flow",), Code.UNKNOWN_FLOW, sentence)
            return
        known = [known for _, known in self._book.flows]
        sentence = f"there is no flow `{name}`{did_you_mean(name, known)}"
        self._tell(("flow",), Code.UNKNOWN_FLOW, sentence)

    def _call(
        self,
        call: source.CallSource,
        flow: Flow,
        did: str,
        common: givens.Given,
        loc: Loc,
    ) -> scripted.Scripted:
        expected_at = (*loc, "expect")
        return scripted.Scripted(
            name=call.name,
            file=self._document.file,
            line=self._document.place((*loc, "name")).line,
            flow=flow,
            did=did,
            given=self._given(call.given, flow, (*loc, "given"), common),
            dialogue=tuple(
                self._line(step, flow, (*loc, "dialogue", index))
                for index, step in enumerate(call.dialogue)
            ),
            expected=self._expected(call.expect, flow, expected_at),
        )

    def _given(
        self,
        own: source.GivenSource,
        flow: Flow,
        loc: Loc,
        common: givens.Given | None = None,
    ) -> givens.Given:
        """Return what is given for a call, or for all calls of the file if none is ``common`` to them yet."""
        changes: dict[str, object] = {}
        before = common or givens.Given()
        if own.clock is not None:
            changes["at"] = self._parsed(givens.instant, own.clock, (*loc, "clock"))
        if own.caller is not None:
            changes["number"] = self._number(own.caller, flow, (*loc, "caller"))
        if own.language is not None:
            self._check_language(own.language, flow, (*loc, "language"))
            changes["language"] = own.language
        changes["variables"] = {
            **before.variables,
            **self._values(own.variables, flow, (*loc, "variables")),
        }
        changes["http"] = {**before.http, **self._replies(own, flow, (*loc, "http"))}
        changes["phones"] = {**before.phones, **self._behaviours(own, flow, (*loc, "phones"))}
        changes["asked"] = {**before.asked, **self._asked(own, flow, (*loc, "history", "asked"))}
        known = {key: value for key, value in changes.items() if key == "number" or value}
        return dataclasses.replace(before, **known)  # type: ignore[arg-type] # each by its own name

    def _parsed(self, parse: Callable[[str], T], value: str, loc: Loc) -> T | None:
        try:
            return parse(value)
        except ValueError as error:
            self._tell_expected(loc, str(error), value)
            return None

    def _number(self, caller: str, flow: Flow, loc: Loc) -> str | None:
        if caller == WITHHELD:
            return None
        brand = self._book.brands.get(flow.brand)
        number = normal.e164(caller, brand.country if brand else "TR")
        if number is None:
            self._tell_expected(loc, NUMBER_FORM, caller)
        return number

    def _behaviours(self, own: source.GivenSource, flow: Flow, loc: Loc) -> dict[str, Behaviour]:
        found: dict[str, Behaviour] = {}
        for phone, does in own.phones.items():
            if not self._knows_phone(phone, flow, (*loc, phone)):
                continue
            behaviour = self._parsed(givens.behaviour, does, (*loc, phone))
            if behaviour is not None:
                found[phone] = behaviour
        return found

    def _replies(self, own: source.GivenSource, flow: Flow, loc: Loc) -> dict[str, givens.Replies]:
        for node in own.http:
            self._check_node(node, flow, (*loc, node))
        return {
            node: givens.Replies(
                status=reply.status,
                content=json_of(reply.content, self._document, (*loc, node, "json")),
                fails=None if reply.fails is None else Unanswered(reply.fails),
                after_s=reply.after_s,
            )
            for node, reply in own.http.items()
        }

    def _asked(self, own: source.GivenSource, flow: Flow, loc: Loc) -> dict[str, timedelta]:
        surveys = {
            node.survey
            for each in (flow, *flow.subflows.values())
            for node in each.nodes.values()
            if isinstance(node, Survey)
        }
        for name in own.history.asked.keys() - surveys:
            perhaps = did_you_mean(name, surveys)
            sentence = f"the flow `{flow.ref.name}` has no question of a survey `{name}`{perhaps}"
            self._tell((*loc, name), Code.WRONG_VALUE, sentence)
        return {name: timedelta(seconds=ago_s) for name, ago_s in own.history.asked.items()}

    def _knows_phone(self, phone: str, flow: Flow, loc: Loc) -> bool:
        phones = self._book.brands[flow.brand].phones
        if phone in phones:
            return True
        sentence = f"brand `{flow.brand}` has no phone `{phone}`{did_you_mean(phone, phones)}"
        self._tell(loc, Code.UNKNOWN_PHONE, sentence)
        return False

    def _check_language(self, language: str, flow: Flow, loc: Loc) -> None:
        if language not in flow.languages:
            spoken = ", ".join(flow.languages)
            sentence = f"the flow `{flow.ref.name}` speaks {spoken}, not `{language}`"
            self._tell(loc, Code.UNKNOWN_LANGUAGE, sentence)

    def _values(self, values: Mapping[str, str], flow: Flow, loc: Loc) -> dict[str, Value]:
        """Return variables with values of their declared types."""
        found: dict[str, Value] = {}
        for name, written in values.items():
            if name not in flow.initial:
                perhaps = did_you_mean(name, flow.initial)
                sentence = f"the flow `{flow.ref.name}` has no variable `{name}`{perhaps}"
                self._tell((*loc, name), Code.UNKNOWN_VARIABLE, sentence)
                continue
            try:
                found[name] = givens.value(written, flow.initial[name])
            except ValueError as error:
                self._tell_expected((*loc, name), str(error), written)
        return found

    def _line(self, step: source.StepSource, flow: Flow, loc: Loc) -> scripted.Line:
        deed, said = self._deed(step, flow, loc)
        return scripted.Line(deed=deed, text=said, line=self._document.place(loc).line)

    def _deed(self, step: source.StepSource, flow: Flow, loc: Loc) -> tuple[scripted.Deed, str]:
        if step.hears is not None:
            wanted = self._wanted(step.hears, flow, (*loc, "hears"))
            return scripted.Hear(wanted=wanted), f"hears {wanted}"
        if step.presses is not None:
            return scripted.Press(keys=step.presses), f"presses {step.presses}"
        if step.waits_s is not None:
            return scripted.Wait(for_s=step.waits_s), f"waits {duration(step.waits_s)}"
        if step.speaks_s is not None:
            return scripted.Speak(for_s=step.speaks_s), f"speaks {duration(step.speaks_s)}"
        return self._sentence(step, flow, loc)

    def _sentence(self, step: source.StepSource, flow: Flow, loc: Loc) -> tuple[scripted.Deed, str]:
        if step.phone:
            self._knows_phone(step.phone, flow, loc)
            return (
                scripted.AtPhone(phone=step.phone, deed=step.deed),
                f"{step.phone} {step.deed}",
            )
        if step.deed == source.SILENT:
            return scripted.SayNothing(), "says nothing"
        return scripted.HangUp(), "hangs up"

    def _wanted(self, hears: str, flow: Flow, loc: Loc) -> Wanted:
        """Return a prompt that is named, or words: those have blanks, capitals or points in them, or stand in quotes."""
        prompts = known_prompts(self._book, flow)
        if hears in prompts:
            return Wanted(prompt=hears)
        quoted = self._document.spot(loc).style in {"'", '"'}
        if not quoted and _NAME.fullmatch(hears):
            perhaps = did_you_mean(hears, prompts) or "; words that are heard stand in quotes"
            sentence = f"brand `{flow.brand}` has no prompt `{hears}`{perhaps}"
            self._tell(loc, Code.UNKNOWN_PROMPT, sentence)
        return Wanted(words=hears)

    def _expected(self, expect: source.ExpectSource, flow: Flow, loc: Loc) -> scripted.Expected:
        for key, names in (("nodes", expect.nodes or ()), ("passes", expect.passes)):
            for index, name in enumerate(names):
                self._check_node(name, flow, (*loc, key, index))
        if expect.language is not None:
            self._check_language(expect.language, flow, (*loc, "language"))
        return scripted.Expected(
            outcome=expect.outcome,
            nodes=expect.nodes,
            passes=expect.passes,
            language=expect.language,
            variables=self._values(expect.variables, flow, (*loc, "variables")),
            messages=expect.messages,
            notes=expect.notes,
            answers=expect.answers,
            recordings=expect.recordings,
            line=self._document.place(loc).line,
        )

    def _check_node(self, name: str, flow: Flow, loc: Loc) -> None:
        known = {*flow.nodes, *_nodes_below(flow)}
        if name not in known:
            sentence = f"the flow `{flow.ref.name}` has no node `{name}`{did_you_mean(name, known)}"
            self._tell(loc, Code.UNKNOWN_NODE, sentence)


def json_of(value: Data, document: Document, loc: Loc) -> object:
    """Return what is written as JSON would have it: numbers, true, false, null; a text if it is none, or in quotes."""
    match value:
        case dict():
            return {key: json_of(each, document, (*loc, key)) for key, each in value.items()}
        case list():
            return [json_of(each, document, (*loc, index)) for index, each in enumerate(value)]
        case str() if not document.spot(loc).style:
            try:
                return json.loads(value)
            except ValueError:
                return value
        case _:
            return value


def known_prompts(book: Book, flow: Flow) -> frozenset[str]:
    """Return the names of the prompts that a flow's brand has, and of those that the flow plays."""
    played = (
        prompt_uses.name_of(use)
        for each in (flow, *flow.subflows.values())
        for node in each.nodes.values()
        for _, use in node.prompts()
    )
    return frozenset({*book.prompts.get(flow.brand, ()), *played})


def _nodes_below(flow: Flow) -> Iterator[str]:
    for name, subflow in flow.subflows.items():
        for node in subflow.nodes:
            yield f"{name}/{node}"
