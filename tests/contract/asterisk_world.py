"""A real Asterisk as a world of the contract suite, with telephones that speak SIP and RTP.

It is the one that ``asterisk-conf/chroot.sh up`` started; with ``IVR_INSTANCE`` set, the instance of that number.
"""

import asyncio
import contextlib
import itertools
import wave
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp
import numpy as np

from ivrengine.asterisk.lease import HEARTBEAT
from ivrengine.asterisk.node import Node
from ivrengine.asterisk.switch import AriSwitch
from ivrengine.core.ids import BridgeId, ChannelId, on_node
from ivrengine.core.switching import LinkUp, SwitchEvent
from tests.contract import world
from tests.contract.recorded import Recorded
from tests.live.access import Access, access
from tests.live.ari import Ari
from tests.sip import hearing, phone
from tests.sip.call import Call
from tests.sip.caller import Caller
from tests.sip.g711 import RATE

E = TypeVar("E", bound=SwitchEvent)

FOLDER: Final = "contract"
HELD_S: Final = 0.08
"""Asterisk takes a key press of 80 ms and more as it is; shorter ones it makes longer."""
ALIVE: Final = "100-100-contract"
"""What a living engine would have announced, without its second."""
FRESH_S: Final = 2
BEHAVIOURS: Final[dict[world.Behaviour, phone.Behaviour]] = {
    world.Behaviour.ANSWERS: phone.Answers(after_s=0.3),
    world.Behaviour.RINGS: phone.Rings(),
    world.Behaviour.BUSY: phone.Busy(),
    world.Behaviour.DECLINES: phone.Declines(after_s=0.3),
    world.Behaviour.SILENT: phone.Silent(),
}
_TONES: Final = itertools.cycle(range(500, 1500, 130))


class SipParty:
    """One end of a line; ``call`` finds the call it is in."""

    def __init__(self, call: Callable[[], Call]) -> None:
        self._call = call

    @property
    def call(self) -> Call:
        return self._call()

    async def press(self, digits: str, *, gap_s: float = 0.1) -> None:
        await self.call.press(digits, held_s=HELD_S, gap_s=gap_s)

    async def say(self, for_s: float) -> None:
        self.call.hum(float(next(_TONES)))
        await asyncio.sleep(for_s)
        self.call.hum(None)

    async def hang_up(self) -> None:
        await self.call.hang_up()

    async def hung_up(self, within_s: float = 15.0) -> None:
        await self.call.hung_up(within_s)

    async def hears(self, other: world.Party | None = None, within_s: float = 1.5) -> bool:
        if other is None:
            return await self._hears_sound(within_s)
        assert isinstance(other, SipParty)
        hertz = float(next(_TONES))
        other.call.hum(hertz)
        try:
            await self.call.hears_tone(hertz, within_s)
        except TimeoutError:
            return False
        finally:
            other.call.hum(None)
        return True

    async def _hears_sound(self, within_s: float) -> bool:
        try:
            async with asyncio.timeout(within_s):
                while hearing.is_silent(self.call.heard(last_s=0.2)):
                    await self.call.voice.more()
        except TimeoutError:
            return False
        return True


class SipCaller(SipParty):
    """Somebody who calls in through the trunk."""

    def __init__(self, call: Call, line: contextlib.AsyncExitStack) -> None:
        super().__init__(lambda: call)
        self._line = line

    async def answered(self, within_s: float = 15.0) -> None:
        await self.call.answered(within_s)

    async def hang_up(self) -> None:
        if self.call.is_up:
            await self.call.hang_up()
        else:
            await self._line.aclose()


class SipPhone(SipParty):
    """An agent's telephone."""

    def __init__(self, telephone: phone.Phone) -> None:
        super().__init__(lambda: telephone.calls[-1])
        self._telephone = telephone

    @property
    def endpoint(self) -> str:
        return f"PJSIP/{self._telephone.name}"

    @property
    def shown(self) -> str | None:
        return self.call.shown

    async def rung(self, within_s: float = 15.0) -> None:
        await self._telephone.rung(within_s)

    async def pick_up(self) -> None:
        self._telephone.pick_up(self.call)


class AsteriskWorld:
    """The real thing, with people."""

    def __init__(
        self, switch: AriSwitch, recorded: Recorded, access: Access, admin: "Admin"
    ) -> None:
        self._switch = switch
        self._recorded = recorded
        self._access = access
        self._admin = admin
        self._people = contextlib.AsyncExitStack()
        self.seen_as = f"{access.prompts_as_seen}/{FOLDER}"

    @property
    def switch(self) -> AriSwitch:
        return self._switch

    @property
    def events(self) -> list[SwitchEvent]:
        return self._recorded.events

    async def event(
        self,
        kind: type[E],
        predicate: Callable[[E], bool] = lambda _event: True,
        within_s: float = 15.0,
    ) -> E:
        return await self._recorded.event(kind, predicate, within_s)

    async def call(
        self,
        did: str = world.DID,
        *,
        number: str | None = "+905321234567",
        withheld: bool = False,
    ) -> SipCaller:
        await self._alive()
        line = contextlib.AsyncExitStack()
        dialled = Caller.dial(did, at=self._access.sip, number=number, withheld=withheld)
        call = await line.enter_async_context(dialled)
        await self._people.enter_async_context(line)
        return SipCaller(call, line)

    async def _alive(self) -> None:
        """Let the dialplan give us calls, unless the test has announced something of its own."""
        now = int(await self._admin.variable("EPOCH"))
        epoch, _, said = (await self._admin.variable(HEARTBEAT)).partition("-")
        if said in {"", ALIVE} or abs(now - int(epoch)) > FRESH_S:
            await self._admin.set_variable(HEARTBEAT, f"{now}-{ALIVE}")

    async def phone(self, name: str, behaviour: world.Behaviour) -> SipPhone:
        registered = phone.Phone.register(
            name,
            at=self._access.sip,
            password=self._access.agent_password,
            behaviour=BEHAVIOURS[behaviour],
        )
        return SipPhone(await self._people.enter_async_context(registered))

    @property
    def unreachable_endpoint(self) -> str:
        return "PJSIP/agent-110"

    @property
    def unknown_endpoint(self) -> str:
        return "PJSIP/nobody"

    async def announced(self) -> tuple[int, int, int, str]:
        said = await self._admin.variable(HEARTBEAT)
        epoch, calls_max, calls_per_s_max, engine = said.split("-")
        return int(epoch), int(calls_max), int(calls_per_s_max), engine

    @contextlib.asynccontextmanager
    async def another_application(self) -> AsyncIterator[tuple[ChannelId, BridgeId]]:
        password = self._access.agent_password
        async with (
            phone.Phone.register("agent-104", at=self._access.sip, password=password),
            Ari.connect(self._access, "somebody-else") as theirs,
        ):
            await theirs.post("bridges/theirs", type="mixing")
            await theirs.post("channels/stranger", endpoint="PJSIP/agent-104", app="somebody-else")
            await theirs.of("stranger", "StasisStart")
            node = self._switch.node
            yield ChannelId(on_node(node, "stranger")), BridgeId(on_node(node, "theirs"))
            await theirs.delete("bridges/theirs")

    def media(self, name: str) -> str:
        return f"sound:{self.seen_as}/{name}"

    async def everybody_goes(self) -> None:
        await self._people.aclose()


def _record_prompts(prompts: Path) -> None:
    """Put the test prompts where that Asterisk finds them: tones, so that a call can tell that it hears one."""
    folder = prompts / FOLDER
    for name, length_s, hertz in (("short", world.SHORT_S, 350), ("long", world.LONG_S, 420)):
        path = folder / f"{name}.wav"
        if path.exists():
            continue
        folder.mkdir(exist_ok=True)
        tone = 8000 * np.sin(2 * np.pi * hertz * np.arange(round(length_s * RATE)) / RATE)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(tone.astype("<i2").tobytes())


class Admin:
    """Asks that Asterisk what is there, past the switch under test."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def ids(self, kind: str) -> list[str]:
        async with self._http.get(f"{self._url}/{kind}") as response:
            found: list[dict[str, Any]] = await response.json()
        return [each["id"] for each in found]

    async def variable(self, name: str) -> str:
        query = {"variable": name}
        async with self._http.get(f"{self._url}/asterisk/variable", params=query) as response:
            found: dict[str, str] = await response.json()
        return found["value"]

    async def set_variable(self, name: str, value: str) -> None:
        query = {"variable": name, "value": value}
        async with self._http.post(f"{self._url}/asterisk/variable", params=query) as response:
            response.raise_for_status()

    async def remove_all(self, kind: str) -> None:
        for each in await self.ids(kind):
            async with self._http.delete(f"{self._url}/{kind}/{each}"):
                pass


@contextlib.asynccontextmanager
async def open_world() -> AsyncIterator[world.World]:
    """Give the real Asterisk, and leave it as it was; bridges that a test forgot are its failure."""
    known = access()
    _record_prompts(known.prompts)
    recorded = Recorded()
    node = Node(
        name="ast1",
        url=known.ari_url,
        username=known.ari_user,
        password=known.ari_password,
    )
    switch = AriSwitch(node, listener=recorded.listener, now=lambda: datetime.now(UTC))
    login = aiohttp.encode_basic_auth(known.ari_user, known.ari_password)
    async with aiohttp.ClientSession(headers={"Authorization": login}) as http:
        admin = Admin(known.ari_url, http)
        running = asyncio.ensure_future(switch.run())
        try:
            await recorded.event(LinkUp)
            there = AsteriskWorld(switch, recorded, known, admin)
            try:
                yield there
            finally:
                await there.everybody_goes()
            assert not await admin.ids("bridges"), "a test leaves no bridge behind"
        finally:
            running.cancel()
            await asyncio.wait([running])
            await admin.remove_all("channels")
            await admin.remove_all("bridges")
