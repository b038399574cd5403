"""Tells each switch's dialplan every second that the engine lives and what it may be given (before hop 0 of a call's way).

An engine whose event loop is blocked, or whose process is stopped, announces nothing: within five seconds the dialplan
gives new callers to people instead.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

import structlog

from ivrengine.core.ids import NodeName
from ivrengine.core.switching import Announcement, RequestRefusedError
from ivrengine.engine import admission
from ivrengine.engine.lag import LagProbe
from ivrengine.engine.limits import Limits
from ivrengine.engine.switch import Switch
from ivrengine.telemetry.metrics import Metrics

EVERY_S: Final = 1.0
"""The dialplan takes five seconds without an announcement for the engine's end: four may get lost."""
ANSWER_S: Final = 3.0
"""An Asterisk that is overloaded answers late, and must not for that take the engine for dead; a second try is in time, too."""
LOOK_EVERY_S: Final = 0.1
"""Callers must not wait for the next second when a link is back, nor come when the engine begins to stop."""

_log = structlog.get_logger("announcing")


class Load(Protocol):
    """What an engine can say of its own work."""

    def takes_calls(self, node: NodeName) -> bool:
        """Tell whether a call that arrives there now would be taken."""
        ...

    def calls_on(self, node: NodeName) -> int:
        """Return how many calls are in progress there."""
        ...

    def arrived_on(self, node: NodeName) -> int:
        """Return how many calls have arrived there since the engine began."""
        ...

    def emergency(self) -> Sequence[str]:
        """Return the numbers that are kept a share of the limits for."""
        ...


class Announcer:
    """Announces one engine."""

    def __init__(
        self,
        load: Load,
        *,
        engine: str,
        limits: Limits,
        now: Callable[[], datetime],
        lag: LagProbe,
        request_s: Callable[[NodeName], float | None],
        metrics: Metrics,
    ) -> None:
        """Announce in the name of ``engine``; ``request_s`` tells of each node how long nine of ten requests took lately."""
        self._load = load
        self._engine = engine
        self._limits = limits
        self._now = now
        self._lag = lag
        self._request_s = request_s
        self._metrics = metrics

    async def run(self, switch: Switch) -> None:
        """Announce on one switch until cancelled: each second, and as soon as it takes calls or no more."""
        clock = asyncio.get_running_loop().time
        node = switch.node
        ceiling = admission.Ceiling(
            calls_max=self._limits.calls_max, calls_per_s_max=self._limits.calls_per_s_max
        )
        admitted = admission.at_first(ceiling)
        arrived = self._load.arrived_on(node)
        taking, took_s = False, 0.0
        # Before that there is nothing to take back: what is written there is of an engine that is dead.
        await self._until(math.inf, node, takes=False)
        due = clock()
        while True:
            if clock() >= due:
                due = clock() + EVERY_S
                before, arrived = arrived, self._load.arrived_on(node)
                measured = self._measured(node, arrived - before, took_s)
                admitted = admission.adapted(admitted, measured, ceiling)
            takes = self._load.takes_calls(node)
            began = clock()
            taking = await self._announce(switch, admitted, takes=takes, told=taking)
            took_s = clock() - began
            await self._until(due, node, takes=takes)

    async def _until(self, due: float, node: NodeName, *, takes: bool) -> None:
        """Wait for the next announcement, or for what makes one due at once."""
        clock = asyncio.get_running_loop().time
        while (left_s := due - clock()) > 0:
            if self._load.takes_calls(node) is not takes:
                return
            await asyncio.sleep(min(LOOK_EVERY_S, left_s))

    def _measured(self, node: NodeName, arrived: int, took_s: float) -> admission.Measured:
        """Return what was seen within the second; announcements are answered late even when no call's requests are at all."""
        return admission.Measured(
            lag_s=self._lag.worst_s,
            request_s=max(self._request_s(node) or 0.0, took_s),
            calls=self._load.calls_on(node),
            arrived=arrived,
        )

    async def _announce(
        self, switch: Switch, admitted: admission.Admitted, *, takes: bool, told: bool
    ) -> bool:
        """Announce once, ``told`` being what was last; tell whether the switch now knows that calls are taken."""
        emergency = tuple(self._load.emergency())
        announcement = Announcement(
            at=self._now(),
            engine=self._engine,
            calls_max=admitted.calls_max if takes else 0,
            calls_per_s_max=admitted.calls_per_s_max if takes else 0,
            emergency=emergency,
            emergency_share=self._limits.emergency_share if emergency else 0.0,
        )
        try:
            async with asyncio.timeout(ANSWER_S):
                await switch.announce(announcement)
        except (RequestRefusedError, TimeoutError) as error:
            if told and takes:
                _log.warning("not announced", node=switch.node, reason=str(error) or "no answer")
            return False
        if takes is not told:
            _log.info("taking calls" if takes else "taking no calls", node=switch.node)
        gauges = self._metrics
        gauges.admission_calls_max.labels(switch.node).set(announcement.calls_max)
        gauges.admission_calls_per_s_max.labels(switch.node).set(announcement.calls_per_s_max)
        return takes
