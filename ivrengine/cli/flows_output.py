"""How ``ivrengine flows`` shows releases to people."""

import difflib
from collections.abc import Iterator, Mapping, Sequence

import typer
from rich.console import Console
from rich.table import Table

from ivrengine.flow.release import SHORT, Release
from ivrengine.store.releases import Activation


def print_list(found: Sequence[Activation]) -> None:
    """Print what was put into service, the active one first and marked."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("", "number", "release", "in service since", "by", "note"):
        table.add_column(heading, overflow="fold")
    for each in found:
        forced = f"forced, {len(each.unmet)} unmet" if each.forced else ""
        table.add_row(
            "*" if each is found[0] else "",
            f"#{each.number}",
            each.release_hash[:SHORT],
            f"{each.activated_at.astimezone():%Y-%m-%d %H:%M:%S %z}",
            each.activated_by,
            "; ".join(filter(None, [forced, each.note])),
        )
    Console(markup=False, emoji=False, highlight=False).print(table)


def print_release(activated: Sequence[Activation], found: Release, other: Release) -> None:
    """Print when a release was put into service, what is in it, and what differs from another one."""
    typer.echo(f"release {found.hash}")
    for each in activated:
        at = f"{each.activated_at.astimezone():%Y-%m-%d %H:%M:%S %z}"
        typer.echo(f"#{each.number} at {at} by {each.activated_by} {each.note}".rstrip())
        for sentence in each.unmet:
            typer.echo(f"    although {sentence}")
    for path, content in sorted(found.contents.items()):
        typer.echo(f"{len(content):>11,}  {path}")
    for line in differences(other.contents, found.contents):
        typer.echo(line)


def differences(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the lines of a unified diff; of files that are no text, that they differ."""
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        try:
            old_lines = (old or b"").decode().splitlines()
            new_lines = (new or b"").decode().splitlines()
        except UnicodeDecodeError:
            yield f"{path}: differs"
            continue
        name_before, name_after = (
            path if there is not None else "(not there)" for there in (old, new)
        )
        yield from difflib.unified_diff(old_lines, new_lines, name_before, name_after, lineterm="")
