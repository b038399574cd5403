"""How a command is sent so that it is done once, though its answer can be lost: look first, then repeat."""

from collections.abc import Awaitable, Callable, Mapping

import structlog

from ivrengine.asterisk import wire
from ivrengine.asterisk.link import Link
from ivrengine.core.events import Failure

Look = Callable[[], Awaitable[bool]]
"""Asks Asterisk whether the command has been done."""

_log = structlog.get_logger(__name__)


class Asking:
    """Commands and questions to one Asterisk; GET and DELETE are repeated further down, in ``wire.py``."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def post(
        self,
        operation: str,
        done: Look,
        arguments: Mapping[str, object],
        *,
        again: bool = True,
    ) -> None:
        """Send a POST; if its answer was lost, look whether it was done before sending it again.

        One that timed out is not sent again: it waits in its channel's queue inside Asterisk and may be done later.
        """
        try:
            await self._link.call(operation, **arguments)
        except wire.NoAnswerError as lost:
            if not lost.sent:
                raise
            _log.warning(
                "answer lost", node=self._link.name, operation=operation, reason=lost.detail
            )
            if await done():
                return
            if lost.timed_out or not again:
                raise
            await self._link.call(operation, **arguments)

    async def there(self, operation: str, **arguments: object) -> bool:
        """Tell whether the thing asked for exists."""
        try:
            await self._link.call(operation, **arguments)
        except wire.AnsweredError as refused:
            if refused.failure is Failure.GONE:
                return False
            raise
        return True


async def not_known() -> bool:
    """Look at nothing: no question tells whether it was done, and doing it twice does no harm."""
    return False
