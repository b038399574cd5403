"""Releases in PostgreSQL: put into service in one transaction, listed, and read back piece by piece."""

import dataclasses
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from ivrengine.flow.release import SHORT, Release, digest
from ivrengine.store.connecting import Connection

CHANNEL: Final = "ivrengine_activations"
"""Whoever listens there is told at once that another release is active."""
LIST_MAX: Final = 1_000
PIECE_BYTES: Final = 1024**2
"""A recording comes and goes in pieces: one takes the loop a millisecond, and the engine reads while it serves calls."""
_ALONE: Final = "LOCK TABLE activations IN EXCLUSIVE MODE"
"""Of two people who activate at once one is the first; readers go on."""


class NoSuchReleaseError(Exception):
    """No release is meant by what was asked for, or more than one."""


class OvertakenError(Exception):
    """Another release was put into service since the caller looked."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A release put into service."""

    number: int
    release_hash: str
    activated_at: datetime
    activated_by: str
    note: str
    forced: bool
    unmet: Sequence[str]
    """What check and the scripted calls said against it."""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"#{self.number}, release {self.release_hash[:SHORT]}"


async def activate(  # noqa: PLR0913 - what the list will say of it
    connection: Connection,
    release: Release,
    *,
    at: datetime,
    by: str,
    note: str,
    unmet: Sequence[str],
    instead_of: int | None,
    stored: Callable[[int], None] = lambda _bytes: None,
) -> int:
    """Make the release the active one and return the activation's number; all of it, or nothing.

    Raises ``OvertakenError`` unless the activation ``instead_of`` (None: none) still is the newest one. ``stored`` hears of
    the bytes of each file as soon as it is stored.
    """
    files = {path: digest(content) for path, content in release.contents.items()}
    release_hash = release.hash
    async with connection.transaction():
        await connection.execute(_ALONE)
        present = await newest(connection)
        if (present.number if present else None) != instead_of:
            name, who = (present.name, present.activated_by) if present else ("none", "nobody")
            raise OvertakenError(f"meanwhile {who} put another one into service: {name}")
        for path, content in release.contents.items():
            await _store(connection, files[path], content)
            stored(len(content))
        await connection.execute(
            "INSERT INTO releases VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            *(release_hash, at, json.dumps(files)),
        )
        number: int = await connection.fetchval(
            """
            INSERT INTO activations (release_hash, activated_at, activated_by, note, forced, unmet)
            VALUES ($1, $2, $3, $4, $5, $6) RETURNING number
            """,
            *(release_hash, at, by, note, bool(unmet), json.dumps(list(unmet))),
        )
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, str(number))
    return number


async def _store(connection: Connection, content_hash: str, content: bytes) -> None:
    """Store a file in pieces, unless it is there already."""
    known = await connection.fetchval(
        "SELECT true FROM release_files WHERE content_hash = $1 LIMIT 1", content_hash
    )
    if known:
        return
    for piece in range(max(1, -(-len(content) // PIECE_BYTES))):
        part = content[piece * PIECE_BYTES : (piece + 1) * PIECE_BYTES]
        await connection.execute(
            "INSERT INTO release_files VALUES ($1, $2, $3)", content_hash, piece, part
        )


async def listen(connection: Connection, told: Callable[[], None]) -> None:
    """Have ``told`` called whenever another release is put into service, and when the connection is lost."""

    def ring(*_: object) -> None:
        told()

    await connection.add_listener(CHANNEL, ring)
    connection.add_termination_listener(ring)


async def activations(connection: Connection, limit: int = LIST_MAX) -> list[Activation]:
    """Return the newest activations, the active one first."""
    rows = await connection.fetch("SELECT * FROM activations ORDER BY number DESC LIMIT $1", limit)
    return [_activation(dict(row)) for row in rows]


async def newest(connection: Connection) -> Activation | None:
    """Return the activation that counts; None if no release was ever put into service."""
    found = await activations(connection, limit=1)
    return found[0] if found else None


async def files_of(connection: Connection, release_hash: str) -> dict[str, str]:
    """Return the files of a release, the digest of its content by each path; raises ``NoSuchReleaseError``."""
    found = await connection.fetchval(
        "SELECT files FROM releases WHERE release_hash = $1", release_hash
    )
    if found is None:
        raise NoSuchReleaseError(f"there is no release {release_hash[:SHORT]}")
    files: dict[str, str] = json.loads(found)
    return files


async def pieces(connection: Connection, content_hash: str) -> AsyncIterator[bytes]:
    """Yield the content of a file, piece by piece."""
    piece = 0
    while True:
        part = await connection.fetchval(
            "SELECT content FROM release_files WHERE content_hash = $1 AND piece = $2",
            *(content_hash, piece),
        )
        if part is None:
            return
        yield bytes(part)
        piece += 1


async def contents(connection: Connection, release_hash: str) -> Release:
    """Return a release whole; raises ``NoSuchReleaseError``."""
    files = await files_of(connection, release_hash)
    found = {
        path: b"".join([part async for part in pieces(connection, content_hash)])
        for path, content_hash in files.items()
    }
    return Release(contents=found)


async def meant(connection: Connection, words: str) -> str:
    """Return the hash of the release that is meant by the beginning of its hash or by ``#`` and an activation's number.

    Raises ``NoSuchReleaseError``.
    """
    number = words.removeprefix("#")
    if words.startswith("#") and number.isdecimal() and len(number) <= len(str(2**62)):
        query, argument = "SELECT release_hash FROM activations WHERE number = $1", int(number)
        rows = await connection.fetch(query, argument)
    else:
        query = "SELECT release_hash FROM releases WHERE starts_with(release_hash, $1) LIMIT 2"
        rows = await connection.fetch(query, words.lower())
    if len(rows) != 1:
        which = "more than one release begins" if rows else "no release begins"
        raise NoSuchReleaseError(
            f"{which} with `{words}`; a release is named by the first letters of its hash, or by # and an activation's number"
        )
    found: str = rows[0]["release_hash"]
    return found


def _activation(row: Mapping[str, Any]) -> Activation:
    return Activation(
        number=row["number"],
        release_hash=row["release_hash"],
        activated_at=row["activated_at"],
        activated_by=row["activated_by"],
        note=row["note"],
        forced=row["forced"],
        unmet=tuple(json.loads(row["unmet"])),
    )
