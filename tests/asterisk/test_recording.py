"""Recording calls: no channel is left listening, and nothing is played that would never end."""

import pytest

from ivrengine.asterisk import recording
from ivrengine.core.events import Failure
from ivrengine.core.ids import ChannelId, PlaybackId, RecordingId
from ivrengine.core.switching import RequestRefusedError
from tests.asterisk import raw
from tests.asterisk.fake_ari import Door, linked, loses_the_answer, says

pytestmark = pytest.mark.real_time

CHANNEL = ChannelId("ast1:1732213.7")
MONITOR = ChannelId("ast1:ivr-mon")
RECORDING = RecordingId("ast1:ivr-rec")
PLAYBACK = PlaybackId("ast1:ivr-play")
SNOOP = ("POST", "/channels/1732213.7/snoop/ivr-mon")
RECORD = ("POST", "/channels/ivr-mon/record")


@pytest.fixture(autouse=True)
def _nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "READY_S", 0.01)


async def monitor(door: Door) -> None:
    await door.switch.monitor(RECORDING, MONITOR, CHANNEL, limit_s=60)


async def test_a_monitor_whose_event_is_lost_records_all_the_same() -> None:
    async with linked() as door:
        await monitor(door)
        assert door.fake.commands() == [SNOOP, RECORD]


async def test_a_monitor_whose_answer_was_lost_is_looked_for_and_not_made_twice() -> None:
    async with linked() as door:
        door.fake.reply(*SNOOP, loses_the_answer)
        door.fake.reply("GET", "/channels/ivr-mon", says(200, raw.channel("ivr-mon")))
        await monitor(door)
        assert door.fake.commands() == [SNOOP, ("GET", "/channels/ivr-mon"), RECORD]


async def test_a_monitor_that_cannot_record_does_not_stay() -> None:
    async with linked() as door:
        door.fake.reply("POST", "/channels/ivr-mon/record", says(409))
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.monitor(RECORDING, MONITOR, CHANNEL, limit_s=60)
        assert refused.value.failure is Failure.NOT_READY
        assert door.fake.commands() == [
            ("POST", "/channels/1732213.7/snoop/ivr-mon"),
            ("POST", "/channels/ivr-mon/record"),
            ("DELETE", "/channels/ivr-mon"),
        ]


async def test_a_recording_that_is_not_there_is_not_played() -> None:
    async with linked() as door:
        door.fake.reply("GET", "/recordings/stored/ivr-gone", says(404))
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.play(CHANNEL, PLAYBACK, ["recording:ivr-gone", "sound:a"])
        assert refused.value.failure is Failure.REFUSED
        assert door.fake.commands() == [("GET", "/recordings/stored/ivr-gone")]
