"""What somebody at the end of a line hears: prompts, music, a voice; and who wants to know when it begins and ends."""

import asyncio
import dataclasses
from collections import deque
from collections.abc import Callable
from typing import Final

HEARD_MAX: Final = 1000
"""So many of the last sounds are remembered; a call of an hour has a few hundred."""
MUSIC: Final = "music:"
TALK: Final = "talk:"
"""How sounds that are no media begin; what follows is the class of music, and who else is in the bridge."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Heard:
    """A sound that reached an ear; the seconds are those of the event loop."""

    sound: str
    """A media URI (``sound:…``), ``music:<class>``, or ``talk:<who>``."""
    from_s: float
    until_s: float | None = None
    """None while it lasts."""
    to_end: bool = False
    """Whether a medium was played to its end."""

    def names(self, wanted: str) -> bool:
        """Tell whether this is the prompt or sound that somebody waits for, by its whole name or its last part."""
        return self.sound == wanted or self.sound.rpartition(":")[2].rpartition("/")[2] == wanted


class Ear:
    """The ear of one party."""

    __slots__ = ("_listeners", "_now_s", "heard")

    def __init__(self) -> None:
        self.heard: deque[Heard] = deque(maxlen=HEARD_MAX)
        self._now_s = asyncio.get_running_loop().time
        self._listeners: list[Callable[[Heard], None]] = []

    def listen(self, listener: Callable[[Heard], None]) -> None:
        """Call ``listener`` whenever a sound begins or ends (then it has ``until_s``)."""
        self._listeners.append(listener)

    def forget(self, listener: Callable[[Heard], None]) -> None:
        """Do not call ``listener`` again."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def begin(self, sound: str) -> Heard:
        """Note that a sound begins to reach the ear."""
        heard = Heard(sound=sound, from_s=self._now_s())
        self.heard.append(heard)
        self._tell(heard)
        return heard

    def end(self, heard: Heard, *, to_end: bool = False) -> None:
        """Note that it does not any more."""
        heard.until_s = self._now_s()
        heard.to_end = to_end
        self._tell(heard)

    def _tell(self, heard: Heard) -> None:
        for listener in tuple(self._listeners):
            listener(heard)

    def hears(self, wanted: str) -> Heard | None:
        """Return the sound of that name that lasts now."""
        lasting = (heard for heard in self.heard if heard.until_s is None and heard.names(wanted))
        return next(lasting, None)

    def hears_sound(self, scheme: str = "") -> bool:
        """Tell whether any sound (of that scheme: ``talk:``) lasts now."""
        return any(heard.until_s is None and heard.sound.startswith(scheme) for heard in self.heard)
