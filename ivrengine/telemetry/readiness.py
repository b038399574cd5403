"""Whether an engine may be given calls: one named answer for each thing that it depends on, with the reason."""

import dataclasses
from collections.abc import Iterable, Sequence
from enum import StrEnum


class State(StrEnum):
    """How one dependency is, from best to worst."""

    OK = "ok"
    DEGRADED = "degraded"
    """Something is missing, and calls are answered all the same."""
    FAILED = "failed"
    """Calls cannot be answered because of it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One dependency, as it is now."""

    name: str
    state: State
    why: str = ""
    """A sentence for people; empty if all is well."""

    @classmethod
    def of(cls, name: str, why: str | None, *, otherwise: State) -> "Check":
        """Return a check that is well if there is no reason why not."""
        return cls(name=name, state=otherwise if why else State.OK, why=why or "")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """All checks of one moment."""

    checks: Sequence[Check]

    @property
    def ready(self) -> bool:
        """Whether the engine may be given calls."""
        return all(check.state is not State.FAILED for check in self.checks)

    @property
    def word(self) -> str:
        """The whole in a word: ``ready``, ``degraded`` or ``not ready``."""
        if not self.ready:
            return "not ready"
        well = all(check.state is State.OK for check in self.checks)
        return "ready" if well else "degraded"

    def sentence(self) -> str:
        """Return it in a line."""
        reasons = [f"{check.name}: {check.why}" for check in self.checks if check.why]
        return "; ".join((self.word, *reasons))

    def body(self) -> dict[str, object]:
        """Return what ``/readyz`` answers."""
        return {
            "status": self.word,
            "checks": {
                check.name: {"state": check.state, **({"why": check.why} if check.why else {})}
                for check in self.checks
            },
        }


def one_suffices(checks: Iterable[Check]) -> list[Check]:
    """Return checks of which one that is well is enough: then the failure of the others only degrades."""
    found = list(checks)
    if all(check.state is State.FAILED for check in found):
        return found
    return [
        dataclasses.replace(check, state=State.DEGRADED) if check.state is State.FAILED else check
        for check in found
    ]
