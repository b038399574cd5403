"""A crowd of real callers at every kind of place of the flow ``house``, so that after a fault each is accounted for.

Most are SIPp's (``sipp.py``); at each place one more has ears, and is held to what they hear.

async with Crowd.calling(engine, each=11, folder=tmp_path) as crowd:
    await crowd.stands()
    ...  # the fault
    await crowd.goes_on(again=True)
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

from tests.faults.sipp import Group, Part
from tests.live.access import Access, access
from tests.sip import hearing
from tests.sip.call import Call
from tests.sip.caller import Caller
from tests.sip.phone import Answers, Phone, Rings
from tests.whole import people, records
from tests.whole.engine import Engine, until
from tests.whole.people import HOUSE, prompt

STANDS_WITHIN_S: Final = 30.0
HEARS_WITHIN_S: Final = 30.0
OVER_WITHIN_S: Final = 60.0

MENU: Final = Part(name="menu", then="5")
NUMBER: Final = Part(name="number", keys="2", then="42#5")
TALKING: Final = Part(name="reception", keys="3")
RINGING: Final = Part(name="technician", keys="4")
SPEECH: Final = Part(name="speech", keys="1")
GOODBYE: Final = Part(name="long-farewell", keys="0")
LEAVING: Final = Part(name="leaving", leaves=True)
WAITING: Final = Part(name="waiting", then="5")
PROMPTED: Final = Part(name="prompted", then="5")

PATIENT: Final = (MENU, NUMBER, TALKING, RINGING)
"""Those who stand for as long as it takes."""
BRIEF: Final = (SPEECH, GOODBYE)
"""Those who stand as long as what they hear lasts (15 s): they call last."""
EARS: Final = (*PATIENT, *BRIEF)
OUTCOMES: Final[Mapping[str, str]] = {
    "menu": "completed",
    "number": "completed",
    "speech": "completed",
    "long-farewell": "completed",
    "reception": "transferred",
    "technician": "transferred",
}
"""How a call ends that stood at this node and was not lost."""


class Crowd:
    """The callers, and the two agents whom some of them reach."""

    def __init__(self, engine: Engine, each: int, folder: Path, at: Access) -> None:
        self.engine = engine
        self.each = each
        self._folder = folder
        self._at = at
        self._stack = contextlib.AsyncExitStack()
        self.groups: dict[str, Group] = {}
        self.ears: dict[str, Call] = {}
        self.reception: Phone
        self.technician: Phone

    @classmethod
    @contextlib.asynccontextmanager
    async def calling(
        cls, engine: Engine, *, each: int, folder: Path, at: Access | None = None
    ) -> AsyncIterator["Crowd"]:
        """Let ``each`` callers, and one with ears, go to each place; and as many who will leave."""
        crowd = cls(engine, each, folder, at or access())
        async with crowd._stack:
            crowd.reception = await crowd._phone("agent-101", Answers(after_s=0))
            crowd.technician = await crowd._phone("agent-102", Rings())
            for part in PATIENT:
                await crowd.call(part)
            await crowd.call(LEAVING, ears=False)
            yield crowd

    async def _phone(self, name: str, behaviour: Answers | Rings) -> Phone:
        password = self._at.agent_password
        return await self._stack.enter_async_context(
            Phone.register(name, at=self._at.sip, password=password, behaviour=behaviour)
        )

    async def call(self, part: Part, *, ears: bool = True) -> None:
        """Let a group of callers call, and one who listens."""
        if ears:
            self.ears[part.name] = await self._listener(part)
        calling = Group.calling(part, HOUSE, count=self.each, access=self._at, folder=self._folder)
        self.groups[part.name] = await self._stack.enter_async_context(calling)

    async def _listener(self, part: Part) -> Call:
        dialled = Caller.dial(HOUSE, at=self._at.sip, keys="info")
        call = await self._stack.enter_async_context(dialled)
        await call.answered(within_s=STANDS_WITHIN_S)
        await call.press(part.keys, held_s=0.08, gap_s=0.02)
        return call

    @property
    def size(self) -> int:
        """How many calls there are in all."""
        return self.each * len(self.groups) + len(self.ears)

    # Where they are

    def places(self) -> Counter[str]:
        """Return how many calls that have not ended stand at which node, as the journal has it."""
        return Counter(stands(self.engine.data).values())

    async def stands(self) -> None:
        """Wait until everyone is where they mean to be, and let those call who stand for a short time only."""
        patient = {part.name: self.each + 1 for part in PATIENT}
        patient["menu"] += self.each  # those who will leave
        await self._reach(patient)
        for part in BRIEF:
            await self.call(part)
        await self._reach(patient | {part.name: self.each + 1 for part in BRIEF})
        await self._talk(self.reception)
        await until(lambda: len(self.technician.calls) == self.each + 1, 5)

    async def _reach(self, wanted: Mapping[str, int]) -> None:
        def there() -> bool:
            at = self.places()
            return all(at[node] == count for node, count in wanted.items())

        await until(there, STANDS_WITHIN_S, lambda: f"{dict(self.places())}, not {dict(wanted)}")

    async def _talk(self, agent: Phone) -> None:
        """Let whoever listens at that agent's place hear an agent, and an agent hear them; the others say nothing."""
        ear = self.ears["reception" if agent is self.reception else "technician"]
        ear.hum(440)
        for call in agent.calls:
            call.hum(700)

        def heard() -> bool:
            return any(hearing.holds_tone(call.heard(last_s=0.2), 440) for call in agent.calls)

        await ear.hears_tone(700)
        await until(heard, 5)
        ear.hum(None)
        for call in agent.calls:
            call.hum(None)

    # What becomes of them

    def forget(self) -> None:
        """Let each forget what they heard so far: what ``goes_on`` waits for is heard after this."""
        for call in self.ears.values():
            call.forget()

    def leave(self) -> None:
        """Let those put the receiver down who mean to."""
        self.groups["leaving"].go_on()

    async def goes_on(self, *, again: bool) -> None:
        """See everyone to the end of their call; ``again``: each hears anew what is said at their place."""
        await self._talk(self.reception)
        for call in self.technician.calls:
            self.technician.pick_up(call)
        await self._talk(self.technician)
        if again:
            await asyncio.gather(*(self._hears_again(part.name) for part in EARS))
        for name, group in self.groups.items():
            if group.part.then is not None and name in self.groups:
                group.go_on()
        await asyncio.gather(*(self._ends(part) for part in EARS), self._agents_hang_up())
        try:
            await asyncio.gather(*(group.over(OVER_WITHIN_S) for group in self.groups.values()))
        except TimeoutError as error:
            raise TimeoutError(f"{error}\nstill there: {dict(self.places())}") from None

    async def _hears_again(self, place: str) -> None:
        said = {"menu": "house-menu", "number": "house-number"}
        said |= {"speech": "house-speech", "long-farewell": "house-speech"}
        if place in said:
            await self.ears[place].hears(prompt(said[place]), HEARS_WITHIN_S)

    async def _ends(self, part: Part) -> None:
        call = self.ears[part.name]
        if part.then is not None:
            await call.press(part.then, held_s=0.08, gap_s=0.1)
        await call.hung_up(within_s=OVER_WITHIN_S)
        if part.name != "long-farewell":
            await call.hears(prompt("house-farewell"), within_s=1)

    async def _agents_hang_up(self) -> None:
        agents = [*self.reception.calls, *self.technician.calls]
        await asyncio.gather(*(call.hang_up() for call in agents))

    @property
    def rung(self) -> int:
        """How often a phone was rung: what the agents saw of it."""
        return len(self.reception.calls) + len(self.technician.calls)


def stands(data: Path) -> dict[str, str]:
    """Return the node at which each call in progress stands."""
    at: dict[str, str] = {}
    for step in records.journaled(data):
        for kind, fields in step.effects:
            if kind == "EnterNode":
                at[step.call_id] = str(fields["node"])
            elif kind == "EndCall":
                at.pop(step.call_id, None)
    return at


async def books(engine: Engine, calls: int, rung: int) -> records.Stored:
    """Wait until all is in the store, and see that nothing is missing, there twice, or done twice; return what is stored."""
    found = await records.shipped(engine.data, calls)
    assert not records.disagreements(engine.data, found)
    assert len(found.calls) == calls
    steps = records.journaled(engine.data)
    dialled = Counter(step.call_id for step in steps for _ in step.did("Dial"))
    assert set(dialled.values()) <= {1}, "a phone was dialled twice"
    assert dialled.total() == rung, "the agents saw something else than the journal says"
    begun = _begun(steps)
    assert all(count <= 2 for count in begun.values()), f"begun too often: {begun.most_common(3)}"
    await people.nothing_left()
    return found


def _begun(steps: list[records.Event]) -> Counter[tuple[str, int, str]]:
    """Return how often each prompt was begun in each visit of a node by a call."""
    begun: Counter[tuple[str, int, str]] = Counter()
    visits: Counter[str] = Counter()
    for step in steps:
        for kind, fields in step.effects:
            if kind == "EnterNode":
                visits[step.call_id] += 1
            elif kind == "Play":
                begun[step.call_id, visits[step.call_id], str(fields["prompts"])] += 1
    return begun
