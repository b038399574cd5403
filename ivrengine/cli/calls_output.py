"""How recorded calls look: tables for people, and objects whose keys programs can rely on.

Instants are ISO 8601 in UTC in the objects, and local time in the tables. Durations are seconds. A key is always there;
what is not known (yet) is null. Keys are only ever added.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ivrengine.core.rows import CallRow
from ivrengine.store.timeline import Moment, Timeline, Visit

_SHOWN_ID: Final = 18
"""The first 18 characters of a UUIDv7: its millisecond and 12 random bits, enough to name a call among thousands."""
_NARROWEST: Final = 160
"""Columns assumed where the output is no terminal: nothing is cut in a file or a pipe."""


def call_object(call: CallRow) -> dict[str, Any]:
    """Return a call as ``calls list --json`` prints it."""
    return {
        "call_id": call.call_id,
        "brand": call.brand,
        "did": call.did,
        "caller": call.caller_mask,
        "caller_key": call.caller_key,
        "number_id": call.number_id,
        "flow": call.flow,
        "flow_hash": call.flow_hash,
        "language": call.language,
        "phase": call.phase,
        "node": call.node,
        "outcome": call.outcome,
        "arrived_at": _utc(call.arrived_at),
        "answered_at": _utc(call.answered_at),
        "ended_at": _utc(call.ended_at),
        "duration_s": _duration_s(call),
        "last_seq": call.last_seq,
    }


def timeline_object(call: CallRow, told: Timeline) -> dict[str, Any]:
    """Return a call and its timeline as ``calls show --json`` prints them."""
    return {
        "call": call_object(call),
        "arrival": [_moment_object(moment) for moment in told.arrival],
        "nodes": [_visit_object(visit) for visit in told.visits],
        "ending": [_moment_object(moment) for moment in told.ending],
    }


def _visit_object(visit: Visit) -> dict[str, Any]:
    return {
        "node": visit.node,
        "subflow": visit.subflow or None,
        "type": visit.node_type,
        "entered_at": _utc(visit.entered_at),
        "left_at": _utc(visit.left_at),
        "duration_s": visit.duration_s,
        "exit": visit.exit,
        "moments": [_moment_object(moment) for moment in visit.moments],
    }


def _moment_object(moment: Moment) -> dict[str, Any]:
    return {"at": _utc(moment.at), "what": moment.what, **moment.detail}


def _utc(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat()


def _duration_s(call: CallRow) -> float | None:
    return None if call.ended_at is None else (call.ended_at - call.arrived_at).total_seconds()


def print_list(calls: Sequence[CallRow]) -> None:
    """Print the table of ``calls list``."""
    if not calls:
        _console().print("No calls.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("call", "arrived", "brand", "did", "caller", "flow", "how it stands"):
        table.add_column(title, no_wrap=True)
    table.add_column("length", justify="right", no_wrap=True)
    for call in calls:
        table.add_row(
            call.call_id[:_SHOWN_ID],
            f"{call.arrived_at.astimezone():%Y-%m-%d %H:%M:%S}",
            _plain(call.brand),
            _plain(call.did),
            _plain(call.caller_mask),
            _plain(call.flow),
            _standing(call),
            _length(_duration_s(call)),
        )
    _console().print(table)


def print_call(call: CallRow, told: Timeline) -> None:
    """Print what ``calls show`` prints."""
    console = _console()
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(call):
        facts.add_row(Text(name, style="bold"), value)
    console.print(facts)
    console.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("at", no_wrap=True)
    table.add_column("node", no_wrap=True)
    table.add_column("what happened")
    table.add_column("length", justify="right", no_wrap=True)
    for row in _timeline_rows(call.arrived_at, told):
        table.add_row(*row)
    console.print(table)


def _facts(call: CallRow) -> Iterator[tuple[str, Text]]:
    yield "call", Text(call.call_id)
    yield "brand", _plain(call.brand)
    yield "caller", _plain(f"{call.caller_mask} to {call.did}")
    if call.flow:
        yield "flow", _plain(f"{call.flow} ({call.flow_hash[:12]}), language {call.language}")
    yield "arrived", Text(f"{call.arrived_at.astimezone():%Y-%m-%d %H:%M:%S %Z}")
    yield "stands", _standing(call)
    if call.ended_at is not None:
        yield "length", Text(_length(_duration_s(call)))


def _standing(call: CallRow) -> Text:
    if call.outcome is not None:
        good = call.outcome in {"completed", "transferred"}
        return _plain(call.outcome.replace("_", " "), "green" if good else "yellow")
    return _plain(f"{call.phase.replace('_', ' ')}, at {call.node}", "cyan")


_Row = tuple[Text | str, Text | str, Text | str, Text | str]


def _timeline_rows(zero: datetime, told: Timeline) -> Iterator[_Row]:
    yield from _moment_rows(zero, told.arrival)
    for visit in told.visits:
        left = "" if visit.exit is None else f"  left by {visit.exit}"
        heading = _plain(visit.node_type, "dim").append_text(_plain(left))
        node = _plain(f"{visit.subflow}/{visit.node}".lstrip("/"), "bold")
        yield _since(zero, visit.entered_at), node, heading, _length(visit.duration_s)
        yield from _moment_rows(zero, visit.moments)
    yield from _moment_rows(zero, told.ending)


def _moment_rows(zero: datetime, moments: Iterable[Moment]) -> Iterator[_Row]:
    for moment in moments:
        length = moment.detail.get("duration_s")
        shown = _length(length) if isinstance(length, int | float) else ""
        yield Text(_since(zero, moment.at), style="dim"), "", _plain(in_words(moment)), shown


def in_words(moment: Moment) -> str:
    """Return a moment as people say it."""
    detail = moment.detail
    match moment.what:
        case "arrived":
            said = f"call from {detail['caller']} to {detail['did']}"
        case "played":
            how = {True: "", False: ", cut short", None: ", end not known (yet)"}[
                detail["completed"]
            ]
            said = f"played {', '.join(detail['prompts'])} ({detail['language']}){how}"
        case "pressed":
            said = f"pressed {' '.join(detail['digits'])}"
        case "request_failed":
            said = f"{detail['effect']} was not done: {detail['failure']}"
        case "phone_gone" | "caller_gone":
            cause = detail["cause"]
            known = _CAUSES.get(cause) if isinstance(cause, int) else None
            said = f"{_WORDS[moment.what]} {known or cause}"
        case "resumed":
            said = f"the flow went on, unheard since {_local(detail['since_at'])}"
        case "ended_unheard":
            reason = str(detail["reason"]).replace("_", " ")
            said = f"ended unheard ({reason}), after {_local(detail['since_at'])}"
        case "missed":
            said = _missed(detail)
        case "ended":
            said = f"ended: {str(detail['outcome']).replace('_', ' ')}"
        case what:
            said = _in_plain_words(what, detail)
    return said


def _in_plain_words(what: str, detail: Mapping[str, Any]) -> str:
    if what in _SENTENCES:
        return _SENTENCES[what].format_map(detail)
    return _with_particulars(_WORDS.get(what, what.replace("_", " ")), detail)


def _missed(detail: Mapping[str, Any]) -> str:
    """Return what the dialplan wrote down of a call."""
    waited, status = detail["waited_s"], detail["queue_status"]
    match detail["kind"]:
        case "fallback" if detail["member"]:
            return f"in the fallback, {detail['member']} picked up after {waited} s in the queue"
        case "fallback":
            why = f" ({str(status).lower()})" if status else ""
            return f"in the fallback, nobody picked up{why}; {waited} s in the queue"
        case "shed":
            return "refused by the dialplan: too many calls"
        case "lost":
            return f"ended while no engine listened, cause {detail['cause']}"
        case "unanswered":
            return "nobody picked up"
        case kind:
            return _with_particulars("missed", {"kind": kind})


def _local(instant: object) -> str:
    """Return a recorded instant (ISO 8601) as local time; what is none as it is."""
    try:
        return f"{datetime.fromisoformat(str(instant)).astimezone():%H:%M:%S}"
    except ValueError:
        return str(instant)


def _with_particulars(said: str, detail: Mapping[str, Any]) -> str:
    particulars = [
        str(value) for name, value in detail.items() if value is not None and name != "duration_s"
    ]
    return f"{said} {', '.join(particulars)}".strip()


_SENTENCES: Final = {
    "looked_up": "looked up when they were last asked of the survey {survey}",
    "answered_survey": "answered {question} of the survey {survey} with {score}",
    "asked_survey": "was asked {question} of the survey {survey}",
    "noted": "noted {name}: {value}",
}
_WORDS: Final = {
    "answered": "answered",
    "answers_found": "the caller was last asked:",
    "barged_in": "pressed a key during the prompt",
    "call_failed": "the flow broke off with",
    "caller_gone": "caller's line ended, cause",
    "caller_left": "caller's line went on elsewhere",
    "connected": "connected",
    "dialled": "rang",
    "fetch": "asked another system",
    "fetch_failed": "it was of no use:",
    "fetched": "it answered with status",
    "hang_up": "hung up on the caller",
    "interrupted": "the flow was interrupted:",
    "lookup_failed": "the store did not say:",
    "message": "message into the outbox:",
    "music": "music",
    "phone_gone": "the phone's line ended, cause",
    "phone_hang_up": "hung up on the phone",
    "phone_left": "the phone's line went on elsewhere",
    "picked_up": "the phone was picked up",
    "recorded": "recording stored",
    "recording_kept": "recording kept:",
    "recording": "recording the caller",
    "call_recorded": "recording the call",
    "recording_paused": "recording paused",
    "recording_resumed": "recording goes on",
    "discarded": "recording deleted",
    "ringing": "it rings",
    "submit": "told another system",
    "to_fallback": "handed to the fallback",
}


_CAUSES: Final = {16: "16 (normal)", 17: "17 (busy)", 19: "19 (no answer)", 21: "21 (refused)"}
"""The common ones of ITU-T Q.850."""


def _since(zero: datetime, at: datetime) -> str:
    seconds = (at - zero).total_seconds()
    return f"{'-' if seconds < 0 else '+'}{_clock(abs(seconds))}"


def _length(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return _clock(seconds)


def _clock(seconds: float) -> str:
    """Return ``7.2 s``, ``3:07.2`` or ``1:03:07``."""
    tenths = round(seconds * 10)
    if tenths < 600:  # noqa: PLR2004 - a minute
        return f"{tenths / 10:.1f} s"
    whole = timedelta(seconds=tenths // 10)
    if whole < timedelta(hours=1):
        return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
    return str(whole)


def _plain(text: str, style: str = "") -> Text:
    """Return text as it is: what a flow or a caller's line carries is no markup, and moves no cursor."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    return Text(shown, style=style)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=_NARROWEST)
