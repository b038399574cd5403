"""Messages that callers leave and calls that are recorded: what lies in Asterisk's folder, and what the books say of it."""

import asyncio
import dataclasses
from pathlib import Path
from typing import Any, Final

import pytest

from ivrengine.store.database import Database
from tests.live.access import access
from tests.sip import hearing
from tests.sip.call import Call
from tests.sip.g711 import RATE, Samples
from tests.sip.phone import Answers
from tests.whole import people, records
from tests.whole.engine import Engine, until
from tests.whole.people import dial, phone, prompt

pytestmark = [pytest.mark.asterisk, pytest.mark.postgres, pytest.mark.timeout(90)]

MESSAGE: Final = "+902124440151"
RECORDED: Final = "+902124440152"
SPEECH: Final = 600.0
"""Who speaks here hums: a tone is told from all others."""
SECRET: Final = 1209.0
"""Of the keys 1, 4 and 7, as a telephone sounds that sends them as sound."""
WINDOW: Final = RATE // 5
PIN: Final = "4711"
_KEPT: Final = "SELECT kind, retention, duration_s, media FROM recordings WHERE call_id = $1 ORDER BY seq, index"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A recording: what its row says, and what its file holds."""

    kind: str
    retention: str
    duration_s: float
    sound: Samples

    def tone_s(self, hertz: float) -> float:
        """Return for how long it holds a tone, in steps of 0.2 s."""
        windows = (self.sound[at : at + WINDOW] for at in range(0, len(self.sound), WINDOW))
        return sum(hearing.holds_tone(each, hertz) for each in windows) * WINDOW / RATE


def _files(call_id: str) -> list[Path]:
    return sorted((access().root / "var/spool/asterisk/recording").glob(f"ivr-{call_id}-*"))


async def _rows(data: Path, call_id: str) -> list[Any]:
    database = Database(None, data)
    connection = await database.read()
    try:
        return list(await connection.fetch(_KEPT, call_id))
    finally:
        await connection.close()
        await database.close()


async def _kept(engine: Engine, count: int = 1) -> list[Kept]:
    """Return the recordings of the last call, once it has ended and its rows are stored; each has a file, and none has not."""
    call_id = records.last_call(engine.data)
    await records.ended(engine.data, call_id)
    rows: list[Any] = []

    async def is_so() -> bool:
        nonlocal rows
        rows = await _rows(engine.data, call_id)
        return len(rows) >= count

    await until(is_so, records.SHIPPED_WITHIN_S, lambda: rows, every_s=0.2)
    files = {path.stem: path for path in _files(call_id)}
    assert {row["media"] for row in rows} == files.keys()
    return [
        Kept(
            kind=row["kind"],
            retention=row["retention"],
            duration_s=row["duration_s"],
            sound=hearing.read_wav(files[row["media"]]),
        )
        for row in rows
    ]


def _did(engine: Engine, kind: str) -> int:
    """Return how often something was decided in the last call."""
    steps = records.steps_of(engine.data, records.last_call(engine.data))
    return sum(1 for step in steps for _ in step.did(kind))


async def _decided(engine: Engine, kind: str, count: int = 1) -> None:
    """Wait until something was decided, and give it the time to be done."""
    await until(lambda: _did(engine, kind) >= count, 15, lambda: f"{count} {kind}")
    await asyncio.sleep(0.3)


async def _speaks(call: Call, for_s: float, hertz: float = SPEECH) -> None:
    """Speak for a while, as a person does."""
    call.hum(hertz)
    await asyncio.sleep(for_s)
    call.hum(None)


async def test_a_message_is_recorded_again_heard_by_who_left_it_and_kept_when_they_say_so(
    house: Engine,
) -> None:
    async with dial(MESSAGE) as call:
        await call.answered()
        await _decided(house, "StartRecording")
        await _speaks(call, 2.5, SECRET)
        await call.press("#")
        await call.hears(prompt("house-review"), within_s=15)
        await call.press("3")
        await _decided(house, "StartRecording", count=2)
        call.forget()
        await _speaks(call, 2.5)
        await call.hears(prompt("house-review"), within_s=15)  # silence has ended it
        await call.press("2")
        await call.hears_tone(SPEECH, within_s=15)
        await call.press("1")
        await call.hung_up(within_s=15)
    [message] = await _kept(house)
    assert (message.kind, message.retention) == ("voicemail", "messages")
    assert 2 <= message.tone_s(SPEECH) <= 3
    assert not message.tone_s(SECRET), "nothing of what they said first is left"
    assert abs(message.duration_s - len(message.sound) / RATE) < 1.5
    assert _did(house, "DiscardRecording") == 1
    await people.nothing_left()


async def test_who_hangs_up_while_they_speak_has_left_a_message(house: Engine) -> None:
    async with dial(MESSAGE) as call:
        await call.answered()
        await _decided(house, "StartRecording")
        await _speaks(call, 3)
        await call.hang_up()
    [message] = await _kept(house)
    assert message.tone_s(SPEECH) >= 2.5
    assert await records.ended(house.data) == "hung_up"


async def test_who_says_nothing_leaves_neither_a_row_nor_a_file(house: Engine) -> None:
    async with dial(MESSAGE) as call:
        await call.answered()
        await _decided(house, "StartRecording")
        await call.hears(prompt("house-farewell"), within_s=15)
        await call.hung_up(within_s=15)
    assert await _kept(house, count=0) == []


async def test_a_message_goes_on_when_its_engine_dies(house: Engine) -> None:
    async with dial(MESSAGE) as call:
        await call.answered()
        await _decided(house, "StartRecording")
        await _speaks(call, 2.5)
        house.kill()
        house.start()
        await house.ready()
        await _decided(house, "StartRecording", count=2)
        await _speaks(call, 2.5)
        await call.hang_up()
    parts = await _kept(house, count=2)
    assert len(parts) == 2
    assert all(part.tone_s(SPEECH) >= 2 for part in parts)
    await people.nothing_left()


async def test_a_recorded_call_has_both_voices_and_nothing_of_what_is_keyed_in_secret(
    house: Engine,
) -> None:
    loop = asyncio.get_running_loop()
    async with phone("agent-101", Answers(after_s=0.3)) as desk, dial(RECORDED) as call:
        await call.answered()
        began_s = loop.time()
        await call.hears(prompt("house-recorded"))
        await call.hears(prompt("house-menu"))
        await _speaks(call, 2)
        await call.press("1")
        await _decided(house, "PauseRecording")
        paused_s = loop.time()
        await call.hears(prompt("house-number"))
        call.hum(SECRET)
        await call.press(PIN, held_s=0.3, gap_s=0.3)
        call.hum(None)
        agent = await desk.rung()
        missed_s = loop.time() - paused_s
        await agent.answered()
        await people.talk(call, agent)
        await _speaks(call, 1.5, 440)
        await _speaks(agent, 1.5, 700)
        await agent.hang_up()
        await call.hears(prompt("house-farewell"), within_s=15)
        await call.hung_up(within_s=15)
        lasted_s = loop.time() - began_s
    [recorded] = await _kept(house)
    assert (recorded.kind, recorded.retention) == ("call", "calls")
    assert recorded.tone_s(SPEECH) >= 1.4, "what the caller said"
    assert recorded.tone_s(440) >= 1, "and said to the agent"
    assert recorded.tone_s(700) >= 1, "what the agent said"
    assert hearing.match(prompt("house-menu"), recorded.sound).recognised, "what was played to them"
    assert not recorded.tone_s(SECRET)
    assert not hearing.match(prompt("house-number"), recorded.sound).recognised
    length_s = len(recorded.sound) / RATE
    assert length_s < lasted_s - missed_s + 1
    assert abs(recorded.duration_s - length_s) < 1.5
    await people.nothing_left()
