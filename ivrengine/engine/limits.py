"""The bounds of the engine, each with its reason."""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one engine takes on at most."""

    calls_max: int = 2_000
    """Calls in progress: 2,000 real ones are what two cores and Asterisk's descriptors carry; more go to the fallback."""
    calls_per_s_max: int = 400
    """New calls within a second, on one node: half of what Asterisk collapses under; what the machine carries is measured."""
    emergency_share: float = 0.1
    """Of both limits, kept for numbers with ``emergency`` in the routing file, if there are any."""
    mailbox_max: int = 256
    """Events of one call not yet decided: a call makes 20 in all; more is a fault or an attack, and fails that call only."""
    type_ahead_max: int = 32
    """Digits pressed before anyone asks: the longest entry a node collects; later ones are not meant for us."""
    rounds_max: int = 100
    """Steps that type-ahead may lead to without the caller's doing anything new: a loop of prompts skipped by one held key."""
    request_s: float = 30.0
    """One request to a switch: a door gives up after three tries of 3 s each; this is for a door that does not."""
    look_s: float = 60.0
    """So often each node is asked what is alive there: what events did not tell is found out by then, and leaks show."""
    node_lost_s: float = 300.0
    """A node that stays away for so long has been restarted, or needs a person: its calls are closed as lost."""
    drain_s: float = 10.0
    """How long a stopping engine waits for calls to end by themselves before it hands them to the fallback."""
    parting_s: float = 5.0
    """How long a stopping engine waits for handed-over calls to leave; longer than one request's time-out."""
