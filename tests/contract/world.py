"""What a world offers the contract suite: a switch under test, people who call, phones that ring.

Two worlds exist: ``sim_world.py`` (the simulator, virtual time) and ``asterisk_world.py`` (a real
Asterisk, real time). Each has ``open_world() -> AsyncContextManager[World]``. A test may use
``asyncio.sleep`` and ``asyncio.timeout``: time is the loop's.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from ivrengine.core.ids import BridgeId, ChannelId
from ivrengine.core.switching import SwitchEvent
from ivrengine.engine.switch import Switch

E = TypeVar("E", bound=SwitchEvent)

DID: Final = "+902124440101"
"""An inbound number that reaches our application in both worlds."""
SHORT_S: Final = 1.0
LONG_S: Final = 4.0
MUSIC: Final = "default"
"""The class of music on hold that both worlds have."""


class Behaviour(StrEnum):
    """What a phone does when it rings."""

    ANSWERS = "answers"
    """Rings for about 0.3 s, then picks up."""
    RINGS = "rings"
    """Rings until somebody calls ``pick_up``, or for ever: nobody is there."""
    BUSY = "busy"
    """SIP 486: the dialled channel ends with cause 17."""
    DECLINES = "declines"
    """Rings, then SIP 603: the dialled channel ends with cause 21."""
    SILENT = "silent"
    """Registered, but never answers a packet; a dial ends by its own ring time-out with cause 19."""


class Party(Protocol):
    """Somebody at one end of a line: a caller or a rung phone."""

    async def press(self, digits: str, *, gap_s: float = 0.1) -> None:
        """Press keys one after the other; return when the last one has been sent."""
        ...

    async def say(self, for_s: float) -> None:
        """Speak for so long; return when it is said."""
        ...

    async def hang_up(self) -> None:
        """Put the receiver down (before the answer: give up calling)."""
        ...

    async def hung_up(self, within_s: float = 15.0) -> None:
        """Wait until the switch has ended this party's line; ``TimeoutError`` if it does not."""
        ...

    async def hears(self, other: "Party | None" = None, within_s: float = 1.5) -> bool:
        """Tell whether sound reaches this party: what ``other`` says now or, without it, any sound.

        ``other`` is made to speak for the while. A simulator answers from who is bridged with whom
        and what plays; the real one sends and measures RTP.
        """
        ...


class Caller(Party, Protocol):
    """A person who calls one of our numbers."""

    async def answered(self, within_s: float = 15.0) -> None:
        """Wait until the switch has picked up; ``TimeoutError`` if it does not."""
        ...


class Phone(Party, Protocol):
    """A phone that the switch can ring."""

    @property
    def endpoint(self) -> str:
        """What ``Switch.dial`` is told (``PJSIP/agent-101``)."""
        ...

    @property
    def shown(self) -> str | None:
        """The caller id that the phone showed when it last rang; None when it was withheld or none was given."""
        ...

    async def rung(self, within_s: float = 15.0) -> None:
        """Wait until the phone rings."""
        ...

    async def pick_up(self) -> None:
        """Answer the ringing phone by hand (behaviour ``RINGS``)."""
        ...


class World(Protocol):
    """A switch with people around it; all that happened is recorded and can be awaited."""

    @property
    def switch(self) -> Switch:
        """The switch under test, connected."""
        ...

    @property
    def events(self) -> list[SwitchEvent]:
        """Everything that the switch told its listener so far, in order (see ``recorded.Recorded``)."""
        ...

    async def event(
        self,
        kind: type[E],
        predicate: Callable[[E], bool] = lambda _event: True,
        within_s: float = 15.0,
    ) -> E:
        """Return the first recorded event of that kind that satisfies the predicate, waiting for it if need be."""
        ...

    async def call(
        self,
        did: str = DID,
        *,
        number: str | None = "+905321234567",
        withheld: bool = False,
    ) -> Caller:
        """Let somebody call ``did`` and return at once; the ``Arrival`` follows.

        ``number`` is what the trunk says, in any form (national, 00, +); None: the trunk says nothing at all.
        ``withheld``: the trunk says it (P-Asserted-Identity) and asks for privacy.
        """
        ...

    async def phone(self, name: str, behaviour: Behaviour) -> Phone:
        """Put up a phone: ``agent-101`` … ``agent-104``, each at most once in a test."""
        ...

    @property
    def unreachable_endpoint(self) -> str:
        """Return an endpoint that is configured but has nowhere to ring (no contact registered)."""
        ...

    @property
    def unknown_endpoint(self) -> str:
        """Return an endpoint that the switch has never heard of."""
        ...

    async def announced(self) -> tuple[int, int, int, str]:
        """Return what the dialplan knows of the engine: epoch, calls and calls a second at most, and its name."""
        ...

    def another_application(self) -> AbstractAsyncContextManager[tuple[ChannelId, BridgeId]]:
        """Let another application have a call and a bridge on this switch, for the length of the block."""
        ...

    def media(self, name: str) -> str:
        """Return the media URI of a test prompt.

        ``short`` lasts ``SHORT_S``, ``long`` lasts ``LONG_S``; of ``missing`` there is no file.
        """
        ...


OpenWorld = Callable[[], AbstractAsyncContextManager[World]]
