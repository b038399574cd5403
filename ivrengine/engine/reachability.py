"""What is known of phones and trunks: a pure fold over what the switches tell of them.

A phone that is in use by a call of nobody's (its agent dialled, the fallback queue rang it) is busy all the same, and one that
is unreachable is no phone at present. Of a node that tells nothing (any more), nothing is known: that is not the same as free.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import assert_never

from ivrengine.core.ids import NodeName
from ivrengine.core.switching import (
    FallbackSeen,
    PhoneSeen,
    PhoneState,
    SightLost,
    SwitchEnding,
    TrunkSeen,
)

Sight = PhoneSeen | TrunkSeen | FallbackSeen | SightLost | SwitchEnding
"""What a switch tells beside calls."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NodeSight:
    """What is known of one node; the door bounds how many phones and trunks it names."""

    phones: Mapping[str, PhoneState] = dataclasses.field(default_factory=dict)
    trunks: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    waiting: int = 0
    """Callers in the fallback queue."""

    def counted(self) -> Mapping[PhoneState, int]:
        """Return how many phones are in each state."""
        found = Counter(self.phones.values())
        return {state: found[state] for state in PhoneState}


Reachability = Mapping[NodeName, NodeSight]
"""By node; one that is not in it tells nothing."""


def seen(reachability: Reachability, sight: Sight) -> Reachability:
    """Return what is known after this."""
    node = reachability.get(sight.node, NodeSight())
    match sight:
        case PhoneSeen():
            after = dataclasses.replace(node, phones={**node.phones, sight.endpoint: sight.state})
        case TrunkSeen():
            after = dataclasses.replace(node, trunks={**node.trunks, sight.trunk: sight.up})
        case FallbackSeen():
            after = dataclasses.replace(node, waiting=sight.waiting)
        case SightLost():
            return {name: held for name, held in reachability.items() if name != sight.node}
        case SwitchEnding():
            return reachability
        case _:
            assert_never(sight)
    return {**reachability, sight.node: after}


def phone(reachability: Reachability, node: NodeName, endpoint: str) -> PhoneState | None:
    """Return what a phone does, as far as that is known."""
    sight = reachability.get(node)
    return None if sight is None else sight.phones.get(endpoint)
