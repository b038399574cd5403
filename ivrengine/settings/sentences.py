"""What is wrong with settings, as a sentence: ``ivrengine.toml:7: log.level: expected …, found …; did you mean …?``.

Keyed on pydantic's kinds of error, which are stable, and not on its messages. Values of secrets are never quoted.
"""

import os
import re
from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ivrengine.flow.problems import did_you_mean, shown
from ivrengine.settings.model import DATABASE_VARIABLE, PREFIX, Settings
from ivrengine.settings.source import Loc, Source

_SECRET: Final = frozenset({"password", "database_url", "secrets"})
_EXPECTATIONS: Final[Mapping[str, str]] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "expected": "{sentence}",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "missing": "a value",
    "model_attributes_type": "a table",
    "model_type": "a table",
    "path_type": "a path",
    "string_type": "text",
    "too_long": "at most {max_length} of them",
    "tuple_type": "a list of tables",
}
_SHAPES: Final = {"model_attributes_type", "model_type", "tuple_type"}


def sentences(error: ValidationError, source: Source) -> tuple[str, ...]:
    """Return what a person must know of all that the models refuse, in the order of the file."""
    found = [(_loc(each), each) for each in error.errors(include_url=False)]
    found.sort(key=lambda pair: source.line(pair[0]))
    return tuple(_sentence(each, loc, source) for loc, each in found)


def _loc(error: ErrorDetails) -> Loc:
    return (*error["loc"], *error.get("ctx", {}).get("at", ()))


def _sentence(error: ErrorDetails, loc: Loc, source: Source) -> str:
    begin = _variable(loc) or f"{source.place(loc)}: {_dotted(loc)}"
    if error["type"] == "extra_forbidden":
        return f"{begin}: there is no such setting{did_you_mean(str(loc[-1]), _siblings(loc))}"
    return f"{begin}: expected {_expectation(error)}{_found(error, loc)}"


def _variable(loc: Loc) -> str | None:
    """Return the environment variable that set what stands at the path, if one did."""
    by_upper = {name.upper(): name for name, value in os.environ.items() if value}
    for length in range(len(loc), 0, -1):
        name = by_upper.get(PREFIX + "__".join(str(part) for part in loc[:length]).upper())
        if name is not None:
            return f"{name}: {_dotted(loc)}" if length < len(loc) else name
    return DATABASE_VARIABLE if loc == ("database_url",) and DATABASE_VARIABLE in by_upper else None


def _dotted(loc: Loc) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)[1:]


def _siblings(loc: Loc) -> list[str]:
    """Return the settings that there are beside the last part."""
    table: Any = Settings
    for part in loc[:-1]:
        if isinstance(part, str):
            annotation = table.model_fields[part].annotation
            table = next(iter(get_args(annotation)), annotation)
    return list(table.model_fields)


def _expectation(error: ErrorDetails) -> str:
    pattern = _EXPECTATIONS.get(error["type"])
    if pattern is None:
        return error["msg"]
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"]).replace("'", "`")
    return pattern.format_map(error.get("ctx", {}))


def _found(error: ErrorDetails, loc: Loc) -> str:
    """Return what was found instead, as far as a person may see it."""
    kind, value = error["type"], error["input"]
    if kind == "missing":
        return ", found nothing"
    if _SECRET.intersection(loc) or (kind == "expected" and not isinstance(value, str)):
        return ""
    if kind in _SHAPES and isinstance(value, str):
        return ", found text"  # it may be JSON gone wrong, passwords and all
    choices = re.findall(r"'([^']+)'", str(error.get("ctx", {}).get("expected", "")))
    return f", found {_quoted(value)}{did_you_mean(str(value), choices)}"


def _quoted(value: object) -> str:
    match value:
        case dict():
            return "a table"
        case str():
            return shown(re.sub(r"//[^/]*@", "//…@", value))  # who logs in where is not shown
        case bool():
            return f"`{value}`".lower()
        case _:
            return shown(value)
