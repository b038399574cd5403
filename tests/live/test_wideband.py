"""Phones that speak G.722 hear prompts at 16 kHz: of the forms of a prompt Asterisk takes that one for them."""

from pathlib import Path
from typing import Final

import pytest

from ivrengine.flow.source import wav
from ivrengine.prompts import convert
from tests.live.access import access
from tests.live.ari import Ari
from tests.live.people import agent
from tests.prompts.sounds import tone
from tests.sip.rtp import G722

pytestmark = pytest.mark.asterisk

FOLDER: Final = "wideband"
PITCH_HZ: Final = 6000
"""What a telephone of 8 kHz cannot carry."""
_STEPS: Final = (798, -214, 798, -214)
"""How the step of the upper band grows and shrinks, by the two bits that a code has for it (ITU-T G.722, table 13 and 4.7.2)."""


def upper_band(codes: bytes) -> float:
    """Return how loud it is above 4 kHz, as the decoder reckons it: the mean of its logarithmic step, 0 to 22,528."""
    step, total = 0, 0
    for code in codes:
        step = max(0, min(22528, (step * 127 >> 7) + _STEPS[code >> 6]))
        total += step
    return total / len(codes)


def _made(folder: Path) -> None:
    """Make the prompt ``wide`` in all forms, and ``narrow`` without that of 16 kHz."""
    folder.mkdir(exist_ok=True)
    wav.write(folder / "source", tone(PITCH_HZ, rate_hz=22050, seconds=1.5))
    for name in ("wide", "narrow"):
        convert.convert(folder / "source", folder / name)
    (folder / f"narrow{convert.WIDE}").unlink()


async def _hear(ari: Ari, name: str) -> bytes:
    """Return what a phone of G.722 hears of a prompt."""
    async with agent() as phone:
        phone.takes = (G722,)
        await ari.post("channels", channelId=name, endpoint="PJSIP/agent-101", app="ivrengine")
        await ari.of(name, "StasisStart")
        media = f"sound:{access().prompts_as_seen}/{FOLDER}/{name}"
        await ari.post(f"channels/{name}/play/p-{name}", media=media)
        await ari.playback(f"p-{name}", "PlaybackFinished")
        heard = phone.calls[-1].voice.wideband
        await ari.delete(f"channels/{name}")
        return heard


async def test_a_wideband_phone_hears_what_a_telephone_could_not() -> None:
    _made(access().prompts / FOLDER)
    async with Ari.connect(access()) as ari:
        wide, narrow = await _hear(ari, "wide"), await _hear(ari, "narrow")
    assert len(wide) > 8000
    assert len(narrow) > 8000
    assert upper_band(wide) > 4 * upper_band(narrow) + 1000, (upper_band(wide), upper_band(narrow))
