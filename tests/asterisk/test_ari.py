"""Requests: each is done once, though its answer can be lost; refusals say what can be done about them."""

from collections.abc import Awaitable, Callable

import pytest

from ivrengine.asterisk import wire
from ivrengine.core.events import ChannelEnded, Failure, LegAnswered, PlaybackFinished
from ivrengine.core.ids import BridgeId, ChannelId, PlaybackId, RecordingId
from ivrengine.core.switching import RequestRefusedError
from tests.asterisk.fake_ari import NOW, Door, hangs, linked, loses_the_answer, says

pytestmark = pytest.mark.real_time

CHANNEL = ChannelId("ast1:1732213.7")
LEG = ChannelId("ast1:ivr-leg")
PLAYBACK = PlaybackId("ast1:ivr-play")
BRIDGE = BridgeId("ast1:ivr-bridge")
RECORDING = RecordingId("ast1:ivr-rec")
PLAY = ("POST", "/channels/1732213.7/play/ivr-play")


def snapshot(state: str = "Up", app: str = "Stasis") -> dict[str, object]:
    return {"id": "1732213.7", "state": state, "dialplan": {"app_name": app}}


async def play(door: Door) -> None:
    await door.switch.play(CHANNEL, PLAYBACK, ["sound:a", "sound:b"])


async def dial(door: Door, endpoint: str = "PJSIP/agent-101", shown: str | None = None) -> None:
    await door.switch.dial(LEG, endpoint, ring_timeout_s=20.5, caller_id=shown)


async def test_a_prompt_whose_answer_was_lost_plays_once() -> None:
    async with linked() as door:
        door.fake.reply(*PLAY, loses_the_answer, says(201))
        door.fake.reply("GET", "/playbacks/ivr-play", says(200, {"id": "ivr-play"}))
        await play(door)
        assert door.fake.commands() == [PLAY, ("GET", "/playbacks/ivr-play")]


async def test_a_prompt_that_never_arrived_is_sent_again() -> None:
    async with linked() as door:
        door.fake.reply(*PLAY, loses_the_answer, says(201))
        await play(door)
        assert door.fake.commands() == [PLAY, ("GET", "/playbacks/ivr-play"), PLAY]


async def test_a_prompt_that_ended_before_its_answer_was_missed_is_not_sent_again() -> None:
    finished = {"type": "PlaybackFinished", "playback": {"id": "ivr-play", "state": "done"}}
    async with linked() as door:

        async def plays_and_loses_the_answer(request: object) -> object:
            await door.fake.send(finished)
            await door.heard(2)
            return await loses_the_answer(request)  # type: ignore[arg-type]

        door.fake.reply(*PLAY, plays_and_loses_the_answer)
        await play(door)
        assert door.fake.commands() == [PLAY]
        assert isinstance(door.told[-1], PlaybackFinished)


async def test_a_command_that_timed_out_is_never_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "REQUEST_LIMIT_S", 0.1)
    async with linked() as door:
        door.fake.reply(*PLAY, hangs)
        with pytest.raises(RequestRefusedError) as refused:
            await play(door)
        assert refused.value.failure is Failure.UNAVAILABLE
        assert door.fake.commands().count(PLAY) == 1


LOST: dict[str, tuple[Callable[[Door], Awaitable[None]], tuple[str, str], str, object, object]] = {
    "answer": (
        lambda door: door.switch.answer(CHANNEL),
        ("POST", "/channels/1732213.7/answer"),
        "/channels/1732213.7",
        snapshot(),
        snapshot(state="Ring"),
    ),
    "send_to_fallback": (
        lambda door: door.switch.send_to_fallback(CHANNEL),
        ("POST", "/channels/1732213.7/continue"),
        "/channels/1732213.7",
        snapshot(app="Playback"),
        snapshot(),
    ),
    "add_to_bridge": (
        lambda door: door.switch.add_to_bridge(BRIDGE, [CHANNEL]),
        ("POST", "/bridges/ivr-bridge/addChannel"),
        "/bridges/ivr-bridge",
        {"id": "ivr-bridge", "channels": ["1732213.7", "other"]},
        {"id": "ivr-bridge", "channels": ["other"]},
    ),
    "remove_from_bridge": (
        lambda door: door.switch.remove_from_bridge(BRIDGE, [CHANNEL]),
        ("POST", "/bridges/ivr-bridge/removeChannel"),
        "/bridges/ivr-bridge",
        {"id": "ivr-bridge", "channels": ["other"]},
        {"id": "ivr-bridge", "channels": ["1732213.7"]},
    ),
    "start_recording": (
        lambda door: door.switch.start_recording(RECORDING, CHANNEL, limit_s=5),
        ("POST", "/channels/1732213.7/record"),
        "/recordings/live/ivr-rec",
        {"name": "ivr-rec"},
        None,
    ),
    "stop_recording": (
        lambda door: door.switch.stop_recording(RECORDING),
        ("POST", "/recordings/live/ivr-rec/stop"),
        "/recordings/live/ivr-rec",
        None,
        {"name": "ivr-rec"},
    ),
}


@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("was_done", [True, False])
async def test_a_lost_answer_is_looked_for_before_the_command_is_repeated(
    name: str, was_done: bool
) -> None:
    act, command, look, done, undone = LOST[name]
    found = done if was_done else undone
    async with linked() as door:
        door.fake.reply(*command, loses_the_answer, says(204))
        door.fake.reply("GET", look, says(404) if found is None else says(200, found))
        await act(door)
        assert door.fake.commands() == [command, ("GET", look), *([] if was_done else [command])]


async def test_a_phone_is_never_dialled_twice() -> None:
    async with linked() as door:
        door.fake.reply("POST", "/channels/ivr-leg", loses_the_answer, says(200))
        with pytest.raises(RequestRefusedError) as refused:
            await dial(door)
        assert refused.value.failure is Failure.UNAVAILABLE
        assert door.fake.commands() == [("POST", "/channels/ivr-leg"), ("GET", "/channels/ivr-leg")]


async def test_a_phone_that_rings_though_the_answer_was_lost_is_dialled() -> None:
    async with linked() as door:
        door.fake.reply("POST", "/channels/ivr-leg", loses_the_answer)
        door.fake.reply("GET", "/channels/ivr-leg", says(200, {"id": "ivr-leg"}))
        await dial(door)


async def test_a_phone_that_was_busy_before_the_answer_came_was_dialled() -> None:
    destroyed = {
        "type": "ChannelDestroyed",
        "cause": 17,
        "channel": {"id": "ivr-leg", "state": "Ringing"},
    }
    async with linked() as door:

        async def is_busy(request: object) -> object:
            await door.fake.send(destroyed)
            await door.heard(2)
            return await loses_the_answer(request)  # type: ignore[arg-type]

        door.fake.reply("POST", "/channels/ivr-leg", is_busy)
        await dial(door)
        ended = door.told[-1]
        assert isinstance(ended, ChannelEnded)
        assert ended.cause == 17


async def test_a_phone_can_be_picked_up_before_the_request_to_dial_it_is_answered() -> None:
    entered = {
        "type": "StasisStart",
        "args": ["leg"],
        "channel": {"id": "ivr-leg", "state": "Up"},
    }
    async with linked() as door:

        async def rings_and_is_answered(_request: object) -> object:
            await door.fake.send(entered)
            await door.heard(2)
            return says(200)(_request)  # type: ignore[arg-type]

        door.fake.reply("POST", "/channels/ivr-leg", rings_and_is_answered)
        await dial(door)
        assert door.told[1:] == [LegAnswered(at=NOW, channel_id=LEG)]


async def test_a_dialled_phone_gets_all_that_asterisk_must_know() -> None:
    shown = '"+90 532 *** ** 67" <+902124440101>'
    async with linked() as door:
        await dial(door, shown=shown)
        (asked,) = [each for each in door.fake.asked if each.method == "POST"]
        assert asked.query == {
            "endpoint": "PJSIP/agent-101",
            "app": "ivrengine",
            "appArgs": "leg",
            "callerId": shown,
            "timeout": "21",
        }


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("PJSIP/a&Local/900123@outbound", None),
        ("PJSIP/a\r\nX: y", None),
        ("PJSIP/", None),
        ("agent-101", None),
        ("PJSIP/agent-101", '"x" <1>\r\nEvil: 1'),
        ("PJSIP/agent-101", '"a"b" <1>'),
    ],
)
async def test_what_is_no_endpoint_or_caller_id_never_leaves_the_door(
    endpoint: str, shown: str | None
) -> None:
    async with linked() as door:
        with pytest.raises(RequestRefusedError) as refused:
            await dial(door, endpoint, shown)
        assert refused.value.failure is Failure.REFUSED
        assert door.fake.commands() == []


@pytest.mark.parametrize("media", [[], ["nonsense"], ["sound:a,sound:b"], ["sound:a b"]])
async def test_media_that_asterisk_would_never_finish_are_refused(media: list[str]) -> None:
    async with linked() as door:
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.play(CHANNEL, PLAYBACK, media)
        assert refused.value.failure is Failure.REFUSED
        assert door.fake.commands() == []


@pytest.mark.parametrize("kind", ["hang_up", "stop_playback", "destroy_bridge", "stop_music"])
async def test_a_delete_whose_answer_was_lost_is_repeated_and_gone_means_done(kind: str) -> None:
    paths: dict[str, tuple[str, Callable[[Door], Awaitable[None]]]] = {
        "hang_up": ("/channels/1732213.7", lambda door: door.switch.hang_up(CHANNEL)),
        "stop_playback": (
            "/playbacks/ivr-play",
            lambda door: door.switch.stop_playback(PLAYBACK),
        ),
        "destroy_bridge": (
            "/bridges/ivr-bridge",
            lambda door: door.switch.destroy_bridge(BRIDGE),
        ),
        "stop_music": (
            "/channels/1732213.7/moh",
            lambda door: door.switch.stop_music(CHANNEL),
        ),
    }
    path, act = paths[kind]
    async with linked() as door:
        door.fake.reply("DELETE", path, loses_the_answer, says(404, {"message": "not found"}))
        await act(door)
        assert door.fake.commands() == [("DELETE", path)] * 2


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (400, Failure.REFUSED),
        (401, Failure.UNAVAILABLE),
        (404, Failure.GONE),
        (409, Failure.NOT_READY),
        (412, Failure.NOT_READY),
        (422, Failure.NOT_READY),
        (500, Failure.REFUSED),
        (503, Failure.UNAVAILABLE),
        (302, Failure.REFUSED),
    ],
)
async def test_a_refusal_says_what_can_be_done_about_it(status: int, failure: Failure) -> None:
    async with linked() as door:
        door.fake.reply("DELETE", "/channels/1732213.7", says(status, {"message": "because"}))
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.hang_up(CHANNEL)
        assert refused.value.failure is failure
        assert refused.value.detail == f"{status} because"
        assert door.meter.requests[-1] == ("channels.hangup", failure.value)


async def test_a_bridge_of_which_only_the_last_snapshot_is_left_is_gone() -> None:
    async with linked() as door:
        outlived = says(409, {"message": "Bridge not in Stasis application"})
        door.fake.reply("DELETE", "/bridges/ivr-bridge", outlived)
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.destroy_bridge(BRIDGE)
        assert refused.value.failure is Failure.GONE


async def test_a_refusal_of_garbage_is_a_refusal() -> None:
    async with linked() as door:
        door.fake.reply("DELETE", "/channels/1732213.7", says(500, ["\x1b[2J" * 1000]))
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.hang_up(CHANNEL)
        assert refused.value.detail == "500"


async def test_a_bridge_that_is_there_already_is_as_good_as_created() -> None:
    async with linked() as door:
        door.fake.reply("POST", "/bridges/ivr-bridge", says(409, {"message": "already exists"}))
        await door.switch.create_bridge(BRIDGE)
        (asked,) = [each for each in door.fake.asked if each.method == "POST"]
        assert asked.query == {"type": "mixing,dtmf_events"}


async def test_a_channel_that_is_not_there_is_gone_for_a_bridge() -> None:
    async with linked() as door:
        path = "/bridges/ivr-bridge/addChannel"
        door.fake.reply("POST", path, says(400, {"message": "Channel not found"}))
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.add_to_bridge(BRIDGE, [CHANNEL, LEG])
        assert refused.value.failure is Failure.GONE
        (asked,) = [each for each in door.fake.asked if each.path == path]
        assert asked.query == {"channel": "1732213.7,ivr-leg"}


async def test_a_bridge_of_ours_is_recorded_as_one() -> None:
    async with linked() as door:
        door.fake.reply("GET", "/bridges/ivr-bridge", says(200, {"id": "ivr-bridge"}))
        await door.switch.start_recording(RECORDING, BRIDGE, limit_s=0.5)
        asked = door.fake.asked[-1]
        assert (asked.method, asked.path) == ("POST", "/bridges/ivr-bridge/record")
        assert asked.query["maxDurationSeconds"] == "1"


async def test_a_leg_of_ours_is_recorded_as_a_channel() -> None:
    async with linked() as door:
        await door.switch.start_recording(RECORDING, LEG, limit_s=5)
        assert door.fake.commands()[-1] == ("POST", "/channels/ivr-leg/record")


async def test_a_playback_that_we_stop_is_not_completed_whatever_asterisk_says() -> None:
    finished = {"type": "PlaybackFinished", "playback": {"id": "ivr-play", "state": "done"}}
    async with linked() as door:
        await play(door)
        await door.switch.stop_playback(PLAYBACK)
        await door.fake.send(finished)
        told = (await door.heard(2))[-1]
        assert isinstance(told, PlaybackFinished)
        assert not told.completed


async def test_a_playback_that_was_over_when_we_stopped_it_is_completed() -> None:
    finished = {"type": "PlaybackFinished", "playback": {"id": "ivr-play", "state": "done"}}
    async with linked() as door:
        door.fake.reply("DELETE", "/playbacks/ivr-play", says(404))
        with pytest.raises(RequestRefusedError):
            await door.switch.stop_playback(PLAYBACK)
        await door.fake.send(finished)
        told = (await door.heard(2))[-1]
        assert isinstance(told, PlaybackFinished)
        assert told.completed


async def test_a_channel_that_no_flow_serves_is_handed_to_the_fallback() -> None:
    strange = {"type": "StasisStart", "args": ["who knows"], "channel": {"id": "1732213.9"}}
    async with linked() as door:
        await door.fake.send(strange)
        path = "/channels/1732213.9/continue"
        await door.until(lambda: ("POST", path) in door.fake.commands())
        assert door.meter.drops == ["stranded"]
        (asked,) = [each for each in door.fake.asked if each.path == path]
        assert asked.query == {"context": "ivrengine-fallback", "extension": "s", "priority": "1"}
        assert len(door.told) == 1


async def test_requests_before_the_first_link_are_unavailable() -> None:
    async with linked() as door:
        fresh = Door(door.fake)
        for request in (fresh.switch.hang_up(CHANNEL), dial(fresh)):
            with pytest.raises(RequestRefusedError) as refused:
                await request
            assert refused.value.failure is Failure.UNAVAILABLE
