"""Errors of the database, classed by what the shipper does about them.

On the side of a call's way: whatever goes wrong here costs a delay of the rows or one parked row, and never a call.
"""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import asyncpg


class Fault(StrEnum):
    """What can be done about an error."""

    AWAY = "away"
    """Nobody answers, or the connection broke: try again soon."""
    UNABLE = "unable"
    """It answers but cannot write now (disk full, read-only, too many connections): try again soon."""
    REFUSED = "refused"
    """It will not have us until a person changes something (password, rights, tables): try again, and say so loudly."""
    JOURNAL = "journal"
    """The journal's own files are in trouble: try again, and say so loudly."""
    DATA = "data"
    """The rows are at fault: find the one, park it, and go on."""


class DatabaseRefusedError(Exception):
    """The database cannot be used as it is; the sentence says what a person has to change."""


class JournalUnreadableError(Exception):
    """The journal cannot be read, or cannot keep how far it is shipped; nothing is lost by trying again."""


class RowError(Exception):
    """A row cannot be what it says it is (a stream id that is no UUIDv7); the sentence does not quote it."""


RETRIED: Final = (
    OSError,  # TimeoutError among them
    asyncio.IncompleteReadError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    DatabaseRefusedError,
    JournalUnreadableError,
)
"""What a database door may raise in the course of things; anything else is a mistake of ours and ends the process."""

_BY_CLASS: Final[Mapping[str, Fault]] = {
    "08": Fault.AWAY,  # connection exception
    "0A": Fault.REFUSED,  # feature not supported: an older PostgreSQL than we need, or a cached plan of old tables
    "21": Fault.DATA,  # cardinality violation: one statement meets a row twice; alone it passes
    "22": Fault.DATA,  # data exception: a value out of range, an untranslatable character
    "23": Fault.DATA,  # integrity constraint violation
    "25": Fault.UNABLE,  # invalid transaction state: 25006 is a read-only server (a standby after a fail-over)
    "28": Fault.REFUSED,  # invalid authorization
    "3D": Fault.REFUSED,  # no such database
    "3F": Fault.REFUSED,  # no such schema
    "40": Fault.UNABLE,  # transaction rollback: deadlock, serialization
    "42": Fault.REFUSED,  # undefined table or column, no right to it
    "53": Fault.UNABLE,  # insufficient resources: disk full, out of memory, too many connections
    "54": Fault.DATA,  # program limit exceeded: a value too large for a column or an index
    "55": Fault.UNABLE,  # object not in prerequisite state: a lock that could not be had
    "57": Fault.AWAY,  # operator intervention: shutting down, starting up, cancelled
    "58": Fault.UNABLE,  # system error: input or output failed
    "F0": Fault.REFUSED,  # configuration file error
    "XX": Fault.UNABLE,  # internal error, or damaged data
}
"""By the class of the SQLSTATE (PostgreSQL manual, appendix A). What is not here is retried: nothing is lost by waiting."""


def fault(error: BaseException) -> Fault:
    """Return what can be done about one of ``RETRIED`` or a ``RowError``."""
    match error:
        case RowError():
            return Fault.DATA
        case DatabaseRefusedError():
            return Fault.REFUSED
        case JournalUnreadableError():
            return Fault.JOURNAL
        case asyncpg.PostgresError():
            return _BY_CLASS.get((error.sqlstate or "")[:2], Fault.UNABLE)
        case _:
            return Fault.AWAY


def sqlstate(error: BaseException) -> str:
    """Return the error's SQLSTATE, or the name of its class where it has none."""
    state = error.sqlstate if isinstance(error, asyncpg.PostgresError) else None
    return state or type(error).__name__
