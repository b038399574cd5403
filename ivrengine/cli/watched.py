"""Whether and where ``serve`` listens: the HTTP doors of the settings."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import structlog

from ivrengine.telemetry.watching import Watched, open_to_watch

RETRY_S = 1.0
"""A standby listens where the engine before it listened, as soon as that one is gone."""

Open = Callable[[str], AbstractAsyncContextManager[int]]
"""Listens on an address while the context is open, and gives the port; raises ``OSError``."""

_log = structlog.get_logger(__name__)


class ListeningError(Exception):
    """The engine cannot listen where the settings say."""


def watched(
    address: str | None, pages: Watched, *, patiently: bool
) -> AbstractAsyncContextManager[None]:
    """Offer the pages of those who watch, if there is an address."""
    return offered(
        "metrics.listen", address, lambda at: open_to_watch(at, pages), patiently=patiently
    )


@contextlib.asynccontextmanager
async def offered(
    setting: str, address: str | None, opened: Open, *, patiently: bool
) -> AsyncIterator[None]:
    """Keep a door open while the context is, if there is an address.

    ``patiently`` waits for an address that another process has; else that is a ``ListeningError``.
    """
    async with contextlib.AsyncExitStack() as stack:
        if address is not None and patiently:
            group = await stack.enter_async_context(asyncio.TaskGroup())
            stack.callback(group.create_task(_when_free(setting, address, opened)).cancel)
        elif address is not None:
            try:
                await stack.enter_async_context(opened(address))
            except OSError as error:
                raise ListeningError(_sentence(setting, address, error)) from None
        yield


async def _when_free(setting: str, address: str, opened: Open) -> None:
    told = False
    while True:
        try:
            async with opened(address):
                await asyncio.Event().wait()
        except OSError as error:
            if not told:
                _log.warning("not listening yet", reason=_sentence(setting, address, error))
            told = True
            await asyncio.sleep(RETRY_S)


def _sentence(setting: str, address: str, error: OSError) -> str:
    why = (
        os.strerror(error.errno) if error.errno else str(error)
    )  # asyncio's own words say the address again
    return f"{setting}: {address} cannot be listened on: {why}"
