"""Plays scripted calls, one after the other on one virtual loop, and tells how each went."""

import dataclasses
import gc
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import assert_never

from ivrengine.core import effects
from ivrengine.flow.book import Book
from ivrengine.flow.load import RECORDINGS_FOLDER
from ivrengine.sim.clock import run_virtual
from ivrengine.sim.read_aloud import ReadAloud
from ivrengine.telemetry import metrics
from ivrengine.testing import scripted
from ivrengine.testing.expecting import unmet
from ivrengine.testing.scripted import Scripted
from ivrengine.testing.seen import Over, Seen
from ivrengine.testing.visit import DivergenceError, Ground, Visit, visiting

Passed = tuple[str, str, str]
"""A node that was reached, or an exit that was taken: flow, node, exit (empty for the node itself)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A step of the script beside what happened; either may be empty."""

    expected: str
    happened: str
    diverges: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call failed."""

    sentences: tuple[str, ...]
    line: int
    """In the script's file."""
    subflow: str
    node: str
    """Where the call stood in its flow, or in the sub-flow that is named; empty if it reached none."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """A scripted call that was played."""

    script: Scripted
    rows: tuple[Row, ...]
    passed: frozenset[Passed]
    took_s: float
    """Seconds of real time that playing it took."""
    failure: Failure | None


def ground_of(book: Book, folder: Path | None = None) -> Ground:
    """Return what calls by a book share; ``folder`` has its recordings, if there are any."""
    recordings = None if folder is None else folder / RECORDINGS_FOLDER
    return Ground(book=book, sounds=ReadAloud(book.prompts, recordings), counted=metrics.new())


def play_all(scripts: Sequence[Scripted], ground: Ground, told: Callable[[Played], None]) -> None:
    """Play calls in virtual time; ``told`` hears of each as soon as it is over."""

    async def play_each() -> None:
        for script in scripts:
            told(await play(script, ground))

    gc.collect()
    gc.freeze()  # flows and code are there to stay: the collector need not look through them again for every few calls
    try:
        run_virtual(play_each())
    finally:
        gc.unfreeze()


async def play(script: Scripted, ground: Ground) -> Played:
    """Play one call."""
    rows: list[Row] = []
    failure = None
    began_s = time.perf_counter()
    async with visiting(ground, script.flow, script.given, did=script.did) as visit:
        at = script.line
        try:
            for line in script.dialogue:
                at = line.line
                happened = await _do(visit, line)
                rows.append(Row(expected=line.text, happened=happened))
            at = script.expected.line
            call = await visit.ends()
        except DivergenceError as error:
            rows += _diverging(script, error, len(rows))
            failure = _failure(visit, (str(error),), at)
        else:
            rows.append(Row(expected="", happened=str(Over(outcome=call.outcome))))
            wrong = tuple(unmet(script.expected, call, visit.steps))
            failure = _failure(visit, wrong, at) if wrong else None
        return Played(
            script=script,
            rows=tuple(rows),
            passed=frozenset(_passed(visit, script.flow.ref.name)),
            took_s=time.perf_counter() - began_s,
            failure=failure,
        )


async def _do(visit: Visit, line: scripted.Line) -> str:
    """Do a step of the dialogue, and return what happened."""
    match line.deed:
        case scripted.Hear(wanted=wanted):
            return str(await visit.hears(wanted))
        case scripted.Press(keys=keys):
            await visit.presses(keys)
        case scripted.Wait(for_s=for_s):
            await visit.waits(for_s)
        case scripted.Speak(for_s=for_s):
            await visit.speaks(for_s)
        case scripted.SayNothing():
            await visit.says_nothing()
        case scripted.HangUp():
            await visit.hangs_up()
        case scripted.AtPhone(phone=phone, deed=deed):
            await _at_phone(visit, phone, deed)
        case never:
            assert_never(never)
    return line.text


async def _at_phone(visit: Visit, phone: str, deed: str) -> None:
    match deed:
        case "answers":
            await visit.answers(phone)
        case "is busy":
            await visit.is_busy(phone)
        case "declines":
            await visit.declines(phone)
        case "does not answer":
            await visit.does_not_answer(phone)
        case _:
            await visit.phone_hangs_up(phone)


def _diverging(script: Scripted, error: DivergenceError, done: int) -> Iterator[Row]:
    seen: Seen | None = error.seen
    happened = "nothing more" if seen is None else str(seen)
    expected = script.dialogue[done].text if done < len(script.dialogue) else "(nothing more)"
    yield Row(expected=expected, happened=happened, diverges=True)
    for line in script.dialogue[done + 1 :]:
        yield Row(expected=line.text, happened="")


def _failure(visit: Visit, sentences: tuple[str, ...], line: int) -> Failure:
    subflow, node = visit.standing
    return Failure(sentences=sentences, line=line, subflow=subflow, node=node)


def _passed(visit: Visit, flow: str) -> Iterator[Passed]:
    for effect in visit.steps.decided():
        match effect:
            case effects.EnterNode():
                yield effect.subflow or flow, effect.node, ""
            case effects.LeaveNode():
                yield effect.subflow or flow, effect.node, effect.exit
            case _:
                pass
