"""After calls, no file of this Asterisk holds a full number or a key that was pressed: all of them are searched."""

import asyncio
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.live.access import access, console
from tests.live.ari import Ari
from tests.live.people import agent, caller, carrier
from tests.sip.phone import Answers

pytestmark = pytest.mark.asterisk

NUMBER: Final = "+905304857261"
"""Used by no other test."""
MASKED: Final = "+90530*****61"
TELLING: Final = re.compile(rb"4857261|5304857|DTMF|dtmf end|ChannelDtmf", re.IGNORECASE)
"""Any seven digits in a row of the number, or any line that tells of keys."""
KEYS: Final = "8305827461"
LINES: Final = re.compile(rb"^1\|\d+\|(?:fallback|lost)\|", re.MULTILINE)
"""What is written of a call that the engine did not see: the number is sealed in there."""
FOLDERS: Final = ("var/log", "var/spool", "var/lib/asterisk", "run", "tmp", "root", "dev/shm")


def _written() -> Iterator[Path]:
    """Yield every file that Asterisk could have written to, and what it said while starting."""
    yield Path(f"{access().root}.out")
    for folder in FOLDERS:
        for where, _, names in os.walk(access().root / folder):
            paths = (Path(where, name) for name in names)
            yield from (path for path in paths if path.is_file() and not path.is_symlink())


def _holding(pattern: re.Pattern[bytes]) -> list[str]:
    return [str(path) for path in _written() if pattern.search(path.read_bytes())]


async def _through_the_engine() -> None:
    async with Ari.connect(access()) as ari, caller(number=NUMBER) as call, carrier(Answers()):
        channel = (await ari.arrival())["channel"]["id"]
        await ari.post(f"channels/{channel}/answer")
        await call.answered()
        await call.press(KEYS, held_s=0.08, gap_s=0.06)
        await ari.digits(channel, len(KEYS))
        leg = {"endpoint": f"PJSIP/{NUMBER}@trunk-out", "callerId": NUMBER}
        await ari.post("channels", app="ivrengine", channelId="ivr-leg", **leg)
        await ari.of("ivr-leg", "StasisStart")
        await ari.post("channels/ivr-leg/dtmf", dtmf=KEYS, duration=80, between=60)


async def _through_the_fallback(*, keys: str) -> None:
    async with agent(behaviour=Answers()) as phone, caller(number=NUMBER, keys=keys) as call:
        await call.answered()
        there = await phone.rung(within_s=30)
        await there.answered()
        call.hum(440)
        await there.hears_tone(440)  # connected: a key pressed before is the queue's
        await call.press(KEYS, held_s=0.08, gap_s=0.06)
        await there.hears_keys(KEYS)


async def _refused() -> None:
    """A number that is not ours, and a caller from an address that nobody knows."""
    async with caller("nobody", number=NUMBER) as call:
        await call.refused()
    async with caller(number=NUMBER, source="127.0.0.9") as call:
        await call.refused()


async def test_no_file_holds_a_full_number_or_a_key() -> None:
    await _through_the_engine()
    await _through_the_fallback(keys="rfc4733")
    await _through_the_fallback(keys="info")
    await _refused()
    async with caller(number=NUMBER) as call:  # abandons in the apology
        await call.answered()
    await _in_the_hands_of_a_dead_engine()
    await asyncio.to_thread(_flushed)
    assert _holding(re.compile(re.escape(MASKED).encode())), "the search looks at the wrong files"
    assert str(access().missed / "missed.log") in _holding(LINES)
    assert _holding(TELLING) == []
    assert _holding(re.compile(KEYS.encode())) == []


async def _in_the_hands_of_a_dead_engine() -> None:
    async with Ari.connect(access(), alive=False) as ari:
        await ari.announce()
        async with caller(number=NUMBER):
            channel = (await ari.arrival())["channel"]["id"]
            await ari.announce(age_s=60)
        await ari.of(channel, "StasisEnd")


def _flushed() -> None:
    """Make Asterisk write what it still holds: its console answers only after its logger was told to."""
    console("logger rotate")
    assert "4857261" not in console("database show")


def test_what_is_logged_is_what_the_configuration_says() -> None:
    shown = console("logger show channels").splitlines()
    files = {line.split()[0]: line.split("-")[-1].split() for line in shown if " File " in line}
    assert files == {"/var/log/asterisk/messages.log": ["WARNING", "ERROR"]}
    for kind in ("cdr", "cel"):
        assert "Disabled" in console(f"{kind} show status")
