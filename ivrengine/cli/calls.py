"""``ivrengine calls``: the recorded calls, as tables for people and, with ``--json``, as objects for programs."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer

from ivrengine.cli import calls_output, complaints
from ivrengine.cli.database import asked
from ivrengine.core.call import Outcome, Phase
from ivrengine.store import queries, timeline
from ivrengine.store.connecting import Connection
from ivrengine.store.queries import NoSuchCallError, Wanted

app: Final = typer.Typer(
    help="Look at recorded calls.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

_AGE: Final = re.compile(r"(\d{1,6})\s*([smhdw])")
_OLDEST: Final = timedelta(weeks=5000)
"""A century: whatever reaches further back is a slip of the key, and may be no date at all."""
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

_Config = Annotated[Path | None, complaints.CONFIG]
_Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="The data folder whose database is read; without it, the settings say which."
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, with every field, for programs.")]


def _when(option: str, text: str | None) -> datetime | timedelta | None:
    """Return the instant (local time, if it names no zone), or the age, that was written."""
    if text is None:
        return None
    if found := _AGE.fullmatch(text.strip()):
        age = timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
        if age > _OLDEST:
            complaints.bad_usage(f"{option}: expected an age of at most 5000w, found {text!r}")
        return age
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        complaints.bad_usage(
            f"{option}: expected an age such as 90m, 2h or 7d, or an instant such as 2025-11-21T14:30,"
            f" found {text!r}"
        )


_Since = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Calls since then: 90m, 2h, 7d, or 2025-11-21T14:30."),
]
_Until = Annotated[
    str | None, typer.Option(metavar="WHEN", help="Calls before then, written alike.")
]


@app.command("list")
def list_(
    brand: Annotated[str | None, typer.Option(help="Only this brand's.")] = None,
    flow: Annotated[str | None, typer.Option(help="Only those on this flow.")] = None,
    since: _Since = None,
    until: _Until = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only those that ended so.")] = None,
    phase: Annotated[Phase | None, typer.Option(help="Only those that stand so.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=queries.LIST_MAX, help="At most so many.")] = 20,
    as_json: _Json = False,
    config: _Config = None,
    data: _Data = None,
) -> None:
    """List calls, the newest first."""
    wanted = Wanted(
        brand=brand,
        flow=flow,
        since=_when("--since", since),
        until=_when("--until", until),
        outcome=outcome,
        phase=phase,
        limit=limit,
    )

    async def ask(connection: Connection) -> None:
        found = await queries.list_calls(connection, wanted)
        if as_json:
            typer.echo(_json([calls_output.call_object(call) for call in found]))
        else:
            calls_output.print_list(found)

    asked(complaints.settings(config), data, ask, NoSuchCallError)


@app.command("show")
def show(
    call: Annotated[
        str, typer.Argument(metavar="CALL", help="A call's id, the beginning of one, or: last")
    ],
    as_json: _Json = False,
    config: _Config = None,
    data: _Data = None,
) -> None:
    """Show one call: how it stands, and what happened, node by node."""

    async def ask(connection: Connection) -> None:
        found = await queries.find_call(connection, call)
        recorded = await queries.events_of(connection, found.call_id)
        later = await queries.later_events_of(connection, found.call_id, recorded)
        told = timeline.timeline(recorded, later)
        if as_json:
            typer.echo(_json(calls_output.timeline_object(found, told)))
        else:
            calls_output.print_call(found, told)

    asked(complaints.settings(config), data, ask, NoSuchCallError)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
