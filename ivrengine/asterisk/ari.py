"""aioari, the library that speaks ARI, with its habits kept in hand; nothing else imports it."""

import logging
from collections.abc import Mapping
from typing import Final

import aioari

from ivrengine.asterisk import wire
from ivrengine.asterisk.link import Json, Operation
from ivrengine.asterisk.listening import Ear

OPERATIONS: Final = (
    "applications.get",
    "asterisk.getGlobalVar",
    "asterisk.getInfo",
    "asterisk.setGlobalVar",
    "bridges.addChannel",
    "bridges.createWithId",
    "bridges.destroy",
    "bridges.get",
    "bridges.record",
    "bridges.removeChannel",
    "channels.answer",
    "channels.continueInDialplan",
    "channels.get",
    "channels.hangup",
    "channels.originateWithId",
    "channels.playWithId",
    "channels.record",
    "channels.startMoh",
    "channels.stopMoh",
    "playbacks.get",
    "playbacks.stop",
    "recordings.getLive",
    "recordings.stop",
)
"""All that we ask of an Asterisk; looked up once per link, because aioari builds a class for each look-up."""


class Ari:
    """aioari, with its habits kept in hand."""

    def __init__(
        self,
        http: wire.Wire,
        *,
        origin: str,
        ear: Ear,
    ) -> None:
        # Both log what passes through them, numbers and digits included.
        for name in ("aioari", "aioswagger11"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._http = http
        self._url = f"{origin}/"
        self._ear = ear
        self._client: aioari.Client | None = None

    async def load(self) -> Mapping[str, Operation]:
        """Read Asterisk's description of its ARI; ``KeyError`` if it lacks what we need."""
        client = aioari.Client(self._url, self._http)
        await client.init()
        # One plain function for all: aioari awaits a listener before it reads the next frame.
        client.on_event("*", self._ear.hear)
        client.exception_handler = self._ear.failed
        self._client = client
        return {name: _operation(client, *name.split(".")) for name in OPERATIONS}

    async def listen(self, application: str) -> None:
        """Open the event socket of this one application and read until it closes."""
        assert self._client is not None, "load comes first"
        await self._client.run(application)


def _operation(client: aioari.Client, resource: str, name: str) -> Operation:
    if client.swagger.resources[resource].get_operation(name) is None:
        raise KeyError(f"{resource}.{name}")
    request = getattr(client.repositories[resource], name)

    async def run(**arguments: object) -> Json:
        try:
            found = await request(**arguments)
        except (ValueError, KeyError) as error:  # aioari builds objects of it, or tries to
            raise wire.NoAnswerError("an answer that is not ARI's", sent=True) from error
        return getattr(found, "json", found) or {}

    return run
