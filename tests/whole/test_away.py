"""What becomes of callers while there is no engine, once there is one again: taken back, or at least recorded, once."""

import json
import time
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from tests.live.access import access
from tests.sip.phone import Busy, Phone, Rings
from tests.whole import people, records
from tests.whole.engine import Engine, open_folder, redirected, running, until
from tests.whole.people import HOUSE, dial, phone

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres]

STALE_S: Final = 6.0
"""Then the dialplan holds an engine for dead whose heartbeats have ended."""


@pytest.fixture
def missed() -> Iterator[Path]:
    """Give the folder of the Asterisk's missed calls, without those of other tests."""
    folder = access().missed
    _empty(folder)
    yield folder
    _empty(folder)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


@pytest.fixture
def mortal(missed: Path) -> Iterator[Engine]:
    with running(asterisk__0__missed_dir=missed) as engine:
        yield engine


def _waiting() -> AbstractAsyncContextManager[Phone]:
    """Return a telephone that makes the fallback queue worth waiting in, and takes no call."""
    return phone("agent-110", Busy())


async def _queued(count: int) -> None:
    """Wait until so many callers are in the fallback queue."""

    async def is_so() -> bool:
        channels = await people.listed("channels")
        waiting = [each for each in channels if each["dialplan"]["app_name"] == "Queue"]
        return len(waiting) == count

    await until(is_so, 30, lambda: f"{count} in the queue")


async def test_callers_of_an_absent_engine_are_taken_back_by_the_next_one(mortal: Engine) -> None:
    await mortal.said("shipping", within_s=30)
    mortal.kill()
    began = time.time()
    async with _waiting(), dial(HOUSE) as first, dial(HOUSE) as second:
        for call in (first, second):
            await call.hears(people.apology(), within_s=12)
        await _queued(2)
        mortal.start()
        for call in (first, second):
            await call.hears(people.prompt("house-menu"), within_s=40)
    arrivals = records.arrivals(mortal.data)
    assert len(arrivals) == 2
    for arrival in arrivals:
        since = datetime.fromisoformat(arrival["waiting_since_at"]).timestamp()
        assert began - 2 <= since <= began + STALE_S + 2
    assert mortal.lines("caller taken back")
    await people.nothing_left()
    found = await records.shipped(mortal.data, 2)
    assert not records.disagreements(mortal.data, found)


async def test_one_whom_a_phone_rings_for_is_left_to_the_agent(mortal: Engine) -> None:
    mortal.kill()
    async with phone("agent-110", Rings()) as agent, dial(HOUSE) as call:
        await call.hears(people.apology(), within_s=12)
        there = await agent.rung(within_s=30)
        mortal.start()
        await mortal.said("caller taken back", within_s=14)
        agent.pick_up(there)
        await people.talk(call, there)
    assert not records.arrivals(mortal.data)
    await people.nothing_left()


async def test_one_who_gave_up_in_the_fallback_is_recorded_once_whoever_dies(
    mortal: Engine, missed: Path
) -> None:
    await mortal.said("shipping", within_s=30)
    mortal.kill()
    async with _waiting(), dial(HOUSE, number="+905321234567") as call:
        await call.hears(people.apology(), within_s=12)
        await _queued(1)
    await people.nothing_left()
    await until((missed / "missed.log").exists, 5)
    kept = missed / "missed.log"
    (line,) = kept.read_text(encoding="ascii").splitlines()
    assert "5321234567" not in line
    mortal.start()
    await mortal.said("call missed", within_s=20)
    mortal.kill()
    # As if it had died before it noted that it had told.
    _empty(missed)
    kept.write_text(f"{line}\n", encoding="ascii")
    mortal.start()
    await mortal.said("call missed", within_s=20)
    await mortal.ready()
    await until(lambda: not kept.exists(), 10)
    await until(lambda: _is_there(mortal), 20)
    listed = await mortal.run("calls", "list", "--json", "--outcome", "missed")
    (call_row,) = json.loads(listed.out)
    assert (call_row["did"], call_row["caller"]) == (HOUSE, "+90 532 *** ** 67")
    assert call_row["number_id"] is not None
    found = await records.stored(mortal.data)
    assert [event.kind for event in found.events] == ["CallMissed"]
    shown = await mortal.run("calls", "show", "last")
    assert "in the fallback, nobody picked up" in shown.out


async def _is_there(engine: Engine) -> bool:
    return bool((await records.stored(engine.data)).events)


async def test_an_engine_that_cannot_log_in_to_ami_serves_calls_all_the_same() -> None:
    with open_folder() as folder:
        engine = Engine(folder, settings=redirected(folder, ami_password="wrong"))
        engine.start()
        try:
            await engine.ready()
            line = await engine.said("ami not linked")
            assert "refuses the user 'ivrengine', the password, or where we come from" in str(line)
            async with dial(HOUSE, keys="info") as call:
                await call.answered()
                await call.hears(people.prompt("house-menu"), within_s=10)
        finally:
            engine.close()
    await people.nothing_left()
