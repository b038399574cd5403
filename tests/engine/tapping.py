"""What an engine does, seen from its two doors: every step that it journals and every request that it makes, in order."""

import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Final, Literal, Protocol, cast

from ivrengine.core import events
from ivrengine.core.asking import Inquiry, Reply
from ivrengine.core.call import Call
from ivrengine.core.effects import Effect, FindAnswers
from ivrengine.engine.inquiring import Fetching, Lookups
from ivrengine.engine.journal import Journal
from ivrengine.engine.switch import Switch
from ivrengine.sim.switch import SimSwitch

KIND_OF: Final = {
    "answer": "Answer",
    "play": "Play",
    "stop_playback": "StopPlayback",
    "start_music": "StartMusic",
    "stop_music": "StopMusic",
    "dial": "Dial",
    "create_bridge": "CreateBridge",
    "add_to_bridge": "AddToBridge",
    "remove_from_bridge": "RemoveFromBridge",
    "destroy_bridge": "DestroyBridge",
    "start_recording": "StartRecording",
    "stop_recording": "StopRecording",
    "discard_recording": "DiscardRecording",
    "monitor": "StartMonitoring",
    "pause_recording": "PauseRecording",
    "resume_recording": "ResumeRecording",
    "hang_up": "HangUp",
    "send_to_fallback": "SendToFallback",
}
"""The requests of a switch by the effects that they are made for."""
When = Literal["before", "after"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A step that is about to be journaled, or was just."""

    when: When
    event: events.CallEvent
    effects: tuple[Effect, ...]
    call: Call


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that is about to reach the switch, or whose answer is about to reach the engine."""

    when: When
    kind: str
    subject: str
    about: frozenset[str] = frozenset()
    """All ids that the request names."""


Seen = Written | Asked


class Tap(Protocol):
    """Sees all that an engine does; what it raises, the engine meets there."""

    def __call__(self, seen: Seen) -> None: ...


class TappedJournal(Journal):
    """A journal that shows each step to a tap."""

    tap: Tap | None = None

    def append_step(self, event: events.CallEvent, effects: tuple[Effect, ...], call: Call) -> int:
        if self.tap is None:
            return super().append_step(event, effects, call)
        self.tap(Written(when="before", event=event, effects=effects, call=call))
        seq = super().append_step(event, effects, call)
        self.tap(Written(when="after", event=event, effects=effects, call=call))
        return seq


class _TappedSwitch:
    def __init__(self, switch: SimSwitch, tap: Tap) -> None:
        self._switch = switch
        self._tap = tap

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._switch, name)
        return self._tapped(KIND_OF[name], found) if name in KIND_OF else found

    def _tapped(
        self, kind: str, request: Callable[..., Awaitable[None]]
    ) -> Callable[..., Awaitable[None]]:
        async def ask(*args: Any, **more: Any) -> None:
            asked = Asked(
                when="before",
                kind=kind,
                subject=str(args[1] if kind == "Play" else args[0]),
                about=frozenset(_ids(args)),
            )
            self._tap(asked)
            await request(*args, **more)
            self._tap(dataclasses.replace(asked, when="after"))

        return ask


def _ids(arguments: Iterable[object]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument, str):
            yield argument
        elif isinstance(argument, tuple):
            yield from _ids(argument)


class _TappedFetching:
    def __init__(self, fetching: Fetching, tap: Tap) -> None:
        self._fetching = fetching
        self._tap = tap

    async def fetch(self, inquiry: Inquiry) -> Reply:
        asked = Asked(when="before", kind=type(inquiry).__name__, subject=inquiry.request_id)
        self._tap(asked)
        reply = await self._fetching.fetch(inquiry)
        self._tap(dataclasses.replace(asked, when="after"))
        return reply


def tapped_fetching(fetching: Fetching, tap: Tap | None) -> Fetching:
    """Return the door to other systems as an engine is given it."""
    return fetching if tap is None else _TappedFetching(fetching, tap)


class _TappedLookups:
    def __init__(self, lookups: Lookups, tap: Tap) -> None:
        self._lookups = lookups
        self._tap = tap

    async def last_asked_at(self, inquiry: FindAnswers) -> datetime | None:
        asked = Asked(when="before", kind="FindAnswers", subject=inquiry.request_id)
        self._tap(asked)
        asked_at = await self._lookups.last_asked_at(inquiry)
        self._tap(dataclasses.replace(asked, when="after"))
        return asked_at


def tapped_lookups(lookups: Lookups, tap: Tap | None) -> Lookups:
    """Return the store as an engine may ask it."""
    return lookups if tap is None else _TappedLookups(lookups, tap)


def tapped(switch: SimSwitch, tap: Tap | None) -> Switch:
    """Return the switch as an engine is given it."""
    return switch if tap is None else cast("Switch", _TappedSwitch(switch, tap))
