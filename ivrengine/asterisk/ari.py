"""aioari, the library that speaks ARI, with its habits kept in hand; nothing else imports it."""

import logging
import string
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

import aioari
import msgspec

from ivrengine.asterisk import lane, wire
from ivrengine.asterisk.frames import Frames
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
    "channels.snoopChannelWithId",
    "channels.startMoh",
    "channels.stopMoh",
    "playbacks.get",
    "playbacks.stop",
    "recordings.deleteStored",
    "recordings.getLive",
    "recordings.getStored",
    "recordings.pause",
    "recordings.stop",
    "recordings.unpause",
)
"""All that we ask of an Asterisk."""


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
        self._client = client
        return {name: self._bound(name) for name in OPERATIONS}

    async def listen(self, application: str) -> None:
        """Open the event socket of this one application and read until it closes."""
        assert self._client is not None, "load comes first"
        frames: Frames = await self._client.swagger.events.eventWebsocket(app=application)
        try:
            await frames.read(self._ear.hear)
        finally:
            await frames.close()

    def _bound(self, name: str) -> Operation:
        """Return an operation by its description, read once.

        aioari reads it at every request, and twice: 70 µs each, which is half of what a request over the event socket costs.
        """
        assert self._client is not None
        resource, _, nickname = name.partition(".")
        described = self._client.swagger.resources[resource].get_operation(nickname)
        if described is None:
            raise KeyError(name)
        path = wire.path_of(described.uri)
        method = described.json["httpMethod"]
        places = _parameters(described, "path")
        options = _parameters(described, "query")
        named = {place for _, place, _, _ in string.Formatter().parse(path) if place is not None}
        if places != named or not all(map(str.isidentifier, named)):
            raise KeyError(path)
        way = lane.WAYS.get(name, lane.Way.HTTP)

        async def run(**arguments: object) -> Json:
            target = path.format_map({place: _quoted(arguments.pop(place)) for place in places})
            if arguments:
                target += f"?{_query(arguments, options)}"
            answer = await self._http.send(method, target, way=way)
            return _decoded(answer.body) if answer.body else {}

        return run


def _parameters(described: Any, kind: str) -> frozenset[str]:  # noqa: ANN401 - aioari has no types
    parameters = described.json.get("parameters", ())
    return frozenset(each["name"] for each in parameters if each["paramType"] == kind)


def _query(arguments: Mapping[str, object], options: frozenset[str]) -> str:
    if not arguments.keys() <= options:
        raise KeyError(f"not parameters of ARI: {sorted(arguments.keys() - options)}")
    return "&".join(f"{name}={_quoted(value)}" for name, value in arguments.items())


def _quoted(value: object) -> str:
    return quote(",".join(value) if isinstance(value, list) else str(value), safe="")


def _decoded(body: str) -> Json:
    """Return the object that was answered; an empty one for JSON that is none."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise wire.NoAnswerError("an answer that is not ARI's", sent=True) from error
    return found if isinstance(found, dict) else {}
