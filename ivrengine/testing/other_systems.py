"""What a test's world knows beside the call: other systems, without a network, and what the store would have kept."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from ivrengine.core import asking, effects
from ivrengine.core.events import Unanswered
from ivrengine.testing.given import Replies
from ivrengine.testing.seen import Asks

_FAILURE: Final = 400
"""The first status that means that there is no answer."""


class OtherSystems:
    """The engine's door to other systems, in a test; what nobody gave an answer to is refused, and told."""

    def __init__(
        self,
        replies: Mapping[str, Replies],
        asking_node: Callable[[], str],
        told: Callable[[Asks], None],
    ) -> None:
        """Answer by the node at which the call stands."""
        self._replies = replies
        self._asking_node = asking_node
        self._told = told

    async def fetch(self, inquiry: asking.Inquiry) -> asking.Reply:
        """Answer as is given; raises ``UnansweredError``."""
        node = self._asking_node()
        given = self._replies.get(node)
        if given is None:
            self._told(Asks(node=node))
            raise asking.UnansweredError(Unanswered.REFUSED)
        await asyncio.sleep(given.after_s)
        if given.fails is Unanswered.TIMEOUT:
            await asyncio.sleep(inquiry.deadline_s + 1)  # the engine itself ends the wait
        if given.fails is not None:
            raise asking.UnansweredError(given.fails)
        if given.status >= _FAILURE:
            raise asking.UnansweredError(Unanswered.STATUS, given.status)
        return asking.Reply(status=given.status, content=given.content)


class Remembered:
    """The engine's look-ups, in a test: what the caller was asked before, as is given."""

    def __init__(self, asked: Mapping[str, timedelta], began_at: datetime) -> None:
        """Know how long before the call's beginning each survey asked the caller something."""
        self._asked_at = {survey: began_at - ago for survey, ago in asked.items()}

    async def last_asked_at(self, inquiry: effects.FindAnswers) -> datetime | None:
        """Return when the caller was last asked, if that is not too long ago."""
        asked_at = self._asked_at.get(inquiry.survey)
        return None if asked_at is None or asked_at < inquiry.since_at else asked_at
