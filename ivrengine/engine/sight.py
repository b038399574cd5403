"""What the engine sees beside calls: keeps the newest ``reachability``, and tells its changes to people and metrics."""

import structlog

from ivrengine.core.ids import NodeName
from ivrengine.core.switching import PhoneState, SightLost, SwitchEnding, TrunkSeen
from ivrengine.engine import reachability
from ivrengine.telemetry.metrics import Metrics

_log = structlog.get_logger("engine")


class Watch:
    """The phones and trunks of all nodes, as they stand."""

    def __init__(self, metrics: Metrics) -> None:
        self.reachability: reachability.Reachability = {}
        self._metrics = metrics

    def phone(self, node: NodeName, endpoint: str) -> PhoneState | None:
        """Return what a phone does; None if nobody tells."""
        return reachability.phone(self.reachability, node, endpoint)

    def take(self, sight: reachability.Sight) -> None:
        """Note what a switch tells."""
        before = self.reachability.get(sight.node, reachability.NodeSight())
        self.reachability = reachability.seen(self.reachability, sight)
        after = self.reachability.get(sight.node, reachability.NodeSight())
        match sight:
            case TrunkSeen() if before.trunks.get(sight.trunk) is not sight.up:
                tell = _log.info if sight.up else _log.error
                tell(
                    "trunk up" if sight.up else "trunk down",
                    node=sight.node,
                    trunk=sight.trunk,
                    reason=sight.reason,
                )
            case SwitchEnding():
                _log.warning("asterisk ends", node=sight.node, again=sight.again)
            case SightLost():
                for trunk in before.trunks:
                    self._metrics.trunk_up.remove(sight.node, trunk)
            case _:
                pass
        self._measure(sight.node, before, after)

    def _measure(
        self, node: NodeName, before: reachability.NodeSight, after: reachability.NodeSight
    ) -> None:
        if after.phones is not before.phones:
            for state, count in after.counted().items():
                self._metrics.phones.labels(node, state).set(count)
        for trunk, up in after.trunks.items():
            self._metrics.trunk_up.labels(node, trunk).set(up)
        self._metrics.fallback_waiting.labels(node).set(after.waiting)
