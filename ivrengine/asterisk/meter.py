"""What the door counts, as a narrow port: the composition root connects it to the metrics."""

from typing import Protocol

from ivrengine.core.ids import NodeName


class Meter(Protocol):
    """Takes counts; all labels are from closed sets, none is a number, an id or text from outside."""

    def requested(self, node: NodeName, operation: str, outcome: str, duration_s: float) -> None:
        """Count a request: ``outcome`` is ``done`` or a ``Failure``."""
        ...

    def heard(self, node: NodeName, kind: str) -> None:
        """Count an event that the engine was told; ``kind`` is its class."""
        ...

    def dropped(self, node: NodeName, reason: str) -> None:
        """Count an event that nobody was told.

        Why: ``garbled``, ``not an event``, ``stranded`` or ``listener failed``; of AMI also ``too long`` or ``too many phones``.
        """
        ...

    def linked(self, node: NodeName, *, up: bool) -> None:
        """Note whether the events of a node reach us."""
        ...

    def healthy(self, node: NodeName, *, well: bool) -> None:
        """Note whether a node's ARI answers in time."""
        ...

    def ami_linked(self, node: NodeName, *, up: bool) -> None:
        """Note whether a node's AMI tells us of phones and trunks."""
        ...

    def turned_away(self, node: NodeName, calls: int) -> None:
        """Count calls that the dialplan refused without a word, by its own count."""
        ...


class Unmetered:
    """Counts nothing."""

    def requested(self, node: NodeName, operation: str, outcome: str, duration_s: float) -> None:
        """Do nothing."""

    def heard(self, node: NodeName, kind: str) -> None:
        """Do nothing."""

    def dropped(self, node: NodeName, reason: str) -> None:
        """Do nothing."""

    def linked(self, node: NodeName, *, up: bool) -> None:
        """Do nothing."""

    def healthy(self, node: NodeName, *, well: bool) -> None:
        """Do nothing."""

    def ami_linked(self, node: NodeName, *, up: bool) -> None:
        """Do nothing."""

    def turned_away(self, node: NodeName, calls: int) -> None:
        """Do nothing."""
