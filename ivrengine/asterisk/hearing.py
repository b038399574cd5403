"""What a fact means in the light of those before it: between the pure translation and the engine's listener.

An inbound channel that hangs up tells it twice or never: Asterisk drops our subscription with ``StasisEnd``, and
``ChannelDestroyed`` mostly does not come any more (seen on 22.10.1), while a channel that we dialled brings both. So the
first of them after a hang-up request is the end, and ``StasisEnd`` without such a request is a channel that left alive.
"""

from typing import Final, TypeVar

from ivrengine.asterisk import translate
from ivrengine.core import events
from ivrengine.core.ids import ChannelId, PlaybackId
from ivrengine.core.switching import SwitchEvent

ENDED_MAX: Final = 4096
"""Channels whose end is remembered: the second word on it comes within milliseconds, and no machine ends more in 5 s."""
OPEN_MAX: Final = 20_000
"""Channels and playbacks with something to remember; an Asterisk holds fewer calls, so more is a leak, and it is cut."""

K = TypeVar("K")
V = TypeVar("V")


class Hearing:
    """The memory of one link: hang-ups asked for, ends told, last key presses, and playbacks that we stopped."""

    def __init__(self) -> None:
        self._hanging: dict[ChannelId, int] = {}
        self._ended: dict[ChannelId, None] = {}
        self._pressed: dict[ChannelId, tuple[str, str]] = {}
        self._stopped: dict[PlaybackId, None] = {}
        self._watched: set[str] = set()
        self._seen_over: set[str] = set()

    def take(self, fact: translate.Fact) -> SwitchEvent | None:
        """Return what the engine is to hear of this fact, if anything."""
        heard: SwitchEvent | None = None
        match fact:
            case translate.HangupAsked():
                _keep(self._hanging, fact.channel_id, fact.cause, OPEN_MAX)
            case translate.StasisLeft():
                heard = self._leave(fact)
            case translate.Keyed():
                heard = self._key(fact)
            case events.ChannelEnded():
                heard = fact if self._over(fact.channel_id) else None
            case events.PlaybackFinished():
                heard = self._finish(fact)
            case (
                translate.Stranded()
                | translate.MonitorReady()
                | translate.Replaced()
                | translate.Garbled()
            ):
                pass
            case _:
                heard = fact
        return heard

    def stopping(self, playback_id: PlaybackId) -> None:
        """Note that we are about to stop a playback: Asterisk says ``done`` of it as of one that was heard to its end."""
        _keep(self._stopped, playback_id, None, OPEN_MAX)

    def not_stopped(self, playback_id: PlaybackId) -> None:
        """Note that there was nothing to stop."""
        self._stopped.pop(playback_id, None)

    def watch(self, subject: str) -> None:
        """Note whether a channel or playback that is about to be made ends meanwhile (see ``saw_end``)."""
        self._ended.pop(ChannelId(subject), None)
        self._watched.add(subject)

    def saw_end(self, subject: str) -> bool:
        """Tell whether the watched channel or playback has ended."""
        return subject in self._seen_over

    def unwatch(self, subject: str) -> None:
        """Stop watching."""
        self._watched.discard(subject)
        self._seen_over.discard(subject)

    def forget(self) -> None:
        """Begin anew: the link was down, and what happened meanwhile nobody told."""
        self._hanging.clear()
        self._ended.clear()
        self._pressed.clear()
        self._stopped.clear()

    def _leave(self, fact: translate.StasisLeft) -> SwitchEvent | None:
        cause = self._hanging.get(fact.channel_id)
        if not self._over(fact.channel_id):
            return None
        if cause is None:
            return events.ChannelLeft(at=fact.at, channel_id=fact.channel_id)
        return events.ChannelEnded(at=fact.at, channel_id=fact.channel_id, cause=cause)

    def _over(self, channel_id: ChannelId) -> bool:
        """Forget a channel but for the fact that it is over; tell whether this is the first word on that."""
        self._hanging.pop(channel_id, None)
        self._pressed.pop(channel_id, None)
        self._see_over(channel_id)
        if channel_id in self._ended:
            return False
        _keep(self._ended, channel_id, None, ENDED_MAX)
        return True

    def _key(self, fact: translate.Keyed) -> SwitchEvent | None:
        channel_id = fact.heard.channel_id
        press = (fact.stamp, fact.heard.digit)
        if channel_id in self._ended or self._pressed.get(channel_id) == press:
            return None
        _keep(self._pressed, channel_id, press, OPEN_MAX)
        return fact.heard

    def _finish(self, fact: events.PlaybackFinished) -> SwitchEvent:
        self._see_over(fact.playback_id)
        if fact.playback_id not in self._stopped:
            return fact
        del self._stopped[fact.playback_id]
        return events.PlaybackFinished(at=fact.at, playback_id=fact.playback_id, completed=False)

    def _see_over(self, subject: str) -> None:
        if subject in self._watched:
            self._seen_over.add(subject)


def _keep(memory: dict[K, V], key: K, value: V, most: int) -> None:
    """Remember, and let the oldest go when there are too many."""
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > most:
        del memory[next(iter(memory))]
