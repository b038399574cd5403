"""Types of the scalars that a flow file may hold, each read from text the way it looks to a person."""

import functools
import re
import zoneinfo
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ivrengine.flow.expressions import RESERVED_NAMES, SURROUNDING_NAMES
from ivrengine.flow.problems import closest

EXPRESSION_MAX: Final = 1_000
"""Characters of a CEL expression; a longer condition is split with ``set``. Bounds what one evaluation can cost."""
_DURATION: Final = re.compile(
    r"(?:(?P<d>[0-9]+)d)?(?:(?P<h>[0-9]+(?:\.[0-9]+)?)h)?(?:(?P<m>[0-9]+(?:\.[0-9]+)?)m(?!s))?"
    r"(?:(?P<s>[0-9]+(?:\.[0-9]+)?)s)?(?:(?P<ms>[0-9]+)ms)?"
)
_DAY_S: Final = 86_400.0
_UNIT_S: Final = {"d": _DAY_S, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
A_NAME: Final = "a name of small letters"
"""How every sentence about a name that is none begins."""
_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]*")
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_KEY: Final = re.compile(r"[0-9*#]")
_TERMINATOR: Final = re.compile(r"[0-9*#]|none")


def unexpected(what: str) -> PydanticCustomError:
    """Return the error of a value that is not ``what`` was expected; what was found is added where it is reported."""
    return PydanticCustomError("expected", "expected {what}", {"what": what})


def contradiction(key: str | int, sentence: str) -> PydanticCustomError:
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
    """Read ``5s``, ``1m30s``, ``24h``, ``500ms`` or ``90d``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if not value or found is None:
        raise unexpected("a duration with its unit such as 5s, 1m30s or 500ms")
    return sum(float(n) * _UNIT_S[unit] for unit, n in found.groupdict().items() if n)


def is_name(text: str) -> bool:
    """Tell whether this can be a name of a flow, node, prompt or phone, or with _ for - of a variable."""
    return bool(_NAME.fullmatch(text))


def duration(seconds: float) -> str:
    """Return a duration as people write it in a flow: ``1m30s``."""
    if seconds > _DAY_S and seconds % _DAY_S == 0:
        return f"{seconds / _DAY_S:.0f}d"
    whole_ms = round(seconds * 1000)
    parts: list[str] = []
    for unit, unit_ms in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, whole_ms = divmod(whole_ms, unit_ms)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"


def _variable(value: str) -> str:
    if value in RESERVED_NAMES | SURROUNDING_NAMES:
        raise PydanticCustomError("reserved_name", "the name means something in expressions")
    return matching(_VARIABLE, f"{A_NAME}, digits and _, beginning with a letter")(value)


@functools.cache
def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """Return a zone by its name; one that a flow names was read from the disk when the flow was."""
    return zoneinfo.ZoneInfo(name)


def _zone(value: str) -> str:
    try:
        zone_of(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        near = closest(value, zoneinfo.available_timezones())
        perhaps = "" if near is None else f" (did you mean `{near}`?)"
        what = f"a time zone by its IANA name such as Europe/Istanbul{perhaps}"
        raise unexpected(what) from None
    return value


def one_or_many(value: object) -> object:
    """Read a single text as a list of one."""
    return (value,) if isinstance(value, str) else value


def _like(pattern: re.Pattern[str], max_length: int | None = None) -> Any:  # noqa: ANN401 - pydantic names no type for it
    """Return what tells an editor of a pattern; the validators tell people, in words."""
    extra: dict[str, Any] = {"pattern": f"^(?:{pattern.pattern})$"}
    return Field(max_length=max_length, json_schema_extra=extra)


_WRITTEN_DURATION: Final = re.compile(
    r"(?=.)([0-9]+d)?([0-9]+(\.[0-9]+)?h)?([0-9]+(\.[0-9]+)?m)?([0-9]+(\.[0-9]+)?s)?([0-9]+ms)?"
)
Seconds = Annotated[
    float,
    BeforeValidator(_seconds, json_schema_input_type=Annotated[str, _like(_WRITTEN_DURATION)]),
]
"""A duration in seconds, written with its unit: ``5s``, ``1m30s``, ``24h``, ``500ms``, ``90d``."""
Name = Annotated[
    str,
    AfterValidator(matching(_NAME, f"{A_NAME}, digits, - and _, beginning with a letter")),
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
Zone = Annotated[str, AfterValidator(_zone)]
"""A time zone by its IANA name: ``Europe/Istanbul``."""
Currency = Literal["TRY", "USD", "EUR", "GBP"]
"""A currency by its ISO 4217 code, of those that can be said."""
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


NAMED: Final = "named"
FILLED: Final = "filled"
"""The two ways in which a prompt is written, as pydantic tells of them."""


class PromptUse(BaseModel):
    """A prompt with values for its parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    prompt: Name = Field(description="The prompt's name.")
    with_: Annotated[dict[VariableName, Cel], Field(min_length=1, max_length=16)] = Field(
        alias="with", description="For each parameter of the prompt a CEL expression."
    )


class _NamedOrFilled:
    """Reads a prompt that is only named as its name, and one with values as a ``PromptUse``."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        named, filled = handler.generate_schema(Name), handler.generate_schema(PromptUse)
        return core_schema.tagged_union_schema(
            {NAMED: named, FILLED: filled},
            discriminator=lambda value: FILLED if isinstance(value, dict | PromptUse) else NAMED,
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [handler(choice) for choice in schema["choices"].values()]}


def one_or_many_prompts(value: object) -> object:
    """Read a single prompt as a list of one."""
    return (value,) if isinstance(value, str | dict) else value


Prompt = Annotated[str | PromptUse, _NamedOrFilled()]
"""A prompt by its name, or a mapping that also gives values to its parameters."""
Prompts = Annotated[
    tuple[Prompt, ...],
    BeforeValidator(one_or_many_prompts, json_schema_input_type=Prompt | list[Prompt]),
    Field(min_length=1, max_length=8),
]
"""A prompt, or a list of prompts that are played one after the other."""
