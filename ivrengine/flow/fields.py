"""Types of the scalars that a flow file may hold, each read from text the way it looks to a person."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ivrengine.flow.expressions import RESERVED_NAMES, SURROUNDING_NAMES

EXPRESSION_MAX: Final = 1_000
"""Characters of a CEL expression; a longer condition is split with ``set``. Bounds what one evaluation can cost."""
_DURATION: Final = re.compile(
    r"(?:(?P<h>[0-9]+(?:\.[0-9]+)?)h)?(?:(?P<m>[0-9]+(?:\.[0-9]+)?)m(?!s))?"
    r"(?:(?P<s>[0-9]+(?:\.[0-9]+)?)s)?(?:(?P<ms>[0-9]+)ms)?"
)
_UNIT_S: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]*")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_KEY: Final = re.compile(r"[0-9*#]")
_TERMINATOR: Final = re.compile(r"[0-9*#]|none")


def unexpected(what: str) -> PydanticCustomError:
    """Return the error of a value that is not ``what`` was expected; what was found is added where it is reported."""
    return PydanticCustomError("expected", "expected {what}", {"what": what})


def contradiction(key: str, sentence: str) -> PydanticCustomError:
    """Return the error of fields that do not fit together, to be reported at ``key``."""
    return PydanticCustomError("contradiction", "{sentence}", {"key": key, "sentence": sentence})


def matching(pattern: re.Pattern[str], what: str) -> Callable[[str], str]:
    """Return a validator of texts that are wholly of the pattern."""

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise unexpected(what)
        return value

    return check


def _seconds(value: object) -> float:
    """Read ``5s``, ``1m30s``, ``24h`` or ``500ms``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not value or found is None:
        raise unexpected("a duration with its unit such as 5s, 1m30s or 500ms")
    return sum(float(n) * _UNIT_S[unit] for unit, n in found.groupdict().items() if n)


def duration(seconds: float) -> str:
    """Return a duration as people write it in a flow: ``1m30s``."""
    whole_ms = round(seconds * 1000)
    parts: list[str] = []
    for unit, unit_ms in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, whole_ms = divmod(whole_ms, unit_ms)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def _variable(value: str) -> str:
    if value in RESERVED_NAMES | SURROUNDING_NAMES:
        raise PydanticCustomError("reserved_name", "the name means something in expressions")
    return matching(_VARIABLE, "a name of small letters, digits and _, beginning with a letter")(
        value
    )


def one_or_many(value: object) -> object:
    """Read a single text as a list of one."""
    return (value,) if isinstance(value, str) else value


def _like(pattern: re.Pattern[str], max_length: int | None = None) -> Any:  # noqa: ANN401 - pydantic names no type for it
    """Return what tells an editor of a pattern; the validators tell people, in words."""
    extra: dict[str, Any] = {"pattern": f"^(?:{pattern.pattern})$"}
    return Field(max_length=max_length, json_schema_extra=extra)


_WRITTEN_DURATION: Final = re.compile(
    r"(?=.)([0-9]+(\.[0-9]+)?h)?([0-9]+(\.[0-9]+)?m)?([0-9]+(\.[0-9]+)?s)?([0-9]+ms)?"
)
Seconds = Annotated[
    float,
    BeforeValidator(_seconds, json_schema_input_type=Annotated[str, _like(_WRITTEN_DURATION)]),
]
"""A duration in seconds, written with its unit: ``5s``, ``1m30s``, ``24h``, ``500ms``."""
Name = Annotated[
    str,
    AfterValidator(
        matching(_NAME, "a name of small letters, digits, - and _, beginning with a letter")
    ),
    _like(_NAME, max_length=64),
]
"""A name of a flow, node, prompt or phone: ``main-menu``."""
VariableName = Annotated[str, AfterValidator(_variable), _like(_VARIABLE, max_length=64)]
"""A name of a variable: ``flat_number``. No hyphen: CEL would subtract."""
Language = Annotated[
    str,
    AfterValidator(matching(_LANGUAGE, "a language as its two-letter code such as tr or en")),
    _like(_LANGUAGE),
]
"""A language as its two-letter ISO 639-1 code: ``tr``, ``en``."""
Key = Annotated[
    str,
    AfterValidator(matching(_KEY, "one key of a telephone: 0 to 9, * or # (in quotes)")),
    _like(_KEY),
]
"""One key of a telephone: 0 to 9, ``*`` or ``#``."""
Terminator = Annotated[
    str, AfterValidator(matching(_TERMINATOR, "one key of a telephone (0 to 9, * or #), or none"))
]
"""The key that ends an entry, or ``none``."""
Cel = Annotated[str, Field(min_length=1, max_length=EXPRESSION_MAX)]
"""A CEL expression."""
Prompts = Annotated[
    tuple[Name, ...],
    BeforeValidator(one_or_many, json_schema_input_type=str | list[str]),
    Field(min_length=1, max_length=8),
]
"""A prompt by its name, or a list of prompts that are played one after the other."""
