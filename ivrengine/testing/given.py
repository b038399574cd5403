"""What holds before a call begins: when it is, who calls, what the flow knows, and what its phones do."""

import dataclasses
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ivrengine.core.call import Value
from ivrengine.core.events import Unanswered
from ivrengine.sim.phones import Answers, Behaviour, Busy, Declines, Rings, Unreachable

CLOCK: Final = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
"""When a call begins of which nobody says when: a Monday at noon."""
CLOCK_FORM: Final = "a date, a time and a time zone such as 2026-11-23 10:30 Europe/Istanbul"
PHONE_FORM: Final = "answers after 3s, is busy, declines, does not answer, or is unreachable"
_CLOCK: Final = re.compile(
    r"((?:19|2[01])\d\d-\d\d-\d\d) (\d\d?:\d\d(?::\d\d)?) ([A-Za-z][\w+/-]*)", re.ASCII
)
_ANSWERS: Final = re.compile(r"answers after (\d+(?:\.\d+)?)s", re.ASCII)
_BOOLS: Final[Mapping[str, bool]] = {"yes": True, "true": True, "no": False, "false": False}
_VALUES: Final[Mapping[type, str]] = {
    bool: "yes or no",
    int: "a whole number",
    float: "a number",
    str: "a text",
}
_PHONES: Final[Mapping[str, Behaviour]] = {
    "is busy": Busy(),
    "declines": Declines(),
    "does not answer": Rings(),
    "is unreachable": Unreachable(),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Replies:
    """What another system answers to an ``http`` node: a status with JSON, or nothing of use."""

    status: int = 200
    content: object = None
    fails: Unanswered | None = None
    after_s: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a call begins with."""

    at: datetime = CLOCK
    number: str | None = None
    """In E.164; None if the caller withholds it."""
    language: str | None = None
    """What the call begins in; None: the flow's first."""
    variables: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    """First values of the flow's variables."""
    phones: Mapping[str, Behaviour] = dataclasses.field(default_factory=dict)
    """What phones do by themselves; any other rings until the test says what becomes of it."""
    http: Mapping[str, Replies] = dataclasses.field(default_factory=dict)
    """What other systems answer, by the node that asks (``sub-flow/node``); any other request is unexpected."""
    asked: Mapping[str, timedelta] = dataclasses.field(default_factory=dict)
    """How long before the call the caller was last asked a question of a survey, by the survey's name."""


def instant(text: str) -> datetime:
    """Return the instant that is written ``2026-11-23 10:30 Europe/Istanbul``; raises ``ValueError`` if it is not."""
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(CLOCK_FORM)
    day, time, zone = found.groups()
    try:
        return datetime.fromisoformat(f"{day} {time:0>5}").replace(tzinfo=ZoneInfo(zone))
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(CLOCK_FORM) from error


def value(text: str, first: Value) -> Value:
    """Return the value that is written, of the type of a variable's ``first`` one; raises ``ValueError`` if it is none."""
    kind = type(first)
    try:
        if kind is bool:
            return _BOOLS[text.lower()]
        return kind(text)
    except (ValueError, KeyError) as error:
        raise ValueError(_VALUES[kind]) from error


def behaviour(text: str) -> Behaviour:
    """Return what a phone does of which is written ``answers after 3s``; raises ``ValueError`` if it is nothing."""
    answers = _ANSWERS.fullmatch(text)
    if answers is not None:
        return Answers(after_s=float(answers[1]))
    if text not in _PHONES:
        raise ValueError(PHONE_FORM)
    return _PHONES[text]
