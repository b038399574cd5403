"""Holds what became of a call against what its script expects."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ivrengine.core import effects
from ivrengine.core.call import Call, Outcome, Value
from ivrengine.testing.scripted import Expected
from ivrengine.testing.seen import plain
from ivrengine.testing.steps import Steps
from ivrengine.testing.visit import nodes_of

BAD_ENDS: Final = frozenset({Outcome.FALLBACK, Outcome.TAKEN, Outcome.LOST})
"""Ends that no flow means, unless a script says that it does."""
_PLAIN: Final = re.compile(r"\w[\w .+-]*")


def unmet(expected: Expected, call: Call, steps: Steps) -> Iterator[str]:
    """Yield what was expected and is not so, and what is so and was not expected."""
    nodes = nodes_of(steps)
    if expected.outcome is not None and call.outcome is not expected.outcome:
        yield f"expected the outcome {_words(expected.outcome)}, but it is {_words(call.outcome)}"
    elif expected.outcome is None and call.outcome in BAD_ENDS:
        yield f"the outcome is {_words(call.outcome)}; a script that means it says so in `expect`"
    if expected.nodes is not None and tuple(nodes) != expected.nodes:
        yield f"expected the nodes {_listed(expected.nodes)}, but they are {_listed(nodes)}"
    if not _is_within(expected.passes, nodes):
        yield f"expected to pass {_listed(expected.passes)}, but the nodes are {_listed(nodes)}"
    if expected.language is not None and call.language != expected.language:
        yield f"expected the language {expected.language}, but it is {call.language}"
    for name, value in expected.variables.items():
        if call.variables.get(name) != value:
            found = call.variables.get(name, "not there")
            yield f"expected the variable {name} to be {value!r}, but it is {found!r}"
    yield from _otherwise_sent(expected.messages, steps)
    yield from _otherwise_noted(expected.notes, steps)
    yield from _otherwise_kept(expected, steps)


def _otherwise_sent(expected: Sequence[str], steps: Steps) -> Iterator[str]:
    sent = [e.text for e in steps.decided() if isinstance(e, effects.SendMessage)]
    for words, text in itertools.zip_longest(expected, sent):
        if text is None:
            yield f"expected a message with “{words}”, but none was sent"
        elif words is None:
            yield f"a message was sent that is not in `expect`: “{text}”"
        elif plain(words) not in plain(text):
            yield f"expected a message with “{words}”, but it is “{text}”"


def _otherwise_noted(expected: Mapping[str, str], steps: Steps) -> Iterator[str]:
    noted = {e.name: e.value for e in steps.decided() if isinstance(e, effects.SetAttribute)}
    for name in {**expected, **noted}:
        if name not in noted:
            yield f"expected the note {name}, but nothing was noted of it"
        elif name not in expected:
            yield (
                f"a note was made that is not in `expect`: {name}: {_text(noted[name])}; "
                f"if it is meant, write there `notes: {_mapping(noted)}`"
            )
        elif expected[name] != _text(noted[name]):
            yield f"expected the note {name} to be {expected[name]}, but it is {_text(noted[name])}"


def _otherwise_kept(expected: Expected, steps: Steps) -> Iterator[str]:
    given: dict[str, int] = {}
    recordings: list[effects.RecordingKind] = []
    for effect in steps.decided():
        match effect:
            case effects.KeepAnswer(question=question, score=int(score)):
                given[question] = score
            case effects.KeepRecording(kind=kind):
                recordings.append(kind)
            case _:
                pass
    if given != expected.answers:
        yield f"expected the answers {_pairs(expected.answers)}, but they are {_pairs(given)}"
    if tuple(recordings) != expected.recordings:
        yield f"expected the recordings {_listed(expected.recordings)}, but they are {_listed(recordings)}"


def _pairs(values: Mapping[str, int]) -> str:
    return _listed([f"{name}: {value}" for name, value in values.items()])


def _mapping(noted: Mapping[str, Value]) -> str:
    """Return notes as they are written in a script; what is no plain word or number stands in quotes."""
    texts = ((name, _text(value)) for name, value in noted.items())
    pairs = (
        f"{name}: {text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)}"
        for name, text in texts
    )
    return f"{{{', '.join(pairs)}}}"


def _text(value: Value) -> str:
    """Return a value as it is written in a script."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _is_within(passes: Sequence[str], nodes: Sequence[str]) -> bool:
    rest = iter(nodes)
    return all(name in rest for name in passes)


def _listed(names: Sequence[str]) -> str:
    return f"[{', '.join(names)}]"


def _words(outcome: Outcome | None) -> str:
    return "" if outcome is None else outcome.value
