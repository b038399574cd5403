"""What new calls are served from: a book, its flow versions recorded, and each switch with the prompts as it can play them."""

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from ivrengine.core.ids import NodeName
from ivrengine.core.rows import FlowRow
from ivrengine.engine.ledger import Ledger
from ivrengine.engine.performing import Door, Performer, Sounds
from ivrengine.engine.switch import Switch
from ivrengine.flow.book import Book
from ivrengine.flow.model import Flow
from ivrengine.telemetry.flows import FlowMeter

SLICE: Final = 5
"""So many flows are recorded, or let go of, in one go, which takes about a millisecond; then the calls have their turn."""


class Stock:
    """One book, changed as a whole; calls in progress keep what they began with, for they hold it themselves."""

    def __init__(self, journal: Ledger, counts: FlowMeter, now: Callable[[], datetime]) -> None:
        """Begin with a book in which there is nothing."""
        self._journal = journal
        self._counts = counts
        self._now = now
        self._doors: dict[NodeName, Door] = {}
        self._adopt(Book())

    @property
    def book(self) -> Book:
        """The book."""
        return self._book

    @property
    def performer(self) -> Performer:
        """What performs the effects of calls that begin now."""
        return self._performer

    def switch(self, node: NodeName) -> Switch:
        """Return the switch of a node."""
        return self._doors[node].switch

    def attach(self, switch: Switch, sounds: Sounds) -> None:
        """Make a switch known."""
        self._doors[switch.node] = Door(switch=switch, sounds=sounds)

    def take(self, book: Book) -> None:
        """Record the flow versions of a book, and have it; raises ``JournalError``."""
        for flow in book.flows.values():
            self._record(flow)
        self._adopt(book)

    async def record(self, book: Book) -> None:
        """Record the flow versions of a book that is to come, a few at a time; raises ``JournalError``."""
        for number, flow in enumerate(book.flows.values(), 1):
            self._record(flow)
            if number % SLICE == 0:
                await asyncio.sleep(0)

    def change(self, book: Book, sounds: Mapping[NodeName, Sounds]) -> list[Flow]:
        """Have a book that is recorded, with its prompts for each node; return the flows it replaces, for ``let_go``."""
        replaced = list(self._book.flows.values())
        self._doors = {
            node: dataclasses.replace(door, sounds=sounds[node])
            for node, door in self._doors.items()
        }
        self._adopt(book)
        return replaced

    def _record(self, flow: Flow) -> None:
        row = FlowRow(
            flow_hash=flow.ref.hash,
            brand=flow.brand,
            name=flow.ref.name,
            text=flow.text,
            loaded_at=self._now(),
            uses=tuple((name, subflow.ref.hash) for name, subflow in flow.subflows.items()),
        )
        self._journal.append_flow(row)
        self._counts.know(flow.brand, flow.ref.name, {node.type for node in flow.nodes.values()})

    def _adopt(self, book: Book) -> None:
        self._journal.retire_flows((flow.brand, flow.ref.hash) for flow in book.flows.values())
        self._book = book
        # Calls hold the performer that they began with: a whole book in it would be freed at one blow with the last of them.
        directory = Book(brands=book.brands)
        self._performer = Performer(self._doors.__getitem__, directory)


async def let_go(flows: list[Flow]) -> None:
    """Drop flows a few at a time: the last reference to one frees all that was made of its nodes, while no call is heard."""
    while flows:
        del flows[-SLICE:]
        await asyncio.sleep(0)
