"""Whether and where ``serve`` can be watched: the HTTP door of the settings."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator

import structlog

from ivrengine.telemetry.watching import Watched, open_to_watch

RETRY_S = 1.0
"""A standby listens where the engine before it listened, as soon as that one is gone."""

_log = structlog.get_logger(__name__)


class MetricsError(Exception):
    """The metrics cannot be offered where the settings say."""


@contextlib.asynccontextmanager
async def watched(address: str | None, pages: Watched, *, patiently: bool) -> AsyncIterator[None]:
    """Offer the pages while the context is open, if there is an address.

    ``patiently`` waits for an address that another process has; else that is a ``MetricsError``.
    """
    async with contextlib.AsyncExitStack() as stack:
        if address is not None and patiently:
            group = await stack.enter_async_context(asyncio.TaskGroup())
            stack.callback(group.create_task(_when_free(address, pages)).cancel)
        elif address is not None:
            try:
                await stack.enter_async_context(open_to_watch(address, pages))
            except OSError as error:
                raise MetricsError(_sentence(address, error)) from None
        yield


async def _when_free(address: str, pages: Watched) -> None:
    told = False
    while True:
        try:
            async with open_to_watch(address, pages):
                await asyncio.Event().wait()
        except OSError as error:
            if not told:
                _log.warning("not to be watched yet", reason=_sentence(address, error))
            told = True
            await asyncio.sleep(RETRY_S)


def _sentence(address: str, error: OSError) -> str:
    why = (
        os.strerror(error.errno) if error.errno else str(error)
    )  # asyncio's own words say the address again
    return f"metrics.listen: {address} cannot be listened on: {why}"
