"""What a flow takes of the JSON that another system answered."""

from collections.abc import Iterable, Mapping
from typing import Final

from ivrengine.core.call import Value
from ivrengine.core.effects import Wanted
from ivrengine.flow.expressions import is_value

_NOTHING: Final = object()


class ShapeError(Exception):
    """A value that is wanted is not there, or is not of its variable's type; the message names the variable only."""


def values_of(content: object, wants: Iterable[Wanted]) -> Mapping[str, Value]:
    """Return the wanted values by variable, without optional ones that are missing or null; raises ``ShapeError``."""
    found: dict[str, Value] = {}
    for wanted in wants:
        there = _at(content, wanted.path)
        if there is None or there is _NOTHING:
            if not wanted.optional:
                raise ShapeError(wanted.variable)
            continue
        found[wanted.variable] = _typed(there, wanted)
    return found


def _at(content: object, path: Iterable[str]) -> object:
    for key in path:
        match content:
            case dict() if key in content:
                content = content[key]
            case list() if key.isdecimal() and int(key) < len(content):
                content = content[int(key)]
            case _:
                return _NOTHING
    return content


def _typed(there: object, wanted: Wanted) -> Value:
    """Return the value as its variable holds it: a whole number may be a double, nothing else is converted."""
    if wanted.kind == "float" and type(there) is int:
        there = _double(there, wanted)
    if type(there).__name__ != wanted.kind or not is_value(there):
        raise ShapeError(wanted.variable)
    assert isinstance(there, str | int | float | bool)
    return there


def _double(whole: int, wanted: Wanted) -> float:
    try:
        return float(whole)
    except OverflowError:
        raise ShapeError(wanted.variable) from None
