"""What pydantic finds wrong with a file's data, as problems at their places: one sentence each for a person.

Keyed on the kind of error, never on pydantic's wording.
"""

import builtins
import dataclasses
import re
import types
import typing
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ivrengine.flow.fields import A_NAME, FILLED, NAMED, duration, is_name
from ivrengine.flow.problems import Code, Data, Loc, Problem, closest, problem, shown
from ivrengine.flow.source import indents
from ivrengine.flow.source.text import Document, value_at

_IS_KEY: Final = "[key]"
"""Pydantic's name, at the end of a path, for a mapping's key as opposed to its value."""
_WITH_UNIT: Final = re.compile(r"[0-9.]+(?:h|ms?|s).*")
_QUOTED: Final = re.compile(r"'([^']*)'")
_TURKISH: Final = "çğıöşüâîû"
_AT_KEY: Final = frozenset({Code.UNKNOWN_KEY, Code.MISSING_KEY})
"""What is wrong with a key, or with the absence of one, is shown at a key."""

_Context = Mapping[str, Any]
_Told = tuple[Code, Loc, str]


def problems_of(
    error: ValidationError, document: Document, model: type[BaseModel]
) -> list[Problem]:
    """Return the problems that a validation of the document's data against ``model`` ended with."""
    details = error.errors(include_url=False)
    meant = _meant_keys(details, model, document.data)
    missing, wrong = set[Loc](), set[Loc]()
    for detail in details:
        (missing if detail["type"] == "missing" else wrong).add(resolved(model, detail["loc"]).loc)
    found: list[Problem] = []
    for detail in details:
        where = resolved(model, detail["loc"])
        if _is_told_otherwise(detail, where.loc, document, meant):
            continue
        if indents.is_told_otherwise(document.data, where.loc, detail["type"], missing, wrong):
            continue
        value = where.loc[-1] if where.is_key else value_at(document.data, where.loc)
        code, loc, sentence = _told(detail, where.loc, value, meant)
        sentence += indents.advice(document.data, where.loc, detail["type"], missing)
        at_key = where.is_key or code in _AT_KEY
        place = document.key_place(loc) if at_key else document.place(loc)
        found.append(problem(document.file, place, code, sentence))
    return found


def _is_told_otherwise(
    detail: ErrorDetails, loc: Loc, document: Document, meant: Mapping[Loc, Loc]
) -> bool:
    """Tell whether this follows from something else that is told."""
    is_missing = detail["type"] == "missing"
    if detail["type"] in {"union_tag_not_found", "union_tag_invalid"}:
        loc = (*loc, "type")
        if document.spot(loc).faulty:
            return True
    siblings = value_at(document.data, loc[:-1])
    empty = [k for k, v in siblings.items() if v is None] if isinstance(siblings, dict) else []
    if loc and any(key.startswith(f"{loc[-1]} ") for key in empty):
        return True  # its colon is missing, and that was told
    if detail["type"] == "extra_forbidden" and empty and _is_mapping(document, loc):
        return True  # what belongs to a key that has no value, and is not indented
    if (
        document.spot(loc[:-1] if is_missing else loc).faulty  # told when the text was read
        or _is_a_nodes_broken_name(detail, loc, document)
    ):
        return True
    if is_missing:
        return loc in meant.values()  # told of the key that is misspelt
    return detail["type"] == "too_short" and not _is_short(detail, value_at(document.data, loc))


def _is_a_nodes_broken_name(detail: ErrorDetails, loc: Loc, document: Document) -> bool:
    """Tell whether a way leads to a node whose name is none: that is told where the node stands."""
    if detail["type"] != "expected" or not detail["ctx"]["what"].startswith(A_NAME):
        return False
    nodes, found = value_at(document.data, ("nodes",)), value_at(document.data, loc)
    return (
        isinstance(nodes, dict) and isinstance(found, str) and found in nodes and not is_name(found)
    )


def _is_mapping(document: Document, loc: Loc) -> bool:
    return isinstance(value_at(document.data, loc), dict)


def _is_short(detail: ErrorDetails, found: object) -> bool:
    least: int = detail["ctx"]["min_length"]
    return isinstance(found, list | dict) and len(found) < least


@dataclasses.dataclass(frozen=True, slots=True)
class Where:
    """What a path of pydantic's means in a file: the path there, whether it is a key, and what is declared there."""

    loc: Loc
    is_key: bool
    annotation: object


def resolved(model: type[BaseModel], path: Loc) -> Where:
    """Return what a path means: pydantic puts a tag before the members of a union, and a sign behind a key's path."""
    loc: list[str | int] = []
    annotation: object = model
    for part in path:
        if part == _IS_KEY:
            return Where(tuple(loc), is_key=True, annotation=None)
        annotation, is_tag = _inside(_bare(annotation), part)
        if not is_tag:
            loc.append(part)
    return Where(tuple(loc), is_key=False, annotation=_bare(annotation))


def _bare(annotation: object) -> object:
    """Return an annotation without what is only metadata, and without the None of an optional value."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _bare(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in {types.UnionType, typing.Union}:
        members = [member for member in typing.get_args(annotation) if member is not types.NoneType]
        return _bare(members[0]) if len(members) == 1 else annotation
    return annotation


def _inside(annotation: object, part: str | int) -> tuple[object, bool]:
    """Return what is declared one step further, and whether the step is a union's tag."""
    arguments = typing.get_args(annotation)
    match typing.get_origin(annotation):
        case types.UnionType | typing.Union:
            return next((m for m in arguments if part in _tags(m)), None), True
        case builtins.dict:
            return arguments[1], False
        case builtins.tuple:
            return arguments[0], False
        case _ if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = _fields(annotation).get(str(part))
            return (None if field is None else field.annotation), False
        case _:
            return None, False


def _tags(member: Any) -> tuple[Any, ...]:  # noqa: ANN401 - whatever stands in an annotation
    """Return the tags by which pydantic tells a member of a union: its type's name, or whether a prompt is named or filled."""
    if not (isinstance(member, type) and issubclass(member, BaseModel)):
        return (NAMED,)
    kind = member.model_fields.get("type")
    return (FILLED,) if kind is None else typing.get_args(kind.annotation)


def _fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _meant_keys(
    details: list[ErrorDetails], model: type[BaseModel], data: Data
) -> Mapping[Loc, Loc]:
    """Return, for each key that the language does not have, the path of the key that was probably meant."""
    meant: dict[Loc, Loc] = {}
    for detail in details:
        if detail["type"] != "extra_forbidden":
            continue
        loc = resolved(model, detail["loc"]).loc
        if indents.is_node_inside_a_node(data, loc):
            continue
        parent = resolved(model, detail["loc"][:-1]).annotation
        known = (
            _fields(parent) if isinstance(parent, type) and issubclass(parent, BaseModel) else ()
        )
        near = closest(str(loc[-1]), known)
        if near is not None:
            meant[loc] = (*loc[:-1], near)
    return meant


def _told(detail: ErrorDetails, loc: Loc, found: object, meant: Mapping[Loc, Loc]) -> _Told:
    context: _Context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            perhaps = f"; did you mean `{meant[loc][-1]}`?" if loc in meant else ""
            told = Code.UNKNOWN_KEY, loc, f"unknown key `{loc[-1]}`{perhaps}"
        case "missing":
            told = Code.MISSING_KEY, loc[:-1], f"missing key `{loc[-1]}`{_needed_by(loc, detail)}"
        case "union_tag_not_found":
            told = Code.MISSING_KEY, loc, "missing key `type`"
        case "union_tag_invalid":
            told = Code.NODE_TYPE, (*loc, "type"), _unknown_type(context, found)
        case "reserved_name":
            sentence = f"`{loc[-1]}` means something in expressions already; choose another name"
            told = Code.RESERVED_NAME, loc, sentence
        case "contradiction":
            told = Code.WRONG_VALUE, (*loc, context["key"]), context["sentence"]
        case kind:
            told = Code.WRONG_VALUE, loc, _expectation(kind, detail, context, found)
    return told


def _needed_by(loc: Loc, detail: ErrorDetails) -> str:
    """Name the node that a key is missing of."""
    match loc:
        case ("nodes", name, _):
            return f", which the node `{name}` of type {detail['input']['type']} needs"
        case _:
            return ""


def _unknown_type(context: _Context, node: object) -> str:
    found, known = value_at(node, ("type",)), _QUOTED.findall(context["expected_tags"])
    near = closest(str(found), known)
    perhaps = "" if near is None else f" (did you mean `{near}`?)"
    return f"unknown node type {shown(found)}{perhaps}; the types are {', '.join(known)}"


def _expectation(kind: str, detail: ErrorDetails, context: _Context, found: object) -> str:
    """Say what was expected and what was found."""
    say = _EXPECTED.get(kind)
    if say is None:  # a kind that none of our models has today
        return f"{shown(found)} is not right here ({detail['msg']})"
    size = len(found) if isinstance(found, list | dict) else None
    what = shown(found) if size is None or not kind.startswith("too_") else str(size or "none")
    expected, tail = say(context, found), _foreign(found)
    if expected.startswith(A_NAME) and isinstance(found, str):
        tail = _misnamed(found, detail["loc"]) or tail
    return f"expected {expected}, found {what}{tail}"


def _misnamed(found: str, loc: Loc) -> str:
    """Say what is most likely wrong with a text where a name belongs."""
    if loc[-1] in {NAMED, "prompt"} and " " in found.strip():
        return "; texts stand in prompts.yaml, and here the name of one"
    foreign = [f"`{letter}`" for letter in dict.fromkeys(found) if letter.lower() in _TURKISH]
    return f"; names are written without {', '.join(foreign)}" if foreign else ""


def _foreign(found: object) -> str:
    """Name the first letter of another script: it may look like one of those that are meant."""
    for character in found if isinstance(found, str) else "":
        name = "" if character.isascii() else unicodedata.name(character, "")
        if character.isalpha() and name and not name.startswith("LATIN"):
            return f", in which `{character}` is U+{ord(character):04X}, {name.lower()}"
    return ""


def _limit(value: float, found: object) -> str:
    """Return a bound in the unit in which the value was written."""
    if isinstance(found, str) and _WITH_UNIT.fullmatch(found):
        return duration(value)
    return f"{value:g}"


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _characters(least: int) -> str:
    return "a text that is not empty" if least == 1 else f"a text of at least {least} characters"


def _one_of(context: _Context) -> str:
    return f"one of {', '.join(_QUOTED.findall(context['expected']))}"


_EXPECTED: Final[Mapping[str, Callable[[_Context, object], str]]] = {
    "expected": lambda context, _: context["what"],
    "enum": lambda context, _: _one_of(context),
    "literal_error": lambda context, _: _one_of(context),
    "string_type": lambda *_: "a text",
    "int_type": lambda *_: "a whole number",
    "int_parsing": lambda *_: "a whole number",
    "int_parsing_size": lambda *_: "a smaller number",
    "int_from_float": lambda *_: "a whole number",
    "float_type": lambda *_: "a number",
    "float_parsing": lambda *_: "a number",
    "finite_number": lambda *_: "a number",
    "bool_type": lambda *_: "yes or no",
    "bool_parsing": lambda *_: "yes or no",
    "tuple_type": lambda *_: "a list",
    "dict_type": lambda *_: "a mapping (key: value)",
    "model_type": lambda *_: "a mapping (key: value)",
    "model_attributes_type": lambda *_: "a mapping (key: value)",
    "string_too_short": lambda context, _: _characters(context["min_length"]),
    "string_too_long": lambda context, _: f"a text of at most {context['max_length']} characters",
    "too_short": lambda context, _: f"at least {_entries(context['min_length'])}",
    "too_long": lambda context, found: (
        f"at most {context['max_length']} characters"
        if isinstance(found, str)
        else f"at most {_entries(context['max_length'])}"
    ),
    "greater_than_equal": lambda context, found: f"at least {_limit(context['ge'], found)}",
    "less_than_equal": lambda context, found: f"at most {_limit(context['le'], found)}",
}
"""What was expected, by pydantic's kind of error."""
