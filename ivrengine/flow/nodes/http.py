"""The ``http`` node."""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, Self
from urllib.parse import quote, urlencode

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from ivrengine.core import effects, events, ids
from ivrengine.core.call import Cursor, Phase, Value
from ivrengine.flow import outside
from ivrengine.flow.expressions import RESERVED_NAMES, SURROUNDING_NAMES
from ivrengine.flow.fields import Cel, Name, Seconds, VariableName, contradiction, unexpected
from ivrengine.flow.node import Expression, Leave, Move, Node, Stay, Turn
from ivrengine.flow.problems import Loc

MUSIC_AFTER_S: Final = 1.0
"""Most answers are there by then; a longer silence sounds like a broken line."""
_GRACE_S: Final = 2.0
"""The engine ends the inquiry itself; only if it does not, the node does, so much later."""
_VARIABLE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_WHERE: Final = re.compile(r"(?P<to>[a-z]+://[^/?#{}]+)(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?")
_LITERAL: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*", re.ASCII)
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}", re.ASCII)
_TEXT: Final = re.compile(r"[ -~]{0,500}", re.ASCII)
_STEP: Final = re.compile(r"[^.\s]+")
_OURS: Final = frozenset(
    {
        *("accept", "accept-encoding", "connection", "content-length", "content-type", "cookie"),
        *("expect", "host", "idempotency-key", "te", "trailer", "transfer-encoding", "upgrade"),
        "user-agent",
    }
)
"""Headers that the engine itself sets, or that would change what a request is."""
_SEGMENT: Final = re.compile(r"[^/\\\x00-\x1f\x7f]+")
_NO_SEGMENTS: Final = frozenset({".", ".."})
"""What variables must not make of a part of the path: another path (RFC 3986, 5.2.4)."""
_URL_MAX: Final = 4_000
"""Servers take at least so much (RFC 9110, 4.1, recommends 8,000)."""
_NOT_FOUND: Final = 404
_KINDS: Final[Mapping[type[Value], Literal["str", "int", "float", "bool"]]] = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
}


def _address(value: str) -> str:
    what = "an address such as https://erp.example.com/flats/{flat}, whose host is no variable"
    found = _WHERE.fullmatch(value)
    if found is None or not _LITERAL.fullmatch(_VARIABLE.sub("", value)):
        raise unexpected(what)
    if any(name in RESERVED_NAMES | SURROUNDING_NAMES for name in _VARIABLE.findall(value)):
        raise unexpected("names of the flow's own variables in the braces of an address")
    try:
        outside.origin_of(found["to"])
    except outside.AddressError as error:
        raise unexpected(str(error)) from None
    return value


def _header_name(value: str) -> str:
    if not _TOKEN.fullmatch(value) or value.lower() in _OURS:
        raise unexpected("the name of a header that the engine does not set itself")
    return value


def _header_text(value: str) -> str:
    if not _TEXT.fullmatch(value):
        raise unexpected("at most 500 letters, digits and signs of ASCII")
    return value


def _path(value: str) -> str:
    if not all(_STEP.fullmatch(step) for step in value.split(".")):
        raise unexpected("a path of keys and positions such as flats.0.balance")
    return value


def _only_text(value: object) -> object:
    return {"text": _header_text(value)} if isinstance(value, str) else value


def _only_path(value: object) -> object:
    return {"path": _path(value)} if isinstance(value, str) else value


Method = Literal["GET", "POST"]


class HeaderValue(BaseModel):
    """What a header says: a text, and behind it a secret if one is named."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text: Annotated[str, AfterValidator(_header_text)] = Field(
        default="",
        description="A text, such as `Bearer ` (in quotes, with its blank) before a secret.",
    )
    secret: Name | None = Field(
        default=None,
        description="The name of a secret of the settings, which stands behind the text.",
    )


class Taken(BaseModel):
    """A value that is taken from an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[str, AfterValidator(_path), Field(max_length=200)] = Field(
        description="Where it stands in the JSON: keys, and positions in lists, with dots between (`flats.0.balance`)."
    )
    optional: bool = Field(
        default=False, description="The variable stays as it is if the value is missing or null."
    )


_Headers = dict[
    Annotated[str, AfterValidator(_header_name)],
    Annotated[HeaderValue, BeforeValidator(_only_text, json_schema_input_type=str | HeaderValue)],
]
_Result = dict[
    VariableName, Annotated[Taken, BeforeValidator(_only_path, json_schema_input_type=str | Taken)]
]


class Http(Node):
    """Asks or tells another system something over HTTP, and takes values from the JSON that it answers.

    After a second the caller hears music until the answer is there. Only hosts that the settings allow are asked. Redirects
    are not followed. A GET that was interrupted is asked again; of a POST nobody knows then whether it was done: it takes
    `failed`.
    """

    type: Literal["http"]
    method: Method = Field(
        default="GET", description="GET asks and changes nothing, POST tells something."
    )
    url: Annotated[str, AfterValidator(_address), Field(max_length=1000)] = Field(
        description="The address. `{flat}` in its path or behind its `?` stands for the variable `flat`, encoded as it needs "
        "to be there. A value that is empty or `..` or has a `/` in it is not asked for in a path: the node takes `failed`."
    )
    query: Annotated[dict[str, Cel], Field(max_length=32)] = Field(
        default_factory=dict,
        description="What stands behind the address's `?`: expressions by name.",
    )
    headers: Annotated[_Headers, Field(max_length=16)] = Field(
        default_factory=dict,
        description="Further headers: for each a text, or `{secret: erp-token}` for a secret of the settings, or both: "
        '`{text: "Bearer ", secret: erp-token}`.',
    )
    body: Annotated[dict[str, Cel], Field(max_length=64)] = Field(
        default_factory=dict,
        description="Of a POST: the JSON object that is sent, its values as expressions.",
    )
    result: Annotated[_Result, Field(max_length=32)] = Field(
        default_factory=dict,
        description="For each variable where its value stands in the answer, which must be of the variable's type; a whole "
        "number may go into a double. A path, or a mapping with `path` and `optional`.",
    )
    deadline_s: Seconds = Field(
        default=5.0, alias="deadline", ge=0.1, le=30, description="How long it may take in all."
    )
    retries: int = Field(
        default=0,
        ge=0,
        le=5,
        description="Of a GET: how often it is tried again within the deadline.",
    )
    music: Name = Field(
        default="default",
        description="The class of music on hold that plays from the second second on; `none` for silence.",
    )
    next: Name = Field(description="Where to go with the answer.")
    not_found: Name | None = Field(
        default=None,
        description="Where to go when the other system knows no such thing (status 404); `failed` if none is given.",
    )
    failed: Name = Field(
        description="Where to go when no answer comes in time, or none that is of use."
    )

    @model_validator(mode="after")
    def _fits_its_method(self) -> Self:
        if self.method == "GET" and self.body:
            raise contradiction("body", "a GET has no body; use `query`, or `method: POST`")
        if self.method == "POST" and self.retries:
            raise contradiction("retries", "a POST is sent once: it may have been done already")
        return self

    def enter(self, turn: Turn) -> Move:
        """Ask."""
        url = self._composed(turn)
        if url is None:
            return Leave(exit="failed")
        request_id = turn.request_id()
        until_at = turn.at + timedelta(seconds=self.deadline_s + _GRACE_S)
        return self._await(turn, request_id, until_at, self._inquiry(turn, request_id, url))

    def resume(self, turn: Turn, event: events.Resumed) -> Move:
        """Go on waiting if the answer is still to come, else ask again; nothing is told twice."""
        cursor = turn.call.cursor
        if event.inquiring and cursor.request_id is not None and cursor.until_at is not None:
            until_at = max(cursor.until_at, turn.at + timedelta(seconds=_GRACE_S))
            return self._await(turn, cursor.request_id, until_at)
        return self.enter(turn) if self.method == "GET" else Leave(exit="failed")

    def on(self, turn: Turn, event: events.CallEvent) -> Move | None:
        """Take the answer; after a second without one let music play."""
        cursor = turn.call.cursor
        match event:
            case events.Fetched(request_id=asked) if asked == cursor.request_id:
                return Leave(exit="next", assign=event.values)
            case events.FetchFailed(request_id=asked) if asked == cursor.request_id:
                unknown = event.reason is events.Unanswered.STATUS and event.status == _NOT_FOUND
                return Leave(exit="not_found" if unknown and self.not_found else "failed")
            case events.TimerFired(timer_id=fired) if fired == cursor.timer_id:
                return self._music(turn) if cursor.stage == "before music" else Leave(exit="failed")
            case _:
                return None

    def _await(
        self, turn: Turn, request_id: ids.RequestId, until_at: datetime, *ask: effects.Effect
    ) -> Stay:
        is_quiet = self.music == "none" or turn.call.phase is Phase.AFTERWARDS
        left_s = (until_at - turn.at).total_seconds()
        timer_id = turn.timer_id()
        delay_s = left_s if is_quiet else min(MUSIC_AFTER_S, left_s)
        cursor = Cursor(
            stage="quiet" if is_quiet else "before music",
            request_id=request_id,
            timer_id=timer_id,
            until_at=until_at,
        )
        timer = effects.StartTimer(timer_id=timer_id, delay_s=delay_s)
        return Stay(cursor=cursor, effects=(*ask, timer))

    def _music(self, turn: Turn) -> Stay:
        channel_id, timer_id = turn.call.channel_id, turn.timer_id()
        until_at = turn.call.cursor.until_at
        assert until_at is not None
        left_s = max(0.0, (until_at - turn.at).total_seconds())
        return Stay(
            cursor=dataclasses.replace(
                turn.call.cursor, stage="music", timer_id=timer_id, music_on=channel_id
            ),
            effects=(
                effects.StartMusic(channel_id=channel_id, music=self.music),
                effects.StartTimer(timer_id=timer_id, delay_s=left_s),
            ),
        )

    def _inquiry(self, turn: Turn, request_id: ids.RequestId, url: str) -> effects.Effect:
        headers = tuple(
            effects.Header(name=name, text=value.text, secret=value.secret or "")
            for name, value in self.headers.items()
        )
        wants = tuple(self._wanted(turn, name, taken) for name, taken in self.result.items())
        if self.method == "GET":
            return effects.Fetch(
                request_id=request_id,
                url=url,
                headers=headers,
                wants=wants,
                deadline_s=self.deadline_s,
                retries=self.retries,
            )
        return effects.Submit(
            request_id=request_id,
            url=url,
            headers=headers,
            body={name: turn.evaluate(text) for name, text in self.body.items()},
            wants=wants,
            deadline_s=self.deadline_s,
        )

    def _wanted(self, turn: Turn, name: str, taken: Taken) -> effects.Wanted:
        return effects.Wanted(
            variable=name,
            path=tuple(taken.path.split(".")),
            kind=_KINDS[type(turn.call.variables[name])],
            optional=taken.optional,
        )

    def _composed(self, turn: Turn) -> str | None:
        """Return the address with the variables' values; None if a value makes another path of it."""
        found = _WHERE.fullmatch(self.url)
        assert found is not None
        values = turn.call.variables
        path = _filled_path(found["path"] or "/", values)
        if path is None:
            return None
        query = [_filled(found["query"], values)] if found["query"] else []
        if self.query:
            asked = {name: as_text(turn.evaluate(text)) for name, text in self.query.items()}
            query.append(urlencode(asked, quote_via=quote, safe=""))
        url = found["to"] + path + ("?" + "&".join(query) if query else "")
        return url if len(url) <= _URL_MAX else None

    def exits(self) -> Mapping[str, str | None]:
        """Return ``next``, ``failed``, and ``not_found`` if it leads somewhere."""
        exits = {"next": self.next, "failed": self.failed}
        return exits if self.not_found is None else {**exits, "not_found": self.not_found}

    def assigns(self) -> Iterator[tuple[Loc, str]]:
        """Yield the variables that take values of the answer."""
        for name in self.result:
            yield ("result", name), name

    def expressions(self) -> Iterator[Expression]:
        """Yield the values that are sent, and the variables within the address."""
        for found in _VARIABLE.finditer(self.url):
            before = self.url[: found.start(1)]
            yield Expression(loc=("url",), text=found[1], before=before)
        for key, expressions in (("query", self.query), ("body", self.body)):
            for name, text in expressions.items():
                yield Expression(loc=(key, name), text=text)

    def addresses(self) -> Iterator[tuple[Loc, str]]:
        """Yield the address."""
        yield ("url",), self.url

    def secrets(self) -> Iterator[tuple[Loc, str]]:
        """Yield the secrets in headers."""
        for name, value in self.headers.items():
            if value.secret is not None:
                yield ("headers", name, "secret"), value.secret

    @property
    def needs_caller(self) -> bool:
        """Say that it is of use without a caller too."""
        return False


def as_text(value: Value) -> str:
    """Return a value as it stands in an address."""
    match value:
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)


def _filled(template: str, values: Mapping[str, Value]) -> str:
    return _VARIABLE.sub(lambda found: quote(as_text(values[found[1]]), safe=""), template)


def _filled_path(template: str, values: Mapping[str, Value]) -> str | None:
    for name in _VARIABLE.findall(template):
        if not _SEGMENT.fullmatch(as_text(values[name])):
            return None
    filled = _filled(template, values)
    parts = zip(template.split("/"), filled.split("/"), strict=True)
    changed = any("{" in part and made in _NO_SEGMENTS for part, made in parts)
    return None if changed else filled
