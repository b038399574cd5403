"""An engine in a house of its own: simulated switch, journal in a folder, flows from plain data; for tests of the engine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ivrengine.core import effects, switching
from ivrengine.core.call import Caller, FlowRef
from ivrengine.core.ids import BrandId, CallerKey, FlowHash, NumberId
from ivrengine.core.rows import EventRow, NumberRow
from ivrengine.engine.clock import EngineClock
from ivrengine.engine.engine import Engine
from ivrengine.engine.inquiring import Fetching, Lookups, NoStore, Nowhere
from ivrengine.engine.journal_reading import Reader, recover
from ivrengine.engine.limits import Limits
from ivrengine.flow.book import Book, Brand, Phone, Routes
from ivrengine.flow.expressions import Compiler, Programs
from ivrengine.flow.model import Flow, FlowSource
from ivrengine.flow.node import Kit
from ivrengine.prompts.library import PromptMissingError
from ivrengine.sim.phones import Phone as SimPhone
from ivrengine.sim.switch import NO_DELAYS, SimSwitch
from ivrengine.telemetry import metrics
from tests.engine.tapping import Tap, TappedJournal, tapped, tapped_fetching, tapped_lookups

BRAND = BrandId("acme")
DID = "+902124440101"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PROMPT_S = 2.0
NOT_RECOGNISED = "+900000000000"
"""A number at which the recogniser of this house breaks."""


class Sounds:
    """Every prompt exists and lasts two seconds, except ``missing``; looking for ``broken`` is a fault of ours."""

    def media(self, brand: BrandId, name: str, language: str) -> str:
        if name == "missing":
            raise PromptMissingError(f"no prompt {name}")
        if name == "broken":
            raise ZeroDivisionError
        return f"sound:{brand}/{language}/{name}"

    async def speech(self, brand: BrandId, spoken: effects.Spoken, language: str) -> str:
        return self.media(brand, f"spoken {spoken.text}", language)


def recognise(
    brand: BrandId,  # noqa: ARG001 - the engine's protocol
    number: str | None,
    at: datetime,  # noqa: ARG001
    number_id: NumberId | None = None,
) -> tuple[Caller, NumberRow | None]:
    if number == NOT_RECOGNISED:
        raise ZeroDivisionError
    if number is None:
        return Caller(withheld=True, mask="withheld", key=None, number_id=number_id), None
    mask = f"{number[:3]}***{number[-2:]}"
    key, number_id = CallerKey(f"key of {mask}"), number_id or NumberId(f"entry of {mask}")
    return Caller(withheld=False, mask=mask, key=key, number_id=number_id), None


def flow_of(source: Mapping[str, Any]) -> Flow:
    """Compile a flow from plain data, without the checks of ``load``."""
    model = FlowSource.model_validate(
        {"flow": "main", "brand": BRAND, "languages": ["tr"], **source}
    )
    compiler = Compiler({name: variable.type for name, variable in model.variables.items()})
    texts = [e for node in model.nodes.values() for e in node.expressions()]
    return Flow(
        ref=FlowRef(name=model.flow, hash=FlowHash("0" * 64)),
        brand=BRAND,
        languages=model.languages,
        start=model.start,
        nodes=model.nodes,
        exits={name: node.exits() for name, node in model.nodes.items()},
        initial={name: variable.default or "" for name, variable in model.variables.items()},
        kit=Kit(
            programs=Programs({e.text: compiler.compile(e.text, e.expects) for e in texts}),
        ),
        text="",
    )


def book_of(flow: Flow) -> Book:
    phones = {name: Phone(name=name, endpoint=f"PJSIP/{name}") for name in ("reception", "ghost")}
    brand = Brand(brand=BRAND, name="Acme", country="TR", phones=phones)
    routes = Routes(exact={DID: (BRAND, flow.ref.name)})
    return Book(flows={(BRAND, flow.ref.name): flow}, brands={BRAND: brand}, routes=routes)


class House:
    """What a test looks at: the engine, the switches, and what the journal says. The engine may die and be followed."""

    def __init__(
        self,
        folder: Path,
        book: Book,
        limits: Limits | None = None,
        *,
        started_at: datetime = NOON,
        tap: Tap | None = None,
        reserve_bytes: int = 0,
        fetching: Fetching | None = None,
        lookups: Lookups | None = None,
    ) -> None:
        self.folder = folder
        self.reserve_bytes = reserve_bytes
        self.book = book
        self.limits = limits
        self.started_at = started_at
        self.tap = tap
        self.fetching = tapped_fetching(fetching or Nowhere(), tap)
        self.lookups = tapped_lookups(lookups or NoStore(), tap)
        self.alive = True
        self.overhear: Callable[[switching.SwitchEvent], None] = lambda _event: None
        self.switches: list[SimSwitch] = []
        self.counted = metrics.new()
        self.engine: Engine
        self.journal: TappedJournal
        self._run()

    @property
    def switch(self) -> SimSwitch:
        return self.switches[0]

    def now(self) -> datetime:
        return self._clock.now()

    def hear(self, event: switching.SwitchEvent) -> None:
        """Take a switch's event to whichever engine lives now."""
        self.overhear(event)
        self.engine.listen(event)

    def _run(self) -> None:
        """Begin an engine on the journal as it is."""
        recovered = recover(self.folder)
        loop = asyncio.get_running_loop()
        wall = self.started_at + timedelta(seconds=loop.time())
        self._clock = EngineClock(wall, loop.time, floor=recovered.last_at)
        self.born_at = self._clock.now()
        self.journal = TappedJournal(self.folder, reserve_bytes=self.reserve_bytes)
        self.journal.tap = self.tap
        self.journal.begin(recovered, self._clock.now())
        self.engine = Engine(
            journal=self.journal,
            book=self.book,
            recognise=recognise,
            now=self._clock.now,
            metrics=self.counted,
            limits=self.limits,
            fetching=self.fetching,
            lookups=self.lookups,
        )
        for switch in self.switches:
            self.engine.attach(tapped(switch, self.tap), Sounds())
        if self.switches:
            self.engine.recover(recovered)

    def add(self, switch: SimSwitch) -> None:
        self.switches.append(switch)
        self.engine.attach(tapped(switch, self.tap), Sounds())

    def kill(self) -> None:
        """Let the engine die in the middle of whatever it does; the switches notice that it is gone."""
        dead, self.alive = self.engine, False
        for switch in self.switches:
            switch.lose_engine()
        for node in dead._reconciled.values():
            node.close()
        for task in dead._tasks:
            task.cancel()
        self.journal.close()

    async def restart(self, book: Book | None = None) -> None:
        """Begin another engine where the killed one ended."""
        await asyncio.sleep(0)  # the dead let go
        self.book = book or self.book
        self._run()
        self.alive = True
        for switch in self.switches:
            switch.start()

    def rows(self) -> list[EventRow]:
        reader = Reader(self.journal.folder, lambda: self.journal.segment, lambda: None)
        read = reader.read(100_000).rows
        reader.close()
        return [row for row in read if isinstance(row, EventRow)]

    def kinds(self) -> list[str]:
        return [row.kind for row in self.rows()]

    def outcome(self) -> str | None:
        call = self.rows()[-1].call
        return None if call is None else call.outcome

    def count(self, name: str, **labels: str) -> float:
        return metrics.total(self.counted, name, **labels)


@contextlib.asynccontextmanager
async def a_house(
    folder: Path,
    flow: Mapping[str, Any] | Book,
    *,
    limits: Limits | None = None,
    phones: tuple[SimPhone, ...] = (),
    seed: int = 0,
    nodes: Sequence[str] = ("sim",),
    started_at: datetime = NOON,
    tap: Tap | None = None,
    reserve_bytes: int = 0,
    fetching: Fetching | None = None,
    lookups: Lookups | None = None,
) -> AsyncIterator[House]:
    """Open the engine and its switches; close all when the test is over."""
    book = flow if isinstance(flow, Book) else book_of(flow_of(flow))
    house = House(
        folder,
        book,
        limits,
        started_at=started_at,
        tap=tap,
        reserve_bytes=reserve_bytes,
        fetching=fetching,
        lookups=lookups,
    )
    for node in nodes:
        switch = SimSwitch(
            listener=house.hear,
            now=house.now,
            duration_s=lambda _media: PROMPT_S,
            seed=seed,
            node=node,
            phones=phones if node == nodes[0] else (),
            delays=NO_DELAYS,
        )
        house.add(switch)
    house.engine.recover(recover(folder))
    for switch in house.switches:
        switch.start()
    try:
        yield house
    finally:
        if house.alive:
            await house.engine.stop()
        house.journal.close()
