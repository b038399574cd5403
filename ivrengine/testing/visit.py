"""One call to a flow as its caller lives through it, on the production engine, a simulated switch and virtual time.

What reaches the caller, and which phones ring, waits in a queue until the test has said that it expects it: the first
thing that comes otherwise is a ``DivergenceError``.
"""

import asyncio
import collections
import contextlib
import dataclasses
import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Final

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Outcome, Phase
from ivrengine.core.call import Caller as KnownCaller
from ivrengine.core.ids import BrandId, CallerKey, NumberId
from ivrengine.core.rows import NumberRow
from ivrengine.engine.clock import EngineClock
from ivrengine.engine.engine import Engine
from ivrengine.engine.identity import uuid7_of
from ivrengine.engine.missed import Recognise
from ivrengine.engine.recognition import WITHHELD
from ivrengine.flow.book import Book, Routes
from ivrengine.flow.model import Flow
from ivrengine.numbers.normal import mask
from ivrengine.sim.hearing import TALK, Heard
from ivrengine.sim.phones import Phone, PhoneCall, Rings
from ivrengine.sim.read_aloud import ReadAloud
from ivrengine.sim.script import KEY_GAP_S, Script
from ivrengine.sim.switch import NO_DELAYS, SimSwitch
from ivrengine.telemetry.metrics import Metrics
from ivrengine.testing.given import Given
from ivrengine.testing.other_systems import OtherSystems, Remembered
from ivrengine.testing.seen import Asks, Hears, Over, RingsAt, Seen, TalksTo, Wanted
from ivrengine.testing.steps import Step, Steps

REACTION_S: Final = 0.5
"""Between what a caller hears and the key they press: nobody waits for the end of a menu that they know."""
AT_ONCE_S: Final = 0.001
"""By then everything has happened that follows from a key at once."""
LIMIT_S: Final = 24 * 3600.0
"""The longest that a flow or a talk may last; a call that goes on then is one in which nothing happens any more."""
UNROUTED: Final = "+902120000000"
"""The number dialled for a flow that no number leads to."""


class DivergenceError(AssertionError):
    """A call went otherwise than a test expected: what was expected, and what happened instead (None: nothing)."""

    def __init__(self, expected: str, seen: Seen | None) -> None:
        happened = "nothing more happens" if seen is None else f"the caller {seen}"
        if isinstance(seen, RingsAt | Asks | Over):
            happened = str(seen)
        super().__init__(f"expected {expected}, but {happened}")
        self.expected = expected
        self.seen = seen


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all calls of a folder's tests share: its book, its prompts read aloud, and counters nobody looks at."""

    book: Book
    sounds: ReadAloud
    counted: Metrics


class Visit:
    """One call; ``visiting`` opens it. Everything that is waited for here passes in virtual time."""

    def __init__(self, ground: Ground, flow: Flow, given: Given, did: str) -> None:
        """Prepare a world in which the call may begin."""
        self.flow = flow
        self._loop = asyncio.get_running_loop()
        self._given = given
        self._sounds = ground.sounds
        self._seen: collections.deque[Seen] = collections.deque()
        self._changed = asyncio.Event()
        self._over = self._closed = self._stuck = False
        self._lately_s = self._loop.time()
        self._ringing: dict[str, PhoneCall] = {}
        self.steps = Steps(self._decided)
        clock = EngineClock(given.at.astimezone(UTC), self._loop.time)
        key = flow.brand, flow.ref.name
        book = dataclasses.replace(
            ground.book, flows={key: _as_given(flow, given)}, routes=Routes(exact={did: key})
        )
        self._names = {
            phone.endpoint: phone.name for phone in book.brands[flow.brand].phones.values()
        }
        self._engine = Engine(
            journal=self.steps,
            book=book,
            recognise=_recogniser(book),
            now=clock.now,
            metrics=ground.counted,
            fetching=OtherSystems(given.http, self._asking_node, self._happened),
            lookups=Remembered(given.asked, given.at),
        )
        switch = SimSwitch(
            listener=self._engine.listen,
            now=clock.now,
            duration_s=ground.sounds.duration_s,
            phones=self._phones(),
            delays=NO_DELAYS,
        )
        self._engine.attach(switch, ground.sounds)
        switch.start()
        self._caller = switch.prepare(did, number=given.number, script=Script(fallback_s=0.0))
        self._caller.ear.listen(self._heard)

    def begin(self) -> None:
        """Let the caller dial."""
        self._limit = self._loop.call_later(LIMIT_S, self._give_up)
        self._caller.call()

    async def close(self) -> None:
        """End what is left of the call, whoever is still on the line."""
        self._limit.cancel()
        self._caller.hang_up()
        await self._engine.stop()

    @property
    def call(self) -> Call | None:
        """The call as it stands; None before the engine has it."""
        return self.steps.all[-1].call if self.steps.all else None

    @property
    def standing(self) -> tuple[str, str]:
        """Where the call stands, or stood in the end: the sub-flow's name (empty: the flow itself) and the node's."""
        return ("", "") if self.call is None else (self.call.subflow, self.call.node)

    async def hears(self, wanted: Wanted) -> Hears:
        """Wait until the caller hears something, which must be this."""
        seen = await self._next()
        if isinstance(seen, Hears) and wanted.is_in(seen):
            return seen
        raise DivergenceError(f"the caller to hear {wanted}", seen)

    async def presses(self, keys: str) -> None:
        """Press keys, half a second after what was heard or done last.

        What begins between two keys and is cut short by the next is not taken as heard.
        """
        await self._in_turn(f"the caller to press {keys}")
        self._caller.press(keys[0])
        for key in keys[1:]:
            await asyncio.sleep(KEY_GAP_S)
            self._caller.press(key)
        await asyncio.sleep(AT_ONCE_S)
        heard = [
            seen for seen in self._seen if not isinstance(seen, Hears) or not seen.is_cut_short
        ]
        self._seen = collections.deque(heard)
        self._lately_s = self._loop.time()

    async def waits(self, for_s: float) -> None:
        """Let time pass; what happens meanwhile is expected afterwards."""
        await asyncio.sleep(for_s)

    async def speaks(self, for_s: float) -> None:
        """Say something of that length, half a second after what was heard or done last."""
        await self._in_turn("the caller to speak")
        self._caller.say(for_s)
        await asyncio.sleep(for_s)

    async def says_nothing(self) -> None:
        """Do nothing until the time is over in which the flow waits for a key."""
        self._expect_nothing("the caller to say nothing")
        decided = len(self.steps.all)
        seen = await self._peek()
        timed_out = any(
            isinstance(step.event, events.TimerFired) for step in self.steps.all[decided:]
        )
        if not timed_out:
            raise DivergenceError("the flow to wait for a key that does not come", seen)

    async def hangs_up(self) -> None:
        """Put the caller's receiver down."""
        await self._in_turn("the caller to hang up")
        self._caller.hang_up()
        seen = await self._next()
        if not isinstance(seen, Over):
            raise DivergenceError("the call to be over", seen)

    async def answers(self, phone: str) -> None:
        """Let somebody pick up a phone that rings, and talk with the caller."""
        if phone not in self._given.phones:
            (await self._rings(phone, "answer")).pick_up()
        seen = await self._next()
        if seen != TalksTo(phone=phone):
            raise DivergenceError(f"the caller to talk with {phone}", seen)

    async def is_busy(self, phone: str) -> None:
        """Let a phone be busy."""
        (await self._rings(phone, "be busy")).turn_busy()

    async def declines(self, phone: str) -> None:
        """Let somebody turn the call away."""
        (await self._rings(phone, "decline")).decline()

    async def does_not_answer(self, phone: str) -> None:
        """Let a phone ring until the flow gives up."""
        await self._rings(phone, "ring")

    async def phone_hangs_up(self, phone: str) -> None:
        """Let the person whom the caller talks with hang up."""
        await self._in_turn(f"{phone} to hang up")
        call = self._ringing.get(phone)
        if call is None or not call.up or call.cause is not None:
            raise DivergenceError(f"the caller to talk with {phone}", await self._next())
        call.hang_up()

    async def ends(self) -> Call:
        """Wait until the call is over, and what the flow does afterwards; nothing else may happen before."""
        if not self._over:
            seen = await self._next()
            if not isinstance(seen, Over):
                raise DivergenceError("the call to be over", seen)
        while not self._closed and not self._stuck:
            self._changed.clear()
            await self._changed.wait()
        if not self._closed:
            raise DivergenceError("the flow to come to its end", None)
        assert self.call is not None
        return self.call

    async def _rings(self, phone: str, so_that: str) -> PhoneCall:
        seen = await self._next()
        if seen != RingsAt(phone=phone):
            raise DivergenceError(f"{phone} to ring and {so_that}", seen)
        return self._ringing[phone]

    async def _in_turn(self, deed: str) -> None:
        """Wait as long as people take; nothing that is not expected may have happened by then."""
        await asyncio.sleep(max(0.0, self._lately_s + REACTION_S - self._loop.time()))
        self._expect_nothing(deed)

    def _expect_nothing(self, deed: str) -> None:
        if self._seen:
            raise DivergenceError(deed, self._seen.popleft())
        if self._over:
            raise DivergenceError(deed, Over(outcome=self._outcome()))

    async def _next(self) -> Seen | None:
        """Return the next thing that happens, and take it as expected; None if nothing will."""
        seen = await self._peek()
        if seen is not None and self._seen:
            self._seen.popleft()
            self._over = self._over or isinstance(seen, Over)
        return seen

    async def _peek(self) -> Seen | None:
        if self._over:
            return Over(outcome=self._outcome())
        while not self._seen and not self._stuck:
            self._changed.clear()
            await self._changed.wait()
        return self._seen[0] if self._seen else None

    def _asking_node(self) -> str:
        subflow, node = self.standing
        return f"{subflow}/{node}" if subflow else node

    def _give_up(self) -> None:
        self._stuck = True
        self._changed.set()

    def _happened(self, seen: Seen) -> None:
        self._seen.append(seen)
        self._lately_s = self._loop.time()
        self._changed.set()

    def _heard(self, heard: Heard) -> None:
        if heard.until_s is not None:
            return
        spoken = self._sounds.spoken(heard.sound)
        if spoken is not None:
            self._happened(
                Hears(
                    prompt=spoken.name,
                    language=spoken.language,
                    text=spoken.text,
                    sound=heard,
                )
            )
        elif heard.sound.startswith(TALK):
            endpoint = heard.sound.removeprefix(TALK)
            self._happened(TalksTo(phone=self._names.get(endpoint, endpoint)))

    def _rang(self, call: PhoneCall) -> None:
        name = self._names[call.phone.endpoint]
        self._ringing[name] = call
        if name not in self._given.phones:
            self._happened(RingsAt(phone=name))

    def _phones(self) -> Iterator[Phone]:
        for endpoint, name in self._names.items():
            phone = Phone(endpoint, self._given.phones.get(name, Rings()))
            phone.on_ring = self._rang
            yield phone

    def _decided(self, step: Step) -> None:
        call = step.call
        if call.phase in {Phase.AFTERWARDS, Phase.ENDED} and not self._is_told_over():
            self._happened(Over(outcome=call.outcome, error=self._error()))
        if call.phase is Phase.ENDED:
            self._closed = True
            self._changed.set()

    def _is_told_over(self) -> bool:
        return self._over or any(isinstance(seen, Over) for seen in self._seen)

    def _outcome(self) -> Outcome | None:
        return None if self.call is None else self.call.outcome

    def _error(self) -> str | None:
        """Return what was wrong with us, if that is why the flow could not go on."""
        failed = (step.event for step in self.steps.all)
        return next((e.error for e in failed if isinstance(e, events.CallFailed)), None)


@contextlib.asynccontextmanager
async def visiting(
    ground: Ground, flow: Flow, given: Given | None = None, *, did: str = UNROUTED
) -> AsyncIterator[Visit]:
    """Open a call on the virtual loop that runs; afterwards nothing of it is left."""
    visit = Visit(ground, flow, given or Given(), did)
    try:
        visit.begin()
        yield visit
    finally:
        await visit.close()


def nodes_of(steps: Steps) -> list[str]:
    """Return the nodes that the call reached, in order; one of a sub-flow is written ``sub-flow/node``."""
    return [
        f"{effect.subflow}/{effect.node}" if effect.subflow else effect.node
        for effect in steps.decided()
        if isinstance(effect, effects.EnterNode)
    ]


def _as_given(flow: Flow, given: Given) -> Flow:
    """Return the flow so that its calls begin in the language and with the values that are given."""
    languages = flow.languages
    if given.language is None and not given.variables:
        return flow
    if given.language is not None:
        languages = (given.language, *(each for each in languages if each != given.language))
    initial = {**flow.initial, **given.variables}
    return dataclasses.replace(flow, languages=languages, initial=initial)


def _recogniser(book: Book) -> Recognise:
    """Return what makes callers of numbers: the same key for the same number, if the brand allows keys."""

    def recognise(
        brand: BrandId, number: str | None, at: datetime, number_id: NumberId | None = None
    ) -> tuple[KnownCaller, NumberRow | None]:
        if number is None:
            return WITHHELD, None
        key = None
        if book.brands[brand].caller_keys:
            key = CallerKey("test:" + hashlib.sha256(number.encode()).hexdigest())
        entry = number_id or NumberId(uuid7_of(at, number))
        return KnownCaller(withheld=False, mask=mask(number), key=key, number_id=entry), None

    return recognise
