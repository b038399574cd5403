"""Every node type, in dialogues that are played twice: on the simulator and, with ears, on the real Asterisk; they must agree."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from ivrengine.flow.book import Book
from ivrengine.flow.load import load_folder
from ivrengine.flow.model import AnyNode
from ivrengine.numbers.normal import mask
from ivrengine.prompts import speech
from ivrengine.sim.clock import run_virtual
from ivrengine.store.database import Database
from ivrengine.testing import reading
from ivrengine.testing.given import Replies
from ivrengine.testing.playing import ground_of
from tests.whole import people, records
from tests.whole.dialogue import Decided, Simulated, course_of, simulated
from tests.whole.engine import READY_WITHIN_S, Engine
from tests.whole.on_the_line import Voices, call_angrily, play
from tests.whole.other_system import (
    FOLDER,
    WRITTEN_PORT,
    on_stage,
    port,
    replies_of,
    serving,
)

_ANGRY: Final = (
    *(("+902124440160", ""), ("+902124440162", ""), ("+902124440163", ""), ("+902124440165", "")),
    *(("+902124440161", keys) for keys in ("", "1", "2", "3", "1789#*#99", "27391#2", "3#")),
    *(("+902124440164", keys) for keys in ("2", "3")),
)
"""Numbers, and what is keyed in there at once, whatever is being said: together they come to every kind of node."""
_ANGRY_NUMBER: Final = "+905321001099"
_PATIENCE_S: Final = (0.3, 2.5, 5.5)
_AT_ONCE: Final = 9
"""Callers who talk at the same time: each hears fifty packets a second, and listens hard."""
_TABLES: Final[Mapping[str, str]] = {
    "SendMessage": "SELECT text FROM messages WHERE call_id = $1 ORDER BY seq, index",
    "SetAttribute": "SELECT name FROM call_attributes WHERE call_id = $1 ORDER BY seq, index",
    "KeepAnswer": "SELECT score FROM survey_answers WHERE call_id = $1 ORDER BY seq, index",
    "KeepRecording": "SELECT kind FROM recordings WHERE call_id = $1 ORDER BY seq, index",
}
_COLUMNS: Final[Mapping[str, str]] = {
    "SendMessage": "text",
    "SetAttribute": "name",
    "KeepAnswer": "score",
    "KeepRecording": "kind",
}


@cache
def _book() -> Book:
    book, problems = load_folder(FOLDER)
    assert not problems
    return book


@pytest.fixture(scope="module")
def rehearsed() -> Sequence[Simulated]:
    """Every dialogue, played on the simulator; the longest come first."""
    scripts, problems = reading.read_scripts(reading.script_files(FOLDER), _book())
    assert not problems
    ground = ground_of(_book(), FOLDER)

    async def all_of_them() -> list[Simulated]:
        return [await simulated(script, ground) for script in scripts]

    return sorted(run_virtual(all_of_them()), key=_length, reverse=True)


def _length(each: Simulated) -> int:
    return sum(len(heard.text) for heard in each.heard)


def test_every_node_type_has_its_part_in_a_dialogue(rehearsed: Sequence[Simulated]) -> None:
    known = {
        get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(AnyNode)[0])
    }
    assert set().union(*(each.node_types for each in rehearsed)) == known


def test_dialogues_go_as_they_are_written_on_the_simulator(rehearsed: Sequence[Simulated]) -> None:
    assert [(each.script.name, each.wrong) for each in rehearsed if each.wrong] == []


@pytest.fixture(scope="module")
def voices(rehearsed: Sequence[Simulated]) -> Voices:
    """All that is heard in the dialogues, made before any call: nobody waits for the words of all others."""

    async def made() -> Voices:
        voices = Voices(_book(), FOLDER / "recordings", await speech.choose(stand_in=False))
        for each in rehearsed:
            for heard in each.heard:
                await voices.sound(each.script.flow.brand, heard)
        return voices

    return asyncio.run(made())


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine on the flows of the dialogues."""
    with on_stage() as engine:
        yield engine


@pytest.mark.asterisk
@pytest.mark.postgres
@pytest.mark.timeout(240)
async def test_callers_hear_and_leave_behind_on_asterisk_what_they_do_on_the_simulator(
    engine: Engine, voices: Voices, rehearsed: Sequence[Simulated]
) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def play_one(each: Simulated) -> None:
        async with turns:
            phones = _book().brands[each.script.flow.brand].phones
            await play(each, voices, {name: phone.endpoint for name, phone in phones.items()})

    async with serving(replies_of(each.script for each in rehearsed)) as other:
        ends = await asyncio.gather(*map(play_one, rehearsed), return_exceptions=True)
    assert _gone_wrong(engine, rehearsed, ends) == {}
    calls = _calls(engine, len(rehearsed))
    for each in rehearsed:
        await records.ended(engine.data, calls[mask(each.script.given.number)])
    await people.nothing_left()
    for each in rehearsed:
        call_id = calls[mask(each.script.given.number)]
        course = course_of(records.steps_of(engine.data, call_id))
        assert _as_written(course.did) == list(each.course.did), each.script.name
        assert (course.path, course.outcome) == (each.course.path, each.course.outcome)
    assert sorted(map(str, other.told)) == sorted(
        str(fields["body"])
        for each in rehearsed
        for kind, fields in each.course.did
        if kind == "Submit"
    )
    await engine.said("shipping", within_s=READY_WITHIN_S)
    await records.shipped(engine.data, len(calls))
    assert await _kept(engine.data, calls, rehearsed) == {
        each.script.name: [
            (kind, fields.get(_COLUMNS[kind]))
            for kind in _TABLES
            for did, fields in each.course.did
            if did == kind
        ]
        for each in rehearsed
    }
    assert not engine.told_people()


@pytest.mark.asterisk
@pytest.mark.postgres
@pytest.mark.timeout(120)
@pytest.mark.usefixtures("voices")
async def test_callers_who_key_in_anything_and_hang_up_anywhere_leave_nothing_behind(
    engine: Engine,
) -> None:
    before = len(records.arrivals(engine.data))
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(did: str, keys: str, patience_s: float) -> None:
        async with turns:
            await call_angrily(did, _ANGRY_NUMBER, keys, patience_s)

    replies = {mask(_ANGRY_NUMBER): {"look-up": Replies(status=404, after_s=1.5)}}
    async with serving(replies), asyncio.TaskGroup() as callers:
        for did, keys in _ANGRY:
            for patience_s in _PATIENCE_S:
                callers.create_task(one(did, keys, patience_s))
    await people.nothing_left()
    calls = [each.call_id for each in records.journaled(engine.data) if each.kind == "CallArrived"]
    assert len(calls) == before + len(_ANGRY) * len(_PATIENCE_S)
    ends = {call_id: await records.ended(engine.data, call_id) for call_id in calls[before:]}
    assert not {
        call_id: (end, [step.kind for step in records.steps_of(engine.data, call_id)])
        for call_id, end in ends.items()
        if end not in {"hung_up", "completed"}
    }
    await engine.said("shipping", within_s=READY_WITHIN_S)
    assert not records.disagreements(engine.data, await records.shipped(engine.data, len(calls)))
    assert not engine.lines("call failed")
    assert not engine.told_people()


def _gone_wrong(
    engine: Engine, rehearsed: Sequence[Simulated], ends: Sequence[BaseException | None]
) -> dict[str, str]:
    """Return for each dialogue that went otherwise why, and its way through the flow."""
    calls = _calls(engine, len(rehearsed))
    return {
        each.script.name: f"{_first(end)}, after {records.path_of(engine.data, call_id)}"
        for each, end in zip(rehearsed, ends, strict=True)
        for call_id in [calls[mask(each.script.given.number)]]
        if end is not None
    }


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _calls(engine: Engine, count: int) -> Mapping[str, str]:
    """Return the calls' ids by their callers' masks; each script has a caller of its own."""
    arrived = [each for each in records.journaled(engine.data) if each.kind == "CallArrived"]
    calls = {each.fields["caller"]["mask"]: each.call_id for each in arrived}
    assert len(calls) == len(arrived) == count
    return calls


def _as_written(did: Sequence[Decided]) -> list[Decided]:
    """Return effects with the address that stands in the flow's file."""
    return [
        (kind, {**fields, "url": fields["url"].replace(f":{port()}/", f":{WRITTEN_PORT}/")})
        if "url" in fields
        else (kind, fields)
        for kind, fields in did
    ]


async def _kept(
    data: Path, calls: Mapping[str, str], rehearsed: Sequence[Simulated]
) -> dict[str, list[tuple[str, Any]]]:
    """Return what the tables hold of each call, in the order of its effects."""
    database = Database(None, data)
    connection = await database.read()
    try:
        return {
            each.script.name: [
                row
                for kind, statement in _TABLES.items()
                for row in [
                    (kind, value[0])
                    for value in await connection.fetch(
                        statement, calls[mask(each.script.given.number)]
                    )
                ]
            ]
            for each in rehearsed
        }
    finally:
        await connection.close()
        await database.close()
