"""A shipper between a journal and a database that are both in memory."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from ivrengine.core.rows import Row
from ivrengine.store.shipper import Shipper
from ivrengine.telemetry import metrics
from tests.store.fakes import FakeDatabase, FakeJournal


class Bench:
    """A shipper between a journal and a database that are both at hand."""

    def __init__(
        self, rows: Sequence[Row] = (), *, folder: Path = Path("nowhere"), batch_rows: int = 10
    ) -> None:
        self.journal = FakeJournal(rows)
        self.database = FakeDatabase()
        self.metrics = metrics.new()
        self.parked_file = folder / "parked.jsonl"
        self.shipper = Shipper(
            self.journal,
            self.database.connect,
            metrics=self.metrics,
            parked_file=self.parked_file,
            batch_rows=batch_rows,
            chance=lambda: 0.999,
            explain=lambda error: f"because of {type(error).__name__}",
        )

    def append(self, *rows: Row) -> None:
        """Write to the journal as the engine does."""
        self.journal.rows += rows
        self.shipper.wake()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.shipper.run())
        try:
            yield
        finally:
            self.shipper.finish()
            await task

    async def ship_all(self) -> None:
        self.shipper.finish()
        await self.shipper.run()

    @property
    def state(self) -> str:
        return self.shipper.state

    def count(self, name: str, **labels: str) -> float:
        return metrics.total(self.metrics, f"{name}_total", **labels)


def now() -> float:
    return asyncio.get_running_loop().time()


def waits(instants: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(instants)]
