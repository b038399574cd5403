"""Every node type, in dialogues that are played twice: on the simulator and, with ears, on the real Asterisk; they must agree."""

import asyncio
import shutil
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
from ivrengine.testing.playing import ground_of
from tests.live.access import instance
from tests.whole import people, records
from tests.whole.dialogue import Decided, Simulated, course_of, simulated
from tests.whole.engine import Engine, open_folder, running
from tests.whole.on_the_line import Voices, play
from tests.whole.other_system import serving

FOLDER: Final = Path(__file__).parent / "dialogues"
_WRITTEN_PORT: Final = 8099
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
    """Every dialogue, played on the simulator."""
    scripts, problems = reading.read_scripts(reading.script_files(FOLDER), _book())
    assert not problems
    ground = ground_of(_book(), FOLDER)

    async def all_of_them() -> list[Simulated]:
        return [await simulated(script, ground) for script in scripts]

    return run_virtual(all_of_them())


def test_every_node_type_has_its_part_in_a_dialogue(rehearsed: Sequence[Simulated]) -> None:
    known = {
        get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(get_args(AnyNode)[0])
    }
    assert set().union(*(each.node_types for each in rehearsed)) == known


def test_dialogues_go_as_they_are_written_on_the_simulator(rehearsed: Sequence[Simulated]) -> None:
    assert [(each.script.name, each.wrong) for each in rehearsed if each.wrong] == []


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """An engine on the flows of the dialogues, whose other system has the port of this instance."""
    with open_folder() as folder:
        flows = folder / "flows"
        shutil.copytree(FOLDER, flows)
        inquiries = flows / "inquiries.yaml"
        text = inquiries.read_text(encoding="utf-8")
        assert f":{_WRITTEN_PORT}/" in text
        inquiries.write_text(text.replace(f":{_WRITTEN_PORT}/", f":{_port()}/"), encoding="utf-8")
        allowed = f'["http://localhost:{_port()}"]'
        with running(flows=flows, http__allow=allowed) as engine:
            yield engine


def _port() -> int:
    """Return where the other system listens: tests of several instances run side by side."""
    return _WRITTEN_PORT + 100 * (int(instance()) - 1)


@pytest.mark.asterisk
@pytest.mark.postgres
@pytest.mark.timeout(240)
async def test_callers_hear_and_leave_behind_on_asterisk_what_they_do_on_the_simulator(
    engine: Engine, rehearsed: Sequence[Simulated]
) -> None:
    voices = Voices(_book(), FOLDER / "recordings", await speech.choose(stand_in=False))
    for each in rehearsed:  # so that nobody's call waits for the words of all others
        for heard in each.heard:
            await voices.sound(each.script.flow.brand, heard)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def play_one(each: Simulated) -> None:
        async with turns:
            phones = _book().brands[each.script.flow.brand].phones
            await play(each, voices, {name: phone.endpoint for name, phone in phones.items()})

    async with serving([each.script for each in rehearsed], _port()) as other:
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
        (kind, {**fields, "url": fields["url"].replace(f":{_port()}/", f":{_WRITTEN_PORT}/")})
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
