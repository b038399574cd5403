"""The performing of effects (hop 6 of a call's way): requests to the switch; everything else is the call task's own affair."""

import dataclasses
from collections.abc import Callable
from typing import Final, Protocol, assert_never

from ivrengine.core import effects, events, ids
from ivrengine.core.call import Call
from ivrengine.core.ids import BrandId
from ivrengine.core.switching import RequestRefusedError
from ivrengine.engine.switch import Switch
from ivrengine.prompts.library import PromptMissingError


class Sounds(Protocol):
    """Where prompts are found, and words made audible that were composed for a call."""

    def media(self, brand: BrandId, name: str, language: str) -> str:
        """Return the media URI of a prompt; raises ``PromptMissingError``. Never touches the disk."""
        ...

    async def speech(self, brand: BrandId, spoken: effects.Spoken, language: str) -> str:
        """Return the media URI of composed words, made within seconds; raises ``PromptMissingError``."""
        ...


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A switch, and the prompts as that switch can play them."""

    switch: Switch
    sounds: Sounds


class Phones(Protocol):
    """The directory of phones of each brand."""

    def endpoint(self, brand: BrandId, phone: str) -> str | None:
        """Return what the switch must ring for a phone's name (``PJSIP/agent-101``); None if there is no such phone."""
        ...


Request = (
    effects.Answer
    | effects.Play
    | effects.StopPlayback
    | effects.StartMusic
    | effects.StopMusic
    | effects.Dial
    | effects.CreateBridge
    | effects.AddToBridge
    | effects.RemoveFromBridge
    | effects.DestroyBridge
    | effects.StartRecording
    | effects.StopRecording
    | effects.DiscardRecording
    | effects.StartMonitoring
    | effects.StopMonitoring
    | effects.PauseRecording
    | effects.ResumeRecording
    | effects.HangUp
    | effects.SendToFallback
)
"""The effects that a switch performs."""


Release = effects.HangUp | effects.SendToFallback | effects.DestroyBridge | effects.StopMonitoring
"""The effects that let go of something: not done, they leave a person in silence, or recorded, or a bridge for ever."""
Recording = (
    effects.StartRecording
    | effects.StopRecording
    | effects.DiscardRecording
    | effects.StartMonitoring
    | effects.PauseRecording
    | effects.ResumeRecording
)
"""The effects that record."""


BEEP: Final = "sound:beep"
"""A sound of Asterisk's own set; not its ``beep`` of a recording, during which it takes no notice of an order to stop."""


class Performer:
    """Turns effects into requests to the switch that they are about."""

    def __init__(self, door_of: Callable[[ids.NodeName], Door], phones: Phones) -> None:
        """Find switches and prompts by node, and phones in ``phones``."""
        self._door_of = door_of
        self._phones = phones

    async def perform(self, effect: Request, call: Call) -> None:  # noqa: C901 - one case a kind
        """Ask the switch to do it; raises ``RequestRefusedError`` if it does not."""
        door = self._door_of(ids.node_of(call.channel_id))
        switch = door.switch
        match effect:
            case effects.Answer():
                await switch.answer(effect.channel_id)
            case effects.Play():
                media = await _media(door.sounds, effect, call)
                await switch.play(effect.channel_id, effect.playback_id, media)
            case effects.StopPlayback():
                await switch.stop_playback(effect.playback_id)
            case effects.StartMusic():
                await switch.start_music(effect.channel_id, effect.music)
            case effects.StopMusic():
                await switch.stop_music(effect.channel_id)
            case effects.Dial():
                await self._dial(switch, effect, call)
            case effects.CreateBridge():
                await switch.create_bridge(effect.bridge_id)
            case effects.AddToBridge():
                await switch.add_to_bridge(effect.bridge_id, effect.channel_ids)
            case effects.RemoveFromBridge():
                await switch.remove_from_bridge(effect.bridge_id, effect.channel_ids)
            case (
                effects.HangUp()
                | effects.SendToFallback()
                | effects.DestroyBridge()
                | effects.StopMonitoring()
            ):
                await self.release(effect)
            case _:
                await _record(switch, effect)

    async def release(self, effect: Release) -> None:
        """Ask the switch to let go of a channel or bridge, whether its call is still in progress or not."""
        match effect:
            case effects.HangUp():
                await self._switch_of(effect.channel_id).hang_up(effect.channel_id)
            case effects.SendToFallback():
                await self._switch_of(effect.channel_id).send_to_fallback(effect.channel_id)
            case effects.DestroyBridge():
                switch = self._switch_of(effect.bridge_id)
                await switch.destroy_bridge(effect.bridge_id, effect.frees)
            case effects.StopMonitoring():
                await self._switch_of(effect.monitor_id).hang_up(effect.monitor_id)

    def _switch_of(self, subject: str) -> Switch:
        return self._door_of(ids.node_of(subject)).switch

    async def _dial(self, switch: Switch, dial: effects.Dial, call: Call) -> None:
        endpoint = self._phones.endpoint(call.brand, dial.phone)
        if endpoint is None:
            sentence = f"the directory of {call.brand} has no phone {dial.phone}"
            raise RequestRefusedError(events.Failure.REFUSED, sentence)
        await switch.dial(
            dial.channel_id,
            endpoint,
            ring_timeout_s=dial.ring_timeout_s,
            caller_id=call.did,
        )


async def _record(switch: Switch, effect: Recording) -> None:
    match effect:
        case effects.StartRecording():
            await switch.start_recording(
                effect.recording_id,
                effect.target,
                limit_s=effect.limit_s,
                max_silence_s=effect.max_silence_s,
            )
        case effects.StopRecording():
            await switch.stop_recording(effect.recording_id)
        case effects.DiscardRecording():
            await switch.discard_recording(effect.recording_id)
        case effects.StartMonitoring():
            await switch.monitor(
                effect.recording_id, effect.monitor_id, effect.channel_id, limit_s=effect.limit_s
            )
        case effects.PauseRecording():
            await switch.pause_recording(effect.recording_id)
        case effects.ResumeRecording():
            await switch.resume_recording(effect.recording_id)
        case _:
            assert_never(effect)


def subject_of(effect: Request) -> str:
    """Return the id that a request is about."""
    match effect:
        case effects.Play() | effects.StopPlayback():
            return effect.playback_id
        case (
            effects.CreateBridge()
            | effects.AddToBridge()
            | effects.RemoveFromBridge()
            | effects.DestroyBridge()
        ):
            return effect.bridge_id
        case effects.StopMonitoring():
            return effect.monitor_id
        case (
            effects.StartRecording()
            | effects.StopRecording()
            | effects.DiscardRecording()
            | effects.StartMonitoring()
            | effects.PauseRecording()
            | effects.ResumeRecording()
        ):
            return effect.recording_id
        case (
            effects.Answer()
            | effects.StartMusic()
            | effects.StopMusic()
            | effects.Dial()
            | effects.HangUp()
            | effects.SendToFallback()
        ):
            return effect.channel_id
        case _:
            assert_never(effect)


async def _media(sounds: Sounds, play: effects.Play, call: Call) -> tuple[str, ...]:
    try:
        said = [
            sounds.media(call.brand, prompt, play.language)
            if isinstance(prompt, str)
            else await sounds.speech(call.brand, prompt, play.language)
            for prompt in play.prompts
        ]
    except PromptMissingError as error:
        raise RequestRefusedError(events.Failure.REFUSED, str(error)) from error
    recorded = tuple(f"recording:{ids.local_part(name)}" for name in play.recordings)
    return (*recorded, *said, *((BEEP,) if play.beep else ()))


def without_undone(pending: list[effects.Effect]) -> list[effects.Effect]:
    """Return the effects without those that a later one in the same list takes back: a prompt cut short before it began."""
    ended = {subject for effect in pending if (subject := _ends(effect)) is not None}
    undone = (
        {subject for effect in pending if (subject := _begins(effect)) in ended} if ended else ()
    )
    if not undone:
        return pending
    return [e for e in pending if _ends(e) not in undone and _begins(e) not in undone]


def _begins(effect: effects.Effect) -> str | None:
    """Return the playback, timer or inquiry that an effect begins."""
    match effect:
        case effects.Play():
            return effect.playback_id
        case effects.StartTimer():
            return effect.timer_id
        case effects.Fetch() | effects.Submit() | effects.FindAnswers():
            return effect.request_id
        case _:
            return None


def _ends(effect: effects.Effect) -> str | None:
    """Return the playback, timer or inquiry that an effect ends."""
    match effect:
        case effects.StopPlayback():
            return effect.playback_id
        case effects.CancelTimer():
            return effect.timer_id
        case effects.CancelInquiry():
            return effect.request_id
        case _:
            return None
