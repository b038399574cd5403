"""Scripted calls as the simulator plays them, and what a call leaves behind, wherever it was: its *course*.

Of one script played on the simulator and on the real Asterisk, the courses must be the same; ``on_the_line.py`` plays the latter.
"""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ivrengine.core import effects
from ivrengine.engine import codec
from ivrengine.testing import playing, scripted
from ivrengine.testing.expecting import unmet
from ivrengine.testing.scripted import Scripted
from ivrengine.testing.seen import Hears
from ivrengine.testing.visit import Ground, visiting
from tests.whole import records

_UNCOMPARED: Final = frozenset(
    {"channel_id", "media", "message_id", "number_id", "playback_id", "recording_id", "recordings"}
    | {"duration_s", "request_id"}
)
"""Ids, what is named by them, and how long somebody spoke."""
_COMPARED: Final = frozenset(
    {"Play", "Fetch", "Submit", "SendMessage", "SetAttribute", "KeepAnswer", "KeepRecording"}
)
_BY_CHANCE: Final = "split"
"""Its exit hangs on the caller's key, which is another one on every machine."""

Decided = tuple[str, Mapping[str, Any]]
"""An effect by its name, with its fields."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What became of a call: its nodes with their exits, and what was played, asked and kept, in order."""

    path: tuple[tuple[str, str, str], ...]
    """Sub-flow, node, exit."""
    did: tuple[Decided, ...]
    outcome: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A scripted call as the simulator played it."""

    script: Scripted
    course: Course
    heard: tuple[Hears, ...]
    node_types: frozenset[str]
    wrong: tuple[str, ...]


async def simulated(script: Scripted, ground: Ground) -> Simulated:
    """Play a call on the simulator; raises ``DivergenceError``."""
    heard: list[Hears] = []
    async with visiting(ground, script.flow, script.given, did=script.did) as visit:
        for line in script.dialogue:
            match line.deed:
                case scripted.Hear(wanted=wanted):
                    heard.append(await visit.hears(wanted))
                case _:
                    await playing._do(visit, line)
        call = await visit.ends()
    decided = [_plain(each) for each in visit.steps.decided()]
    return Simulated(
        script=script,
        course=_course(decided),
        heard=tuple(heard),
        node_types=frozenset(
            fields["node_type"] for kind, fields in decided if kind == "EnterNode"
        ),
        wrong=tuple(unmet(script.expected, call, visit.steps)),
    )


def _plain(effect: effects.Effect) -> Decided:
    kind, fields = json.loads(codec.encode(codec.pair(effect)))
    return kind, fields


def course_of(steps: Iterable[records.Event]) -> Course:
    """Return the course of a call from its journal."""
    return _course([decided for step in steps for decided in step.effects])


def _course(decided: Sequence[Decided]) -> Course:
    ends = [fields["outcome"] for kind, fields in decided if kind == "EndCall"]
    return Course(
        path=tuple(_path(decided)),
        did=tuple((kind, _told(fields)) for kind, fields in decided if kind in _COMPARED),
        outcome=ends[0] if ends else None,
    )


def _told(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if name not in _UNCOMPARED and value}


def _path(decided: Iterable[Decided]) -> Iterator[tuple[str, str, str]]:
    entered = ""
    for kind, fields in decided:
        if kind == "EnterNode":
            entered = fields["node_type"]
        elif kind == "LeaveNode":
            by = "" if entered == _BY_CHANCE else fields["exit"]
            yield fields.get("subflow", ""), fields["node"], by
