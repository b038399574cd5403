"""``ivrengine calls``: the recorded calls, as tables for people and, with ``--json``, as objects for programs."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop

from ivrengine.cli import calls_output, complaints
from ivrengine.core.call import Outcome, Phase
from ivrengine.store import queries, timeline
from ivrengine.store.connecting import Connection, DatabaseUrlError
from ivrengine.store.database import Database, DatabaseError
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

    _with_database(config, data, ask)


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

    _with_database(config, data, ask)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _with_database(
    config: Path | None, data: Path | None, ask: Callable[[Connection], Awaitable[None]]
) -> None:
    """Ask the database of the settings; whatever is in the way is told in one sentence."""
    settings = complaints.settings(config)
    url = None
    if data is None and settings.database_url is not None:  # a folder that is named is meant
        url = settings.database_url.get_secret_value()
    try:
        database = Database(url, data or settings.data_dir)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_asked(database, ask))
    except DatabaseUrlError as error:
        complaints.bad_usage(str(error))
    except (DatabaseError, NoSuchCallError) as error:
        complaints.failed(str(error))
    except PermissionError as error:
        complaints.failed(f"{error.filename} cannot be read: {error.strerror}")


async def _asked(database: Database, ask: Callable[[Connection], Awaitable[None]]) -> None:
    try:
        connection = await database.read()
        try:
            await ask(connection)
        finally:
            await connection.close()
    finally:
        await database.close()
