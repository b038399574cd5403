"""What pydantic finds wrong with a file's data, as problems at their places: one sentence each for a person.

Keyed on the kind of error, never on pydantic's wording.
"""

import builtins
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ivrengine.flow.fields import duration
from ivrengine.flow.problems import Code, Problem, closest, problem, shown
from ivrengine.flow.text import Document, Loc

_IS_KEY: Final = "[key]"
"""Pydantic's name, at the end of a path, for a mapping's key as opposed to its value."""
_WITH_UNIT: Final = re.compile(r"[0-9.]+(?:h|ms?|s).*")
_QUOTED: Final = re.compile(r"'([^']*)'")
_AT_KEY: Final = frozenset({Code.UNKNOWN_KEY, Code.MISSING_KEY})
"""What is wrong with a key, or with the absence of one, is shown at a key."""

_Context = Mapping[str, Any]
_Told = tuple[Code, Loc, str]


def problems_of(
    error: ValidationError, document: Document, model: type[BaseModel]
) -> list[Problem]:
    """Return the problems that a validation of the document's data against ``model`` ended with."""
    details = error.errors(include_url=False)
    meant = _meant_keys(details, document, model)
    found: list[Problem] = []
    for detail in details:
        loc, is_key = without_tags(detail["loc"], document.data)
        parent = loc[:-1] if detail["type"] == "missing" else loc
        if document.spot(parent).faulty or loc in meant.values():
            continue  # it was said when the text was read, or is said of the misspelt key
        if detail["type"] == "too_short" and not _is_short(detail, value_at(document.data, loc)):
            continue  # it is short of the members that have faults of their own
        value = loc[-1] if is_key else value_at(document.data, loc)
        code, loc, sentence = _told(detail, loc, value, meant)
        at_key = is_key or code in _AT_KEY
        place = document.key_place(loc) if at_key else document.place(loc)
        found.append(problem(document.file, place, code, sentence))
    return found


def _is_short(detail: ErrorDetails, found: object) -> bool:
    least: int = detail["ctx"]["min_length"]
    return isinstance(found, list | dict) and len(found) < least


def without_tags(loc: Loc, data: object) -> tuple[Loc, bool]:
    """Return a path without the tags that pydantic puts before the members of a union, and whether it means a key."""
    real: list[str | int] = []
    tag_passed = False
    for part in loc:
        if part == _IS_KEY:
            return tuple(real), True
        if not tag_passed and isinstance(data, dict) and data.get("type") == part:
            tag_passed = True
            continue
        real.append(part)
        tag_passed = False
        data = value_at(data, (part,))
    return tuple(real), False


def value_at(data: object, loc: Loc) -> object:
    """Return the value at a path inside plain data; None if there is none."""
    for part in loc:
        match data, part:
            case dict(), str():
                data = data.get(part)
            case list(), int() if part < len(data):
                data = data[part]
            case _:
                return None
    return data


def _meant_keys(
    details: list[ErrorDetails], document: Document, model: type[BaseModel]
) -> Mapping[Loc, Loc]:
    """Return, for each key that the language does not have, the path of the key that was probably meant."""
    meant: dict[Loc, Loc] = {}
    for detail in details:
        if detail["type"] == "extra_forbidden":
            loc, _ = without_tags(detail["loc"], document.data)
            near = closest(str(loc[-1]), _keys_at(model, loc[:-1], document.data))
            if near is not None:
                meant[loc] = (*loc[:-1], near)
    return meant


def _keys_at(model: type[BaseModel], loc: Loc, data: object) -> list[str]:
    """Return the keys that the language has in the mapping at ``loc``."""
    return [key for found in _models_at(model, loc, data) for key in _fields(found)]


def _models_at(annotation: object, loc: Loc, data: object) -> Iterator[type[BaseModel]]:
    """Yield the models that describe the mapping at ``loc`` below a value annotated so."""
    if typing.get_origin(annotation) is typing.Annotated:
        annotation = typing.get_args(annotation)[0]
    arguments = typing.get_args(annotation)
    below, inside = loc[1:], value_at(data, loc[:1])
    match typing.get_origin(annotation):
        case None if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if not _is_of_type(annotation, data):
                return
            if not loc:
                yield annotation
            elif field := _fields(annotation).get(str(loc[0])):
                yield from _models_at(field.annotation, below, inside)
        case builtins.dict if loc:
            yield from _models_at(arguments[1], below, inside)
        case builtins.tuple if loc:
            yield from _models_at(arguments[0], below, inside)
        case types.UnionType:
            for member in arguments:
                yield from _models_at(member, loc, data)
        case _:
            return


def _is_of_type(model: type[BaseModel], data: object) -> bool:
    """Tell whether data with a ``type`` mean this model; others are what their place says they are."""
    field = model.model_fields.get("type")
    tags = () if field is None else typing.get_args(field.annotation)
    return not tags or value_at(data, ("type",)) in tags


def _fields(model: type[BaseModel]) -> Mapping[str, FieldInfo]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _told(detail: ErrorDetails, loc: Loc, found: object, meant: Mapping[Loc, Loc]) -> _Told:
    context: _Context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            perhaps = f"; did you mean `{meant[loc][-1]}`?" if loc in meant else ""
            told = Code.UNKNOWN_KEY, loc, f"unknown key `{loc[-1]}`{perhaps}"
        case "missing":
            told = Code.MISSING_KEY, loc[:-1], f"missing key `{loc[-1]}`"
        case "union_tag_not_found":
            told = Code.MISSING_KEY, loc, "missing key `type`"
        case "union_tag_invalid":
            told = Code.NODE_TYPE, (*loc, "type"), _unknown_type(context)
        case "reserved_name":
            sentence = f"`{loc[-1]}` means something in expressions already; choose another name"
            told = Code.RESERVED_NAME, loc, sentence
        case "contradiction":
            told = Code.WRONG_VALUE, (*loc, context["key"]), context["sentence"]
        case kind:
            told = Code.WRONG_VALUE, loc, _expectation(kind, detail, context, found)
    return told


def _unknown_type(context: _Context) -> str:
    found, known = context["tag"], _QUOTED.findall(context["expected_tags"])
    near = closest(found, known)
    perhaps = "" if near is None else f" (did you mean `{near}`?)"
    return f"unknown node type {shown(found)}{perhaps}; the types are {', '.join(known)}"


def _expectation(kind: str, detail: ErrorDetails, context: _Context, found: object) -> str:
    """Say what was expected and what was found."""
    say = _EXPECTED.get(kind)
    if say is None:  # a kind that none of our models has today
        return f"{shown(found)} is not right here ({detail['msg']})"
    size = len(found) if isinstance(found, list | dict) else None
    what = shown(found) if size is None or not kind.startswith("too_") else str(size or "none")
    return f"expected {say(context, found)}, found {what}"


def _limit(value: float, found: object) -> str:
    """Return a bound in the unit in which the value was written."""
    if isinstance(found, str) and _WITH_UNIT.fullmatch(found):
        return duration(value)
    return f"{value:g}"


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


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
    "string_too_short": lambda context, _: f"a text of at least {context['min_length']} characters",
    "string_too_long": lambda context, _: f"a text of at most {context['max_length']} characters",
    "too_short": lambda context, _: f"at least {_entries(context['min_length'])}",
    "too_long": lambda context, _: f"at most {_entries(context['max_length'])}",
    "greater_than_equal": lambda context, found: f"at least {_limit(context['ge'], found)}",
    "less_than_equal": lambda context, found: f"at most {_limit(context['le'], found)}",
}
"""What was expected, by pydantic's kind of error."""
