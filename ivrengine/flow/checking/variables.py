"""The variables and expressions of a flow: first values, types, and compiled programs."""

import dataclasses
import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from ivrengine.core.call import Value
from ivrengine.flow.cel_faults import longer_names
from ivrengine.flow.expressions import (
    TEXT_MAX,
    CelType,
    CompileError,
    Compiler,
    Program,
    Programs,
    names_in,
)
from ivrengine.flow.fields import is_name
from ivrengine.flow.model import ZERO, Variable
from ivrengine.flow.node import Expression
from ivrengine.flow.nodes.collect import INT_DIGITS_MAX, Collect
from ivrengine.flow.nodes.hours import Hours
from ivrengine.flow.nodes.survey import Survey
from ivrengine.flow.problems import Code, Loc, Problem, closest, did_you_mean, problem, shown
from ivrengine.flow.source.draft import Draft

_INT: Final = re.compile(r"[+-]?[0-9]{1,18}")
_BOOLS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}
_WRITTEN: Final = {
    CelType.STRING: f"a text of at most {TEXT_MAX} characters",
    CelType.INT: "a whole number of at most 18 digits",
    CelType.DOUBLE: "a number such as 2.5",
    CelType.BOOL: "true or false",
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """What a flow's variables and expressions compile to."""

    initial: Mapping[str, Value]
    programs: Programs


def compile_all(draft: Draft) -> tuple[Compiled, list[Problem]]:
    """Return first values and programs of a flow, and what is wrong with its variables and expressions."""
    found: list[Problem] = []
    initial: dict[str, Value] = {}
    for name, variable in draft.variables.items():
        value = first_value(variable)
        if value is None:
            sentence = f"expected {_WRITTEN[variable.type]}, found {shown(variable.default)}"
            place = draft.place("variables", name, "default")
            found.append(problem(draft.file, place, Code.VARIABLE_DEFAULT, sentence))
        initial[name] = ZERO[variable.type] if value is None else value
    programs: dict[str, Program] = {}
    found += _compile_expressions(draft, programs)
    found += _assignments(draft)
    if draft.whole:
        found += _unused(draft, programs)
    return Compiled(initial=initial, programs=Programs(programs)), found


def first_value(variable: Variable) -> Value | None:
    """Return what a variable holds when a call begins; None if its default is not of its type."""
    text = variable.default
    if text is None:
        return ZERO[variable.type]
    match variable.type:
        case CelType.STRING:
            return text if len(text) <= TEXT_MAX else None
        case CelType.INT:
            return int(text) if _INT.fullmatch(text) else None
        case CelType.DOUBLE:
            return _finite(text)
        case CelType.BOOL:
            return _BOOLS.get(text.lower())


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _compile_expressions(draft: Draft, programs: dict[str, Program]) -> Iterator[Problem]:
    """Compile every expression of the flow into ``programs``; yield what is wrong with them."""
    expressions = [
        (("nodes", name, *expression.loc), expression)
        for name, found in draft.expressions.items()
        for expression in found
    ]
    if not expressions:
        return
    types = {name: variable.type for name, variable in draft.variables.items()}
    compiler = Compiler(types)
    for loc, expression in expressions:
        expects = types.get(expression.assigns) if expression.assigns else expression.expects
        try:
            programs[expression.text] = compiler.compile(
                expression.text, expects, accepts=expression.accepts, instead=expression.instead
            )
        except CompileError as error:
            yield from _faults(draft, loc, expression, error)


def _faults(
    draft: Draft, loc: Loc, expression: Expression, error: CompileError
) -> Iterator[Problem]:
    text = expression.text
    if any(name in text for name in draft.broken_variables):
        return  # what is wrong with the variable's declaration has been said
    for fault in error.faults:
        place = draft.place_in(loc, expression, fault.place)
        if fault.code is Code.EXPRESSION_NAME and expression.before.endswith("{"):
            sentence = (
                f"the flow declares no variable `{text}`{did_you_mean(text, draft.variables)}"
            )
            yield problem(draft.file, place, Code.UNKNOWN_VARIABLE, sentence)
        else:
            yield problem(draft.file, place, fault.code, fault.sentence)


def _assignments(draft: Draft) -> Iterator[Problem]:
    """Yield what is wrong with the variables that nodes give values to."""
    declared = {*draft.variables, *draft.broken_variables}
    misnamed = [name for name in draft.broken_variables if not is_name(name) or "-" in name]
    yield from _interface(draft, declared)
    for node_name, node in draft.nodes.items():
        for loc, name in node.assigns():
            if name not in declared and closest(name, misnamed) is not None:
                continue  # its declaration is broken, and that is told
            if name not in declared:
                at = ("nodes", node_name, *loc)
                place = draft.key_place(*at) if loc[-1] == name else draft.place(*at)
                sentence = f"the flow declares no variable `{name}`{did_you_mean(name, declared)}"
                yield problem(draft.file, place, Code.UNKNOWN_VARIABLE, sentence)
            elif isinstance(node, Collect) and name in draft.variables:
                yield from _collected(draft, node_name, node)
            elif isinstance(node, Hours) and name in draft.variables:
                yield from _told_time(draft, node_name, name)
            elif isinstance(node, Survey) and name in draft.variables:
                yield from _answered(draft, node_name, draft.variables[name].type)


def _interface(draft: Draft, declared: Collection[str]) -> Iterator[Problem]:
    """Yield the parameters and returned values of a sub-flow that it does not declare."""
    parameters = [(("parameters", n), name) for n, name in enumerate(draft.parameters)]
    returned = [
        (("returns", by, n), name)
        for by, names in draft.returns.items()
        for n, name in enumerate(names)
    ]
    for loc, name in (*parameters, *returned):
        if name not in declared:
            sentence = f"the flow declares no variable `{name}`{did_you_mean(name, declared)}"
            yield problem(draft.file, draft.place(*loc), Code.UNKNOWN_VARIABLE, sentence)


def _collected(draft: Draft, name: str, node: Collect) -> Iterator[Problem]:
    """Yield why the variable cannot hold what the node collects."""
    kind = draft.variables[node.into].type
    if kind not in {CelType.STRING, CelType.INT}:
        place = draft.place("nodes", name, "into")
        sentence = f"expected a variable of type string or int, `{node.into}` is a {kind}"
        yield problem(draft.file, place, Code.VARIABLE_TYPE, sentence)
    elif kind is CelType.INT and node.sensitive:
        place = draft.place("nodes", name, "into")
        sentence = f"expected a variable of type string for hidden digits, `{node.into}` is an int"
        yield problem(draft.file, place, Code.VARIABLE_TYPE, sentence)
    elif kind is CelType.INT and node.max_digits > INT_DIGITS_MAX:
        place = draft.place("nodes", name, "max_digits")
        sentence = (
            f"expected at most {INT_DIGITS_MAX} digits for an int, found `{node.max_digits}`; "
            f"declare `{node.into}` as string"
        )
        yield problem(draft.file, place, Code.VARIABLE_TYPE, sentence)


def _told_time(draft: Draft, node: str, name: str) -> Iterator[Problem]:
    """Yield why the variable cannot hold when a schedule opens."""
    kind = draft.variables[name].type
    if kind is not CelType.STRING:
        place = draft.place("nodes", node, "next_open")
        sentence = f"expected a variable of type string, `{name}` is a {kind}"
        yield problem(draft.file, place, Code.VARIABLE_TYPE, sentence)


def _answered(draft: Draft, name: str, kind: CelType) -> Iterator[Problem]:
    """Yield why the variable cannot hold the answer to a survey."""
    if kind is not CelType.INT:
        place = draft.place("nodes", name, "into")
        sentence = f"expected a variable of type int, this one is a {kind}"
        yield problem(draft.file, place, Code.VARIABLE_TYPE, sentence)


def _unused(draft: Draft, programs: Mapping[str, Program]) -> Iterator[Problem]:
    used = {name for program in programs.values() for name in program.variables}
    used |= {
        name
        for found in draft.expressions.values()
        for expression in found
        if expression.text
        not in programs  # broken, and told of: it reads what it names all the same
        for read, _ in names_in(expression.text)
        for name in (read, *longer_names(read, draft.variables))
    }
    used |= {name for node in draft.nodes.values() for _, name in node.assigns()}
    used |= {*draft.parameters, *(name for names in draft.returns.values() for name in names)}
    for name in draft.variables:
        if name not in used:
            place = draft.key_place("variables", name)
            sentence = f"nothing reads or sets the variable `{name}`"
            yield problem(draft.file, place, Code.UNUSED_VARIABLE, sentence)
