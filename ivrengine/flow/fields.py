"""Types of the scalars that a flow file may hold, each read from text the way it looks to a person."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

_DURATION: Final = re.compile(
    r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m(?!s))?"
    r"(?:(?P<s>\d+(?:\.\d+)?)s)?(?:(?P<ms>\d+)ms)?"
)
_UNIT_S: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")


def _seconds(value: object) -> float:
    """Read ``5s``, ``1m30s``, ``24h`` or ``500ms``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not value or found is None:
        raise PydanticCustomError("duration", "expected a duration such as 5s, 1m30s or 500ms")
    return sum(float(n) * _UNIT_S[unit] for unit, n in found.groupdict().items() if n)


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise PydanticCustomError(
            "name", "expected a name of small letters, digits, - and _, beginning with a letter"
        )
    return value


Seconds = Annotated[float, BeforeValidator(_seconds, json_schema_input_type=str)]
"""A duration in seconds, written with its unit: ``5s``, ``1m30s``, ``24h``, ``500ms``."""
Name = Annotated[str, AfterValidator(_name), Field(max_length=64)]
"""A name of a flow, node, variable, prompt or phone: ``main-menu``."""
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
"""A language as its two-letter ISO 639-1 code: ``tr``, ``en``."""
Digit = Annotated[str, Field(pattern=r"^[0-9*#]$")]
"""One key of a telephone: 0 to 9, ``*`` or ``#``."""


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Prompts = Annotated[
    tuple[Name, ...],
    BeforeValidator(_one_or_many, json_schema_input_type=str | list[str]),
    Field(min_length=1, max_length=8),
]
"""A prompt by its name, or a list of prompts that are played one after the other."""
