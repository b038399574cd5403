"""What the simulator promises about the order of events, on scenes that hypothesis makes up."""

import asyncio
import contextlib
import dataclasses
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core import events, switching
from ivrengine.core.ids import BridgeId, ChannelId, PlaybackId, RecordingId
from ivrengine.core.switching import RequestRefusedError, SwitchEvent
from ivrengine.sim.caller import Caller
from ivrengine.sim.clock import run_virtual
from ivrengine.sim.faults import Faults
from ivrengine.sim.phones import Answers, Phone
from ivrengine.sim.switch import Delays, SimSwitch
from tests.sim.stage import DID, MENU, WELCOME, Stage

Id = TypeVar("Id", PlaybackId, RecordingId)
PEOPLE = 3
PHONE = "PJSIP/agent-101"
DELAYS = Delays(event_s=0.02, request_s=0.02)

SCENES = st.lists(
    st.tuples(
        st.sampled_from(
            (
                *("call", "answer", "play", "stop", "press", "caller leaves", "hang up"),
                *("fallback", "dial", "join", "leave", "destroy", "record", "stop recording"),
            )
        ),
        st.integers(0, PEOPLE - 1),
        st.sampled_from((0.0, 0.0, 0.001, 0.01, 0.3, 2.5)),
    ),
    max_size=40,
)


class Scene:
    """Plays what hypothesis made up; requests overlap, for nobody waits for their answers."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.channels: list[ChannelId] = []
        self.serial = 0
        self.requests: list[asyncio.Task[None]] = []
        self.callers: list[Caller] = []

    async def play(self, scene: list[tuple[str, int, float]]) -> None:
        for action, who, wait_s in scene:
            if action == "call" or not self.channels:
                caller = self.stage.switch.call(DID)
                assert caller.channel is not None
                self.callers.append(caller)
                self.channels.append(caller.channel.channel_id)
            else:
                self.requests.append(asyncio.create_task(self.act(action, who)))
            await asyncio.sleep(wait_s)
        await asyncio.gather(*self.requests)

    async def act(self, action: str, who: int) -> None:
        self.serial += 1
        with contextlib.suppress(RequestRefusedError):
            await self.actions(who, self.serial)[action]()

    def actions(self, who: int, serial: int) -> dict[str, Callable[[], Awaitable[None]]]:
        switch = self.stage.switch
        channel_id = self.channels[who % len(self.channels)]
        bridge_id = BridgeId(f"sim:ivr-b{who % 2}")
        playback_id = PlaybackId(f"sim:ivr-p{serial}")
        recording_id = RecordingId(f"sim:ivr-r{serial}")
        return {
            "answer": lambda: switch.answer(channel_id),
            "play": lambda: switch.play(channel_id, playback_id, [WELCOME, MENU]),
            "stop": lambda: switch.stop_playback(first(switch.exchange.playbacks, playback_id)),
            "press": lambda: self.by_hand(who, "12"),
            "caller leaves": lambda: self.by_hand(who, ""),
            "hang up": lambda: switch.hang_up(channel_id),
            "fallback": lambda: switch.send_to_fallback(channel_id),
            "dial": lambda: self.dial(ChannelId(f"sim:ivr-l{serial}")),
            "join": lambda: self.join(bridge_id, channel_id),
            "leave": lambda: switch.remove_from_bridge(bridge_id, [channel_id]),
            "destroy": lambda: switch.destroy_bridge(bridge_id),
            "record": lambda: switch.start_recording(recording_id, channel_id, limit_s=3),
            "stop recording": lambda: switch.stop_recording(
                first(switch.exchange.recordings.live, recording_id)
            ),
        }

    async def by_hand(self, who: int, keys: str) -> None:
        caller = self.callers[who % len(self.callers)]
        if keys:
            caller.press(keys)
        else:
            caller.hang_up()

    async def dial(self, leg_id: ChannelId) -> None:
        await self.stage.switch.dial(leg_id, PHONE, ring_timeout_s=5, caller_id=None)
        self.channels.append(leg_id)

    async def join(self, bridge_id: BridgeId, channel_id: ChannelId) -> None:
        await self.stage.switch.create_bridge(bridge_id)
        await self.stage.switch.add_to_bridge(bridge_id, [channel_id])

    async def everybody_leaves(self) -> None:
        switch = self.stage.switch
        switch.faults = Faults()
        for channel_id in list(switch.exchange.channels):
            with contextlib.suppress(RequestRefusedError):  # a phone may be quicker
                await switch.hang_up(channel_id)
        for bridge_id in list(switch.exchange.bridges):
            await switch.destroy_bridge(bridge_id)
        await asyncio.sleep(10)


def first(known: Mapping[Id, object], otherwise: Id) -> Id:
    """Return the oldest id there is."""
    return next(iter(known), otherwise)


def topics(event: SwitchEvent) -> list[str]:
    """Return the ids of the things that an event is about."""
    return [
        getattr(event, field.name)
        for field in dataclasses.fields(event)
        if field.name in {"channel_id", "bridge_id", "playback_id", "recording_id"}
    ]


def open_stage(seed: int) -> Stage:
    phone = Phone(PHONE, Answers(after_s=0.2, talks_s=4.0), lines=3)
    return Stage(seed=seed, phones=[phone], delays=DELAYS)


def happened(switch: SimSwitch) -> list[tuple[str, tuple[str, ...]]]:
    """Return the list that the true order of what happens will be written to."""
    truth: list[tuple[str, tuple[str, ...]]] = []
    tell = switch.exchange._tell

    def note(kind: type[SwitchEvent], *about: str, **fields: object) -> None:
        truth.append((kind.__name__, about))
        tell(kind, *about, **fields)

    switch.exchange._tell = note
    return truth


@given(scene=SCENES, seed=st.integers(0, 2**32), late=st.sampled_from((0.0, 0.3)))
async def test_what_happens_to_one_thing_is_told_in_its_order(
    scene: list[tuple[str, int, float]], seed: int, late: float
) -> None:
    stage = open_stage(seed)
    stage.switch.faults = Faults(late=late, late_s=0.5)
    truth = happened(stage.switch)
    acted = Scene(stage)
    await acted.play(scene)
    await acted.everybody_leaves()
    belongs = {about[0]: about for name, about in truth if name.startswith(("Play", "Rec"))}
    told = [
        (
            type(event).__name__,
            {of for topic in topics(event) for of in belongs.get(topic, (topic,))},
        )
        for event in stage.told
    ]
    for thing in {topic for _, about in truth for topic in about}:
        in_order = [name for name, about in truth if thing in about]
        assert [name for name, about in told if thing in about] == in_order


@given(scene=SCENES, seed=st.integers(0, 2**32))
async def test_lives_of_channels_bridges_playbacks_are_whole(
    scene: list[tuple[str, int, float]], seed: int
) -> None:
    stage = open_stage(seed)
    acted = Scene(stage)
    await acted.play(scene)
    await acted.everybody_leaves()
    over: set[str] = set()
    inside: set[tuple[str, str]] = set()
    finished: Counter[str] = Counter()
    for event in stage.told:
        assert not over.intersection(topics(event)), "something was told of a thing after its end"
        match event:
            case events.ChannelEnded(channel_id=gone) | events.ChannelLeft(channel_id=gone):
                assert not any(gone in pair for pair in inside), "left while inside a bridge"
                over.add(gone)
            case events.BridgeJoined(bridge_id=bridge_id, channel_id=channel_id):
                assert not any(channel_id in pair for pair in inside), "in two bridges at once"
                inside.add((bridge_id, channel_id))
            case events.BridgeLeft(bridge_id=bridge_id, channel_id=channel_id):
                inside.remove((bridge_id, channel_id))
            case events.PlaybackFinished(playback_id=playback_id):
                finished[playback_id] += 1
            case events.RecordingFinished(recording_id=r) | events.RecordingFailed(recording_id=r):
                finished[r] += 1
            case _:
                pass
    assert not inside
    assert {arrival.channel_id for arrival in stage.all(switching.Arrival)} <= over
    assert all(times == 1 for times in finished.values())
    exchange = stage.switch.exchange
    left = (exchange.channels, exchange.playbacks, exchange.recordings.live, exchange.bridges)
    assert not any(left)
    assert not stage.switch._delivery._last


def told_by(seed: int, scene: list[tuple[str, int, float]]) -> list[SwitchEvent]:
    """Return all that is told when the scene is played with this seed."""

    async def main() -> list[SwitchEvent]:
        stage = open_stage(seed)
        stage.switch.faults = Faults(lose=0.05, late=0.1, double_digits=0.1, slow=0.1)
        acted = Scene(stage)
        await acted.play(scene)
        await acted.everybody_leaves()
        return stage.told

    return run_virtual(main())


@given(scene=SCENES, seed=st.integers(0, 2**32))
def test_the_same_seed_tells_the_same(scene: list[tuple[str, int, float]], seed: int) -> None:
    assert told_by(seed, scene) == told_by(seed, scene)


def test_another_seed_tells_it_in_another_order() -> None:
    scene = [
        ("call", 0, 0.0),
        ("call", 1, 0.0),
        ("call", 2, 0.3),
        *[("press", n, 0.0) for n in range(3)],
    ]
    orders = {
        tuple(topics(event)[0] for event in told_by(seed, scene) if topics(event))
        for seed in range(20)
    }
    assert len(orders) > 10
