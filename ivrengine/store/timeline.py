"""A call's timeline: what its recorded events say, node by node, in the words of a person; a pure function.

It takes payloads as they are stored, also those of an older or a newer engine: what it does not know it shows as it is.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

Fields = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A row of the table ``events``; ``payload`` is ``{"event": {…}, "effects": [["Kind", {…}], …]}``."""

    seq: int
    at: datetime
    kind: str
    payload: Fields


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something worth telling: ``what`` is one of the names in this module, ``detail`` its particulars in plain values."""

    at: datetime
    what: str
    detail: Fields = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The call's stay at one node; ``left_at``, ``duration_s`` and ``exit`` are None while it lasts."""

    node: str
    node_type: str
    entered_at: datetime
    left_at: datetime | None
    exit: str | None
    moments: Sequence[Moment]
    subflow: str = ""
    """The sub-flow that the node is of, if it is not of the flow that the call began with."""

    @property
    def duration_s(self) -> float | None:
        """How long it stayed."""
        return None if self.left_at is None else (self.left_at - self.entered_at).total_seconds()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What happened before the first node, at each node, and after the last."""

    arrival: Sequence[Moment]
    visits: Sequence[Visit]
    ending: Sequence[Moment]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What has to be known of the whole call before it can be told."""

    caller: str | None
    """The caller's channel; every other one is a phone's."""
    playbacks: Mapping[str, tuple[datetime, bool]]
    """When each playback ended, and whether it was heard to its end."""


def timeline(rows: Iterable[Recorded], later: Iterable[Recorded] = ()) -> Timeline:
    """Return what the events of one call tell, in the order of their numbers, and then what was told of it ``later``."""
    told = sorted(rows, key=lambda row: row.seq)
    known = _known(told)
    arrival: list[Moment] = []
    visits: list[Visit] = []
    ending: list[Moment] = []
    here: list[Moment] = arrival
    for row in told:
        if row.kind == _MISSED:
            arrival.append(_arrived(_instant(_event(row).get("arrived_at")) or row.at, _event(row)))
            here = ending
        _tell(here, _of_event(row, known))
        for kind, fields in _effects(row):
            if kind == "EnterNode":
                here = []
                visits.append(_visit(row.at, fields, here))
            elif kind == "LeaveNode" and visits:
                _leave(visits, row.at, fields)
                here = ending
            else:
                _tell(here, _of_effect(row.at, kind, fields, known))
    for row in later:
        _tell(ending, _of_event(row, known))
    return Timeline(arrival=arrival, visits=visits, ending=ending)


def _leave(visits: list[Visit], at: datetime, fields: Fields) -> None:
    """Note the exit of the last visit to the node; one that calls a sub-flow is left after all the nodes of that."""
    there = fields.get("subflow", ""), fields.get("node")
    open_here = (
        index
        for index in range(len(visits) - 1, -1, -1)
        if visits[index].left_at is None and (visits[index].subflow, visits[index].node) == there
    )
    index = next(open_here, len(visits) - 1)
    visits[index] = dataclasses.replace(visits[index], left_at=at, exit=fields.get("exit"))


def _visit(at: datetime, fields: Fields, moments: list[Moment]) -> Visit:
    return Visit(
        node=str(fields.get("node", "")),
        node_type=str(fields.get("node_type", "")),
        subflow=str(fields.get("subflow", "")),
        entered_at=at,
        left_at=None,
        exit=None,
        moments=moments,
    )


def _tell(here: list[Moment], moments: Iterable[Moment]) -> None:
    """Add moments; keys that follow one another are told as one entry."""
    for moment in moments:
        if moment.what == "pressed" and here and here[-1].what == "pressed":
            digits = here[-1].detail["digits"] + moment.detail["digits"]
            here[-1] = dataclasses.replace(here[-1], detail={"digits": digits})
        else:
            here.append(moment)


def _known(rows: Sequence[Recorded]) -> _Known:
    caller: str | None = None
    playbacks: dict[str, tuple[datetime, bool]] = {}
    for row in rows:
        event = _event(row)
        if row.kind == "CallArrived":
            caller = event.get("channel_id")
        elif row.kind == "PlaybackFinished":
            playbacks[str(event.get("playback_id"))] = row.at, bool(event.get("completed"))
    return _Known(caller=caller, playbacks=playbacks)


def _event(row: Recorded) -> Fields:
    found = row.payload.get("event")
    return found if isinstance(found, Mapping) else {}


def _effects(row: Recorded) -> Iterator[tuple[str, Fields]]:
    for effect in _list(row.payload, "effects"):
        match effect:
            case [str(kind), dict(fields)]:
                yield kind, fields
            case _:
                continue  # no effect of any engine; the row itself is untouched in the database


def _list(fields: Fields, name: str) -> Sequence[Any]:
    found = fields.get(name)
    return found if isinstance(found, list) else ()


_Told = tuple[str, tuple[str, ...]]
"""The moment's name, and the fields of the event or effect that are its detail."""

_EVENTS: Final[Mapping[str, _Told]] = {
    "BargedIn": ("barged_in", ()),
    "LegRinging": ("ringing", ()),
    "LegAnswered": ("picked_up", ()),
    "RecordingFinished": ("recorded", ("duration_s",)),
    "RecordingFailed": ("recording_failed", ()),
    "Fetched": ("fetched", ("status",)),
    "FetchFailed": ("fetch_failed", ("reason", "status")),
    "AnswersFound": ("answers_found", ("asked_at",)),
    "LookupFailed": ("lookup_failed", ("reason",)),
    "RequestFailed": ("request_failed", ("effect", "failure")),
    "CallFailed": ("call_failed", ("error",)),
    "FlowInterrupted": ("interrupted", ("reason",)),
    "CallMissed": ("missed", ("kind", "waited_s", "queue_status", "member", "cause")),
    "Resumed": ("resumed", ("since_at",)),
    "EndedUnheard": ("ended_unheard", ("reason", "since_at")),
}
_CALLERS_EVENTS: Final[Mapping[str, _Told]] = {
    "ChannelEnded": ("caller_gone", ("cause",)),
    "ChannelLeft": ("caller_left", ()),
    "BridgeJoined": ("connected", ()),
    "BridgeLeft": ("disconnected", ()),
}
"""Of the caller's channel; those of a phone's channel are below."""
_PHONES_EVENTS: Final[Mapping[str, _Told]] = {
    "ChannelEnded": ("phone_gone", ("cause",)),
    "ChannelLeft": ("phone_left", ()),
}
_MISSED: Final = "CallMissed"
"""The only event of a call that the engine never had, and what is told later of one that it had."""
_EFFECTS: Final[Mapping[str, _Told]] = {
    "Answer": ("answered", ()),
    "StartMusic": ("music", ("music",)),
    "Dial": ("dialled", ("phone",)),
    "StartRecording": ("recording", ()),
    "Fetch": ("fetch", ()),
    "FindAnswers": ("looked_up", ("survey",)),
    "Submit": ("submit", ()),
    "StartMonitoring": ("call_recorded", ()),
    "PauseRecording": ("recording_paused", ()),
    "ResumeRecording": ("recording_resumed", ()),
    "DiscardRecording": ("discarded", ()),
    "SendToFallback": ("to_fallback", ()),
    "SendMessage": ("message", ("kind", "language")),
    "SetAttribute": ("noted", ("name", "value")),
    "KeepRecording": ("recording_kept", ("kind", "retention", "duration_s")),
    "EndCall": ("ended", ("outcome",)),
}
_NOT_TOLD: Final = frozenset(
    {
        *(
            "PlaybackFinished",
            "TimerFired",
            "BridgeJoined",
            "BridgeLeft",
            "StopPlayback",
            "StopMusic",
        ),
        *("CreateBridge", "AddToBridge", "RemoveFromBridge", "DestroyBridge", "StopRecording"),
        *("StartTimer", "CancelTimer", "CancelInquiry", "DropDigits"),
        *("RecordingStarted", "StopMonitoring"),
    }
)
"""What is told with something else (a playback's end with its beginning), or means nothing to a person."""


def _of_event(row: Recorded, known: _Known) -> Iterator[Moment]:
    event = _event(row)
    by_channel = _CALLERS_EVENTS if event.get("channel_id") == known.caller else _PHONES_EVENTS
    match row.kind:
        case "CallArrived":
            yield _arrived(row.at, event)
        case "DigitPressed":
            digits = str(event.get("digit", ""))
            yield Moment(at=row.at, what="pressed", detail={"digits": digits})
        case kind:
            yield from _plain(row.at, kind, event, {**_EVENTS, **by_channel})


def _arrived(at: datetime, event: Fields) -> Moment:
    caller = event.get("caller")
    mask = caller.get("mask") if isinstance(caller, Mapping) else None
    return Moment(at=at, what="arrived", detail={"did": event.get("did"), "caller": mask})


def _instant(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def _of_effect(at: datetime, kind: str, fields: Fields, known: _Known) -> Iterator[Moment]:
    match kind:
        case "Play":
            yield Moment(at=at, what="played", detail=_playback(at, fields, known))
        case "HangUp":
            callers = fields.get("channel_id") == known.caller
            yield Moment(at=at, what="hang_up" if callers else "phone_hang_up")
        case "KeepAnswer":
            answered = fields.get("score") is not None
            names = ("survey", "question", "score") if answered else ("survey", "question")
            what = "answered_survey" if answered else "asked_survey"
            yield Moment(at=at, what=what, detail={name: fields.get(name) for name in names})
        case _:
            yield from _plain(at, kind, fields, _EFFECTS)


def _plain(at: datetime, kind: str, fields: Fields, table: Mapping[str, _Told]) -> Iterator[Moment]:
    if kind in table:
        what, names = table[kind]
        yield Moment(at=at, what=what, detail={name: fields.get(name) for name in names})
    elif kind not in _NOT_TOLD:
        yield Moment(at=at, what="other", detail={"kind": kind})


def _playback(at: datetime, fields: Fields, known: _Known) -> Fields:
    ended = known.playbacks.get(str(fields.get("playback_id")))
    return {
        "prompts": [str(prompt) for prompt in _list(fields, "prompts")],
        "language": fields.get("language"),
        "duration_s": None if ended is None else (ended[0] - at).total_seconds(),
        "completed": None if ended is None else ended[1],
    }
