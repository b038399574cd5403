"""Scripted calls, understood: what a file of them says, held against the book of flows that they call."""

import dataclasses
from collections.abc import Mapping

from ivrengine.core.call import Outcome, Value
from ivrengine.core.effects import RecordingKind
from ivrengine.flow.model import Flow
from ivrengine.testing.given import Given
from ivrengine.testing.seen import Wanted


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hear:
    """The caller hears something."""

    wanted: Wanted


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """The caller presses keys."""

    keys: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """The caller lets time pass."""

    for_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Speak:
    """The caller speaks."""

    for_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SayNothing:
    """The caller lets the time pass in which the flow waits for a key."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """The caller hangs up."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AtPhone:
    """Somebody at a phone does something: one of ``source.BY_PHONE``."""

    phone: str
    deed: str


Deed = Hear | Press | Wait | Speak | SayNothing | HangUp | AtPhone


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A step of a dialogue as it stands in its file."""

    deed: Deed
    text: str
    line: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must have been so when a call is over; None or empty: nothing is said of it."""

    outcome: Outcome | None = None
    nodes: tuple[str, ...] | None = None
    passes: tuple[str, ...] = ()
    language: str | None = None
    variables: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    messages: tuple[str, ...] = ()
    """Words of each message that was sent; of what is sent, noted or kept all is named, here and below."""
    notes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    answers: Mapping[str, int] = dataclasses.field(default_factory=dict)
    recordings: tuple[RecordingKind, ...] = ()
    line: int = 0
    """Where it stands, or the call if nothing does."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scripted:
    """One scripted call."""

    name: str
    file: str
    line: int
    flow: Flow
    did: str
    given: Given
    dialogue: tuple[Line, ...]
    expected: Expected
