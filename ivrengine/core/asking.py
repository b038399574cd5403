"""What a door to other systems answers: the types that the engine and the door share."""

import dataclasses

from ivrengine.core import effects
from ivrengine.core.events import Unanswered

Inquiry = effects.Fetch | effects.Submit
"""The effects that another system answers."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What another system answered: its HTTP status, which is none of failure, and its JSON (None if there was none)."""

    status: int
    content: object


class UnansweredError(Exception):
    """Nothing of use came; ``reason`` says why, ``status`` is that of the answer if there was one."""

    def __init__(self, reason: Unanswered, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
