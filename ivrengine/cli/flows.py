"""``ivrengine flows``: which release of the flows is in service, and how another one gets there."""

import dataclasses
import getpass
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import Progress

from ivrengine.cli import complaints, flows_output, test_report
from ivrengine.cli.check import DEFAULT_FOLDER
from ivrengine.cli.database import asked
from ivrengine.cli.objections import objections
from ivrengine.engine.clock import wall
from ivrengine.flow import release as folders
from ivrengine.flow.release import SHORT, Release, ReleaseError
from ivrengine.settings import load as settings_files
from ivrengine.settings.model import Settings
from ivrengine.store import releases
from ivrengine.store.connecting import Connection
from ivrengine.store.releases import Activation, NoSuchReleaseError, OvertakenError

app: Final = typer.Typer(
    help="Put releases of the flows into service, and take them back.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

UNMET_MAX: Final = 200
"""So many sentences against a release are told and kept; nobody mends more before looking again."""

_Config = Annotated[Path | None, complaints.CONFIG]
_Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        help="The data folder whose database is meant; without it, the settings say which.",
    ),
]
_Force = Annotated[
    bool,
    typer.Option("--force", help="Even if check or a scripted call fails; that is recorded."),
]
_Note = Annotated[str, typer.Option(help="Why, for those who read the list.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
_WORDS: Final = "the beginning of its hash, or # and a number of the list"


@app.command("list")
def list_(as_json: _Json = False, config: _Config = None, data: _Data = None) -> None:
    """List what was put into service, the active one first."""
    found = asked(complaints.settings(config), data, releases.activations)
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in found], ensure_ascii=False, indent=2))
    elif not found:
        typer.echo("no release was put into service yet; `ivrengine flows activate` does it")
    else:
        flows_output.print_list(found)


@app.command()
def show(
    wanted: Annotated[
        str, typer.Argument(help=f"A release: {_WORDS}; the active one if none is named.")
    ] = "",
    against: Annotated[
        str | None,
        typer.Option("--diff", help="Tell what differs from this release, not the active one."),
    ] = None,
    config: _Config = None,
    data: _Data = None,
) -> None:
    """Show a release: its files, when it was put into service, and what in it differs from the active one."""

    async def ask(connection: Connection) -> tuple[list[Activation], Release, Release]:
        known = await releases.activations(connection)
        if not known:
            raise NoSuchReleaseError("no release was put into service yet")
        active = known[0].release_hash
        meant = await releases.meant(connection, wanted) if wanted else active
        other = active if against is None else await releases.meant(connection, against)
        found = await releases.contents(connection, meant)
        before = found if other == meant else await releases.contents(connection, other)
        return [each for each in known if each.release_hash == meant], found, before

    found = asked(complaints.settings(config), data, ask, NoSuchReleaseError)
    flows_output.print_release(*found)


@app.command()
def activate(
    folder: Annotated[Path, typer.Argument(help="The folder of flows.")] = DEFAULT_FOLDER,
    force: _Force = False,
    note: _Note = "",
    config: _Config = None,
    data: _Data = None,
) -> None:
    """Put a folder of flows into service, if check finds no error in it and its scripted calls pass."""
    complaints.need_folder(folder)
    settings = complaints.settings(config)
    present = asked(settings, data, releases.newest, write=True)
    try:
        release = folders.read(folder)
    except ReleaseError as error:
        complaints.failed(str(error))
    wanted = _Wanted(release=release, shown=str(folder), present=present, force=force, note=note)
    _put_into_service(wanted, settings, config, data)


@app.command()
def rollback(
    wanted: Annotated[
        str,
        typer.Argument(
            help=f"A release: {_WORDS}; the one before the active one if none is named."
        ),
    ] = "",
    force: _Force = False,
    note: _Note = "rollback",
    config: _Config = None,
    data: _Data = None,
) -> None:
    """Put an earlier release into service again."""

    async def ask(connection: Connection) -> tuple[Activation | None, Release]:
        known = await releases.activations(connection)
        meant = await releases.meant(connection, wanted) if wanted else _before(known)
        return (known[0] if known else None), await releases.contents(connection, meant)

    settings = complaints.settings(config)
    present, release = asked(settings, data, ask, NoSuchReleaseError)
    shown = f"release {release.hash[:SHORT]}"
    back = _Wanted(release=release, shown=shown, present=present, force=force, note=note)
    _put_into_service(back, settings, config, data)


def _before(known: list[Activation]) -> str:
    """Return the release that was active before the one that is."""
    earlier = (each.release_hash for each in known if each.release_hash != known[0].release_hash)
    found = next(earlier, None)
    if found is None:
        raise NoSuchReleaseError("there is no release before the active one")
    return found


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is to go into service, and what was there when that was decided."""

    release: Release
    shown: str
    present: Activation | None
    force: bool
    note: str


def _put_into_service(
    wanted: _Wanted, settings: Settings, config: Path | None, data: Path | None
) -> None:
    """Check the release as it will be stored, and make it the active one; exits with 1 if it is refused."""
    present, release = wanted.present, wanted.release
    if present is not None and present.release_hash == release.hash:
        typer.echo(f"{present.name}, is in service already: nothing in {wanted.shown} is new")
        return
    has_settings = config is not None or settings_files.is_given()
    unmet = _unmet(wanted, settings if has_settings else None)
    for sentence in unmet:
        typer.echo(sentence, err=True)
    if unmet and not wanted.force:
        stays = "; what is in service stays" if present else ""
        complaints.failed(f"{wanted.shown} was not put into service{stays}")
    number = _stored(wanted, unmet, settings, data)
    things = "1 thing speaks" if len(unmet) == 1 else f"{len(unmet)} things speak"
    forced = f", although {things} against it" if unmet else ""
    typer.echo(f"#{number}, release {release.hash[:SHORT]}, is in service{forced}")


def _unmet(wanted: _Wanted, settings: Settings | None) -> list[str]:
    """Return what speaks against the release."""
    outside = None if settings is None else settings.outside()
    with tempfile.TemporaryDirectory(prefix="ivrengine-release-") as copy:
        try:
            folders.write(wanted.release, Path(copy))
        except ReleaseError as error:
            complaints.failed(str(error))
        except OSError as error:
            complaints.failed(f"{copy} cannot be written: {error.strerror}")
        found = objections(Path(copy), outside, wall().date())
    told = [sentence.replace(copy, wanted.shown) for sentence in found[:UNMET_MAX]]
    more = len(found) - len(told)
    return [*told, f"and {more} more"] if more else told


def _stored(wanted: _Wanted, unmet: list[str], settings: Settings, data: Path | None) -> int:
    """Store the release as the active one, and return the activation's number."""
    console = test_report.errors()
    size = sum(map(len, wanted.release.contents.values()))
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("storing", total=size)

        async def put(connection: Connection) -> int:
            return await releases.activate(
                connection,
                wanted.release,
                at=wall(),
                by=_person(),
                note=wanted.note,
                unmet=unmet,
                instead_of=None if wanted.present is None else wanted.present.number,
                stored=lambda stored: progress.advance(bar, stored),
            )

        return asked(settings, data, put, OvertakenError, write=True)


def _person() -> str:
    """Return who is at the keyboard, as the system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _plain(each: Activation) -> Mapping[str, Any]:
    return {**dataclasses.asdict(each), "activated_at": each.activated_at.isoformat()}
