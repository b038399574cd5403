"""What one step of the core costs: CPU per event of scripted calls through the example flow, CEL included.

Nothing but ``begin`` and ``step`` is measured: no journal, no requests, no event loop.
"""

import dataclasses
import gc
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from ivrengine.core import effects, events
from ivrengine.core.call import Call, Caller
from ivrengine.core.ids import CallId, ChannelId
from ivrengine.flow.load import load_folder
from ivrengine.flow.model import Flow
from ivrengine.flow.running import step

FLOWS: Final = Path(__file__).resolve().parents[1] / "flows"
DID: Final = "+902124440101"
AT: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CHANNEL: Final = ChannelId("ast1:1732213.7")
TARGET_US: Final = 50.0

Deed = Callable[[Call], events.CallEvent]


def _keyed(digit: str) -> Deed:
    return lambda _: events.DigitPressed(at=AT, channel_id=CHANNEL, digit=digit)


def _prompt_over(call: Call) -> events.CallEvent:
    assert call.cursor.playback_id is not None
    return events.PlaybackFinished(at=AT, playback_id=call.cursor.playback_id, completed=True)


def _time_over(call: Call) -> events.CallEvent:
    assert call.cursor.timer_id is not None
    return events.TimerFired(at=AT, timer_id=call.cursor.timer_id)


def _answered(call: Call) -> events.CallEvent:
    assert call.cursor.leg_id is not None
    return events.LegAnswered(at=AT, channel_id=call.cursor.leg_id)


def _joined(call: Call) -> events.CallEvent:
    assert call.cursor.leg_id is not None
    assert call.cursor.bridge_id is not None
    return events.BridgeJoined(
        at=AT, bridge_id=call.cursor.bridge_id, channel_id=call.cursor.leg_id
    )


def _hung_up(_: Call) -> events.CallEvent:
    return events.ChannelEnded(at=AT, channel_id=CHANNEL, cause=16)


SCRIPT: Final[tuple[tuple[str, Deed], ...]] = (
    ("play is over, menu asks", _prompt_over),
    ("menu's key, language, next menu", _keyed("2")),
    ("menu's key, collect asks", _keyed("1")),
    ("collect's prompt is over", _prompt_over),
    ("collect takes a digit", _keyed("9")),
    ("collect takes a digit", _keyed("9")),
    ("collect takes a digit", _keyed("9")),
    ("entry ends: switch, set, switch, play", _keyed("#")),
    ("play is over, collect asks again", _prompt_over),
    ("collect takes a digit", _keyed("7")),
    ("entry ends: switch, play", _keyed("#")),
    ("play is over, menu asks", _prompt_over),
    ("menu's prompt is over", _prompt_over),
    ("nobody presses, menu asks again", _time_over),
    ("menu's key, play", _keyed("0")),
    ("play is over, transfer rings", _prompt_over),
    ("phone is picked up", _answered),
    ("phone is in the bridge", _joined),
    ("caller hangs up", _hung_up),
)
"""A call that meets every kind of node but the last goodbye."""


def _arrival(flow: Flow) -> events.CallArrived:
    return events.CallArrived(
        at=AT,
        call_id=CallId("01a1fdfa-4600-7022-b847-26afb03aba14"),
        brand=flow.brand,
        did=DID,
        channel_id=CHANNEL,
        caller=Caller(withheld=False, mask="+90 532 *** ** 67", key=None, number_id=None),
        flow=flow.ref,
        language=flow.languages[0],
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Figures:
    """Microseconds per step of one kind, and over all steps."""

    by_step: dict[str, list[float]]

    def all(self) -> list[float]:
        """Return every step's cost."""
        return [cost for costs in self.by_step.values() for cost in costs]


def run(calls: int = 2_000) -> Figures:
    """Walk the script so many times and time each step."""
    book, problems = load_folder(FLOWS)
    flow = book.route(DID)
    assert flow is not None, "\n".join(map(str, problems))
    arrival = _arrival(flow)
    costs: dict[str, list[float]] = {"arrival: answer, play": []}
    costs |= {name: [] for name, _ in SCRIPT}
    clock = time.thread_time_ns  # CPU: others use the machine too
    gc.collect()
    gc.disable()
    for _ in range(calls):
        began = clock()
        call, done = step.begin(flow, arrival)
        costs["arrival: answer, play"].append((clock() - began) / 1000)
        for name, deed in SCRIPT:
            event = deed(call)
            began = clock()
            call, done = step.step(flow, call, event)
            costs[name].append((clock() - began) / 1000)
        assert isinstance(done[-1], effects.EndCall), "the script does not fit the example flow"
    gc.enable()
    return Figures(costs)


def measure(calls: int = 2_000) -> dict[str, float]:
    """Return the figures."""
    costs = run(calls).all()
    return {
        "step_us_median": round(statistics.median(costs), 1),
        "step_us_p99": round(statistics.quantiles(costs, n=100)[-1], 1),
    }


def main() -> None:
    """Print what each kind of step costs."""
    figures = run()
    table = Table("step", "median µs", "p99 µs", title="One step of the core")
    rows = [*figures.by_step.items(), ("all steps", figures.all())]
    for name, costs in rows:
        p99 = statistics.quantiles(costs, n=100)[-1]
        table.add_row(name, f"{statistics.median(costs):.1f}", f"{p99:.1f}")
    Console().print(table)
    Console().print(f"target: a median of at most {TARGET_US:g} µs")


if __name__ == "__main__":
    main()
