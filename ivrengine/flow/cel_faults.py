"""What the CEL compiler says about a wrong expression, as sentences with places inside the expression.

The binding raises nothing but text: ``ERROR: <input>:LINE:COLUMN: MESSAGE``, once for each fault.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from ivrengine.flow.problems import BEGINNING, Code, Place, closest, did_you_mean, shown

FUNCTIONS: Final = (
    "bool",
    "contains",
    "double",
    "duration",
    "endsWith",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "has",
    "int",
    "matches",
    "size",
    "startsWith",
    "string",
    "timestamp",
)
"""The functions of CEL that a flow has a use for; what a misspelt one is compared with."""
_FAULT: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNDECLARED: Final = re.compile(r"undeclared reference to '(.*)' \(in container '.*'\)")
_SYNTAX: Final = "Syntax error: "
_MEANT: Final = {
    "and": "&&",
    "or": "||",
    "not": "!",
    "=": "==",
    "<>": "!=",
    "&": "&&",
    "|": "||",
    "if": "condition ? this : that",
    **dict.fromkeys("\u2018\u2019\u201c\u201d", "'"),
}
_FUNCTIONS_ELSEWHERE: Final = {
    "len": "size",
    "length": "size",
    "count": "size",
    "str": "string",
    "float": "double",
    "includes": "contains",
    "regex": "matches",
}
"""What other languages call the functions of CEL."""
_TEMPLATE: Final = re.compile(r"\$?\{+\s*([a-z]\w*)\s*\}+")
_TYPES: Final = {"google.protobuf.Timestamp": "timestamp", "google.protobuf.Duration": "duration"}


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with an expression; ``place`` is inside the expression."""

    code: Code
    sentence: str
    place: Place = BEGINNING


def read(message: str, text: str, known: Sequence[str]) -> Iterator[Fault]:
    """Yield the faults that the compiler's message tells of; ``known`` are the names that ``text`` may use."""
    syntax_broken = False
    found = _FAULT.findall(message)
    if not found:
        yield Fault(Code.EXPRESSION, _without_position(message))
    for line, column, sentence in found:
        place = Place(int(line), int(column))
        fault = _fault(sentence, text, place, known)
        if fault.code is not Code.EXPRESSION_SYNTAX:
            yield fault
        elif not syntax_broken:  # the parser's later complaints follow from its first
            syntax_broken = True
            yield _template(text) or fault


def _without_position(message: str) -> str:
    if "recursion limit" in message:
        return "the expression is nested too deep"
    return f"not an expression: {message.splitlines()[0]}"


def _fault(sentence: str, text: str, place: Place, known: Sequence[str]) -> Fault:
    if undeclared := _UNDECLARED.fullmatch(sentence):
        return _undeclared(undeclared[1], text, place, known)
    for pattern, code, say in _READINGS:
        if match := pattern.fullmatch(sentence):
            return Fault(code, say(*match.groups()), place)
    return Fault(Code.EXPRESSION_SYNTAX, sentence.removeprefix(_SYNTAX), place)


def _template(text: str) -> Fault | None:
    """Return the fault of an expression that names a variable as templates do."""
    found = _TEMPLATE.search(text)
    if found is None:
        return None
    sentence = f"this is an expression already: write `{found[1]}` without braces"
    line, start = text.count("\n", 0, found.start()), text.rfind("\n", 0, found.start()) + 1
    return Fault(Code.EXPRESSION_SYNTAX, sentence, Place(line + 1, found.start() - start + 1))


def _undeclared(name: str, text: str, place: Place, known: Sequence[str]) -> Fault:
    """Say that a name is unknown; CEL points at its last dot or the bracket behind it, people at its beginning."""
    line = text.splitlines()[place.line - 1]
    called = line[place.column - 1 : place.column] == "("
    begin = line.rfind(name, 0, place.column - 1 + len(name))
    where = Place(place.line, begin + 1) if begin >= 0 else place
    if called:
        meant = _FUNCTIONS_ELSEWHERE.get(name)
        perhaps = f"; did you mean `{meant}`?" if meant else did_you_mean(name, FUNCTIONS)
        sentence = f"unknown function `{name}`{perhaps}"
    else:
        sentence = f"unknown name `{name}`{_perhaps(name, known)}"
    return Fault(Code.EXPRESSION_NAME, sentence, where)


def longer_names(name: str, known: Iterable[str]) -> list[str]:
    """Return the names of which this is the first or last part: `debt` of `debt_kurus`."""
    return [full for full in known if full.startswith(f"{name}_") or full.endswith(f"_{name}")]


def _perhaps(name: str, known: Iterable[str]) -> str:
    names = list(known)
    begun = [full for full in names if full.startswith(f"{name}.")]
    if begun:
        return f"; it has the parts {', '.join(f'`{full}`' for full in begun)}"
    if longer := longer_names(name, names):
        return f"; did you mean {' or '.join(f'`{full}`' for full in longer)}?"
    if closest(name, names) is None:
        return f"; a text is written in quotes: '{name}'"
    return did_you_mean(name, names)


def _no_overload(function: str, types: str) -> str:
    operands = [_TYPES.get(operand, operand) for operand in types.strip("()").split(", ")]
    spoken = " and ".join(filter(None, [", ".join(operands[:-1]), operands[-1]]))
    name = "? :" if function == "_?_:_" else function.replace("_", "")
    return f"`{name}` does not work on {spoken}"


def _unread(snippet: str) -> str:
    snippet = snippet.strip()
    if snippet[:1] in {"'", '"'}:
        return "the text in quotes is not closed, or has an unknown escape in it"
    return f"{shown(snippet)} is not CEL{_instead(snippet)}"


def _unexpected(word: str) -> str:
    if word == "<EOF>":
        return "the expression ends where more was expected"
    return f"{shown(word)} was not expected here{_instead(word)}"


def _instead(word: str) -> str:
    return f"; write `{_MEANT[word]}`" if word in _MEANT else ""


_READINGS: Final[tuple[tuple[re.Pattern[str], Code, Callable[..., str]], ...]] = (
    (
        re.compile(r"found no matching overload for '(.*)' applied to '(.*)'"),
        Code.EXPRESSION_TYPE,
        _no_overload,
    ),
    (
        re.compile(r"expression of type '(.*)' cannot be the operand of a select operation"),
        Code.EXPRESSION_TYPE,
        "a value of type {} has no parts".format,
    ),
    (
        re.compile(r"reserved identifier: (\w+)"),
        Code.EXPRESSION_SYNTAX,
        "`{}` is a reserved word of CEL".format,
    ),
    (
        re.compile(r"Syntax error: missing '(.*)' at '.*'"),
        Code.EXPRESSION_SYNTAX,
        "a `{}` is missing".format,
    ),
    (
        re.compile(r"invalid (?:u?int|double) literal"),
        Code.EXPRESSION_SYNTAX,
        "this number is too large".format,
    ),
    (
        re.compile(r"Syntax error: token recognition error at: '(.*)'"),
        Code.EXPRESSION_SYNTAX,
        _unread,
    ),
    (
        re.compile(r"Syntax error: (?:mismatched|extraneous) input '(.*?)' expecting .*"),
        Code.EXPRESSION_SYNTAX,
        _unexpected,
    ),
)
"""The compiler's messages, each with what it is and how it is said to a person."""
