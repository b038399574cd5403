"""How the engine of ``serve`` is, from its parts: what ``/readyz`` answers and systemd shows. It looks, and waits for nothing."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from ivrengine import app
from ivrengine.asterisk.beside import Beside
from ivrengine.asterisk.lease import Lease
from ivrengine.asterisk.switch import AriSwitch
from ivrengine.flow.problems import Problem, Severity
from ivrengine.store.shipper import State as Shipping
from ivrengine.telemetry.readiness import Check, Readiness, State, one_suffices

LATE_S_MAX: Final = 1.0
"""A loop that is so late makes callers wait for what they notice; the dialplan gives up on it at five."""

Look = Callable[[], Iterable[Check]]


class Status:
    """What is known of the engine; ``look_at`` adds to it."""

    def __init__(self, problems: Sequence[Problem] = ()) -> None:
        self.problems: Callable[[], Sequence[Problem]] = lambda: problems
        """What is wrong with the flows that calls are taken by now."""
        self._looks: list[Look] = [lambda: flows(self.problems())]
        self._stage: str | None = "starting"

    def begin(self, stage: str) -> None:
        """Note that the engine cannot take calls, for this reason."""
        self._stage = stage

    def run(self) -> None:
        """Note that it runs."""
        self._stage = None

    def look_at(self, look: Look) -> None:
        """Ask this, too, whenever somebody wants to know."""
        self._looks.append(look)

    def readiness(self) -> Readiness:
        """Return how everything is now; of an engine that does not run, no more than that."""
        engine = Check.of("engine", self._stage, otherwise=State.FAILED)
        looks = self._looks if self._stage is None else ()
        return Readiness(checks=[engine, *(check for look in looks for check in look())])


def flows(problems: Sequence[Problem]) -> Iterator[Check]:
    """Yield whether all flows could be loaded; without any the engine does not start."""
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    why = f"{len(errors)} errors, the first: {errors[0]}" if errors else None
    yield Check.of("flows", why, otherwise=State.DEGRADED)


def parts(running: app.Running) -> Iterator[Check]:
    """Yield the checks of the engine's own parts."""
    room = running.journal.has_room()
    why = None if room else "the disk is full: calls in progress go on, new ones go to the fallback"
    yield Check.of("journal", why, otherwise=State.FAILED)
    shipper = running.shipper
    away = None if shipper.state is Shipping.SHIPPING else shipper.trouble or "not reached yet"
    yield Check.of("database", away, otherwise=State.DEGRADED)
    calls = len(running.engine.calls())
    full = (
        f"{calls} calls in progress, which is the limit"
        if calls >= running.limits.calls_max
        else None
    )
    yield Check.of("calls", full, otherwise=State.DEGRADED)
    late_s = running.lag.worst_s
    late = f"the event loop is {late_s:.1f} s late" if late_s > LATE_S_MAX else None
    yield Check.of("loop", late, otherwise=State.DEGRADED)


def asterisk(switch: AriSwitch, right: Lease) -> Check:
    """Return whether an Asterisk gives us its calls and answers in time."""
    why: str | None = None
    if right.waits_for is not None:
        why = "another engine answers its calls; this one is its standby"
    elif not switch.up:
        why = switch.trouble or "not connected yet"
    elif not switch.healthy:
        why = "ARI does not answer"
    return Check.of(f"asterisk {switch.node}", why, otherwise=State.FAILED)


def ami(beside: Beside) -> Iterator[Check]:
    """Yield whether a manager interface tells us what it should; calls do without."""
    link = beside.ami
    if link is not None:
        why = None if link.up else link.trouble or "not connected yet"
        yield Check.of(f"ami {link.name}", why, otherwise=State.DEGRADED)


def nodes(doors: Iterable[tuple[AriSwitch, Lease, Beside]]) -> list[Check]:
    """Return the checks of all nodes: while one Asterisk is there, calls are answered."""
    found = list(doors)
    asterisks = one_suffices(asterisk(switch, right) for switch, right, _ in found)
    return [*asterisks, *(check for _, _, beside in found for check in ami(beside))]
