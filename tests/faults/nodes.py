"""One engine on two real Asterisks: their settings together, and whether the calls of one notice what happens to the other."""

import asyncio
import contextlib
import dataclasses
import statistics
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.live.access import Access, access, other_instance
from tests.sip.call import Call
from tests.sip.caller import Caller
from tests.whole import records
from tests.whole.engine import Engine
from tests.whole.people import HOUSE

HELD_S: Final = 0.08
PAUSE_S: Final = 0.12
ROUND: Final = "1234567890123#"
"""What is keyed at a time: the question takes 16 digits."""


def both() -> tuple[Access, Access]:
    """Return the Asterisk under test and the second one."""
    return access(), access(other_instance())


def node_of(at: Access) -> str:
    """Return the name by which the engine's settings know an Asterisk."""
    return f"ast{at.instance}"


def settings(folder: Path) -> Path:
    """Write the settings of one engine on both."""
    path = folder / "settings.toml"
    texts = [at.settings.read_text(encoding="utf-8") for at in both()]
    path.write_text("\n".join(texts), encoding="utf-8")
    return path


def dial(at: Access) -> contextlib.AbstractAsyncContextManager[Call]:
    """Call the house through one of them."""
    return Caller.dial(HOUSE, at=at.sip, keys="info")


@dataclasses.dataclass
class Keying:
    """Somebody who keys digits without a pause, and when each was sent."""

    call: Call
    sent: list[tuple[float, str]] = dataclasses.field(default_factory=list)
    stopping: bool = False

    async def goes_on(self) -> None:
        """Key the number again and again: each time the menu asks anew, and is told to ask for the number."""
        while not self.stopping:
            await self._key("2")
            for digit in ROUND:
                await self._key(digit)

    async def _key(self, digit: str) -> None:
        self.sent.append((time.time(), digit))
        await self.call.press(digit, held_s=HELD_S, gap_s=PAUSE_S)


@contextlib.asynccontextmanager
async def keying(at: Access) -> AsyncIterator[Keying]:
    """Let somebody key digits on a node, for the length of the block and to the end of a round."""
    async with dial(at) as call:
        await call.answered()
        keying = Keying(call)
        task = asyncio.ensure_future(keying.goes_on())
        yield keying
        keying.stopping = True
        await task
        await call.press("5", held_s=HELD_S, gap_s=PAUSE_S)
        await call.hung_up()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How the engine heard what was keyed: how many, and by how much the slowest was slower than the usual one."""

    sent: int
    taken: int
    usual_s: float
    slowest_s: float


def heard(engine: Engine, keyed: Keying, call_id: str) -> Heard:
    """Compare what was keyed with what the engine took, each key with its instant there."""
    taken = [
        datetime.fromisoformat(str(step.fields["at"])).astimezone(UTC).timestamp()
        for step in records.steps_of(engine.data, call_id)
        if step.kind == "DigitPressed"
    ]
    keys = keyed.sent
    delays = [at - sent for at, (sent, _) in zip(taken, keys, strict=False)]
    usual_s = statistics.median(delays)
    return Heard(sent=len(keys), taken=len(taken), usual_s=usual_s, slowest_s=max(delays) - usual_s)
