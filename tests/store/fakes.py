"""Stand-ins for the journal and the database, at the ports that the shipper declares."""

import asyncio
from collections.abc import Callable, Sequence

from ivrengine.core.rows import Batch, EventRow, Position, Row
from ivrengine.store.gaps import Sent
from ivrengine.store.items import Item
from ivrengine.store.parking import Parked


class FakeJournal:
    """A journal in memory; a position is (1, number of rows before it)."""

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.rows = list(rows)
        self.acknowledged: Position = (1, 0)
        self.rewinds: list[Position] = []
        self.reads = 0
        self._next = 0
        self._moved = asyncio.Event()

    def read(self, limit: int) -> Batch:
        self.reads += 1
        found = self.rows[self._next : self._next + limit]
        self._next += len(found)
        return Batch(rows=tuple(found), end=self.position())

    def acknowledge(self, end: Position) -> None:
        self.acknowledged = max(self.acknowledged, end)
        self._moved.set()

    async def shipped(self, count: int) -> None:
        """Wait until so many rows are acknowledged."""
        while self.acknowledged[1] < count:
            self._moved.clear()
            await self._moved.wait()

    def rewind(self, to: Position) -> None:
        self.rewinds.append(to)
        self._next = to[1]

    def position(self) -> Position:
        return (1, self._next)


class FakeDatabase:
    """A database in memory that can be away, slow, or lose what it said it had; its ``connect`` is the shipper's."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.written_at: list[float] = []
        self.batches: list[int] = []
        self.parked: list[Parked] = []
        self.connects: list[float] = []
        self.closed = 0
        self.tidied: list[float] = []
        self.trouble: Callable[[], BaseException | None] = lambda: None
        """Raised by whatever is asked of the database, while it is not None."""
        self.write_trouble: Callable[[Sequence[Item]], BaseException | None] = lambda _: None
        self.tidy_trouble: Callable[[], BaseException | None] = lambda: None
        self.park_trouble: Callable[[], BaseException | None] = lambda: None
        self.swallows: Callable[[Item], bool] = lambda _: False
        """Which rows vanish although their commit was confirmed."""
        self.write_s = 0.0
        self.in_memory_max = 0

    async def connect(self) -> "FakeDatabase":
        self.connects.append(_now())
        self._stumble(self.trouble())
        return self

    async def write(self, items: Sequence[Item]) -> Sequence[EventRow]:
        self.in_memory_max = max(self.in_memory_max, len(items))
        if self.write_s:
            await asyncio.sleep(self.write_s)
        self._stumble(self.trouble())
        self._stumble(self.write_trouble(items))
        self.items += [item for item in items if not self.swallows(item)]
        self.written_at.append(_now())
        self.batches.append(sum(isinstance(item, EventRow) for item in items))
        return ()

    async def park(self, row: Parked) -> bool:
        self._stumble(self.park_trouble())
        self.parked.append(row)
        return True

    async def first_lost(self, sent: Sent) -> int | None:
        self._stumble(self.trouble())
        held = {(row.stream_id, row.seq) for row in self.events}
        lost = [
            part
            for part, stream, lowest, highest, rows in sent.runs
            if sum((stream, seq) in held for seq in range(lowest, highest + 1)) < rows
        ]
        return min(lost, default=None)

    async def tidy(self) -> bool:
        self.tidied.append(_now())
        self._stumble(self.tidy_trouble())
        return False

    async def close(self) -> None:
        self.closed += 1

    @property
    def events(self) -> list[EventRow]:
        return [item for item in self.items if isinstance(item, EventRow)]

    def lose(self, count: int) -> None:
        """Forget the last events, as a standby that takes over may have."""
        lost = {id(row) for row in self.events[-count:]}
        self.items = [item for item in self.items if id(item) not in lost]

    @staticmethod
    def _stumble(trouble: BaseException | None) -> None:
        if trouble is not None:
            raise trouble


def _now() -> float:
    return asyncio.get_running_loop().time()
