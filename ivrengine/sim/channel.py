"""A channel of the simulated switch: where it is, who is at its end, and what reaches their ear."""

from collections import deque
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Protocol

from ivrengine.core.ids import ChannelId
from ivrengine.sim.hearing import MUSIC, TALK, Ear, Heard
from ivrengine.sim.line import Line

if TYPE_CHECKING:
    from ivrengine.sim.bridge import Bridge


SPOKEN_MAX: Final = 1000
"""So many of the last utterances are remembered; nobody leaves a message of more."""


class Place(StrEnum):
    """Who commands a channel."""

    RINGING = "ringing"
    """A phone that was dialled and has not answered: not yet in the application."""
    OURS = "ours"
    """It is in the application."""
    ELSEWHERE = "elsewhere"
    """In the dialplan: it left the application, or never entered it."""
    GONE = "gone"


class Party(Protocol):
    """Who is at the other end of a channel; a channel tells them what the network would."""

    @property
    def name(self) -> str:
        """Who that is, to whoever talks with them."""
        ...

    @property
    def ear(self) -> Ear:
        """What they hear."""
        ...

    def picked_up(self) -> None:
        """Learn that the switch has answered."""
        ...

    def sent_on(self) -> None:
        """Learn (as one hears another voice) that the dialplan has the call."""
        ...

    def ended(self, cause: int) -> None:
        """Learn that the line is dead."""
        ...


class Voice:
    """What somebody says into a channel: when, not what."""

    __slots__ = ("_spoken",)

    def __init__(self) -> None:
        self._spoken: deque[tuple[float, float]] = deque(maxlen=SPOKEN_MAX)

    def speak(self, from_s: float, until_s: float) -> None:
        """Say something in that time; who speaks already goes on."""
        self._spoken.append((max(from_s, self.until_s), until_s))

    @property
    def until_s(self) -> float:
        """Until when it speaks; 0 if it never has."""
        return self._spoken[-1][1] if self._spoken else 0.0

    def heard_s(self, from_s: float, until_s: float) -> float:
        """Return how much of that time it spoke."""
        return sum(
            max(0.0, min(until_s, last_s) - max(from_s, first_s))
            for first_s, last_s in self._spoken
        )


class Channel:
    """One channel."""

    __slots__ = (
        "_music",
        "_talk",
        "bridge",
        "channel_id",
        "inbound",
        "line",
        "party",
        "place",
        "recorded",
        "up",
        "voice",
    )

    def __init__(self, channel_id: ChannelId, party: Party, place: Place) -> None:
        self.channel_id = channel_id
        self.party = party
        self.place = place
        self.up = False
        self.line = Line()
        self.bridge: Bridge | None = None
        self.inbound: tuple[str, str | None] | None = None
        """Of somebody who calls in: the number that they dialled and their own."""
        self.recorded = False
        self.voice = Voice()
        self._music: Heard | None = None
        self._talk: Heard | None = None

    def start_music(self, music: str) -> None:
        """Let music on hold reach the party, instead of any other music."""
        self.stop_music()
        self._music = self.party.ear.begin(MUSIC + music)

    def stop_music(self) -> None:
        """End the music; playing anything does so too (``ast_openstream``), and it does not come back."""
        if self._music is not None:
            self.party.ear.end(self._music)
            self._music = None

    def talk_with(self, others: list[str]) -> None:
        """Let the voices of a bridge reach the party; with nobody there it is silent."""
        sound = TALK + ", ".join(others) if others else None
        if self._talk is not None and self._talk.sound != sound:
            self.party.ear.end(self._talk)
            self._talk = None
        if sound is not None and self._talk is None:
            self._talk = self.party.ear.begin(sound)
