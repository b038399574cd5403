"""Finds the rows that no table takes, and puts them aside, so that those behind them get through."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol, assert_never

from ivrengine.core.rows import (
    AnswerRow,
    AttributeRow,
    CallRow,
    EventRow,
    FlowRow,
    MessageRow,
    NumberRow,
    RecordingRow,
)
from ivrengine.store.faults import (
    RETRIED,
    DatabaseRefusedError,
    Fault,
    RowError,
    fault,
    sqlstate,
)
from ivrengine.store.items import Item

PARKED_FILE_BYTES: Final = 64 * 1024 * 1024
"""More than this of rows that not even the table of parked rows takes is no accident: shipping waits for a person."""
_NOT_KEPT: Final[Mapping[type[Item], tuple[str, ...]]] = {
    EventRow: ("call", "kept"),  # items of their own
    NumberRow: ("sealed",),  # a number, even sealed, rests in the vault and nowhere else
    MessageRow: ("text",),  # its event has it, and the outbox: nobody else is to read it
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A row that was put aside, and why."""

    row_kind: str
    sqlstate: str
    sentence: str
    body: str
    """The row as JSON in ASCII, the same text for the same row."""

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the body: the same row is parked once."""
        return hashlib.sha256(self.body.encode()).digest()


class Writer(Protocol):
    """What writes rows into the tables, all of them or none."""

    async def write(self, items: Sequence[Item]) -> Sequence[EventRow]:
        """Write in one transaction; return the events whose place in the store is taken by a different one."""
        ...


async def write_what_can_be(
    writer: Writer, items: Sequence[Item], park: Callable[[Item, BaseException], Awaitable[None]]
) -> None:
    """Write the rows; halve whatever is refused as bad data until the single bad row is found, and have that parked.

    Raises what is no fault of a row. A batch of n rows with one bad one costs about 2·log2(n) further transactions.
    """
    try:
        clashing = await writer.write(items)
    except (*RETRIED, RowError) as error:
        if fault(error) is not Fault.DATA:
            raise
        if len(items) == 1:
            await park(items[0], error)
            return
        half = len(items) // 2
        await write_what_can_be(writer, items[:half], park)
        await write_what_can_be(writer, items[half:], park)
        return
    for row in clashing:
        await park(row, RowError("another row of this stream and number is in the store already"))


def parked(item: Item, error: BaseException) -> Parked:
    """Return how the row and its error are kept."""
    fields = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
    for name in _NOT_KEPT.get(type(item), ()):
        del fields[name]
    body = json.dumps(fields, default=_plain, sort_keys=True)
    return Parked(
        row_kind=kind_of(item), sqlstate=sqlstate(error), sentence=sentence(error), body=body
    )


def kind_of(item: Item) -> str:  # noqa: PLR0911 - one line a kind
    """Return the kind of a row, as metrics and the table of parked rows name it."""
    match item:
        case EventRow():
            return "event"
        case CallRow():
            return "call"
        case NumberRow():
            return "number"
        case FlowRow():
            return "flow"
        case MessageRow():
            return "message"
        case AttributeRow():
            return "attribute"
        case AnswerRow():
            return "answer"
        case RecordingRow():
            return "recording"
        case _:
            assert_never(item)


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def sentence(error: BaseException) -> str:
    """Return what is wrong with the row, in ASCII text that any table takes, without PostgreSQL's DETAIL (it quotes)."""
    message = str(error.args[0]) if error.args else type(error).__name__
    return message.replace("\0", "").encode("ascii", "backslashreplace").decode()


class ParkedFile:
    """The last resort: a local file, one JSON line for each row that could not even be parked in the database."""

    def __init__(self, path: Path) -> None:
        """Write to the path, which is made when it is needed."""
        self._path = path

    def append(self, row: Parked) -> None:
        """Keep the row; raises ``DatabaseRefusedError`` if there is no room or no right to."""
        line = json.dumps(dataclasses.asdict(row)) + "\n"
        try:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            fd = os.open(self._path, flags, 0o600)
            try:
                if os.fstat(fd).st_size + len(line) > PARKED_FILE_BYTES:
                    raise DatabaseRefusedError(f"{self._path} is full of rows that no table takes")
                os.write(fd, line.encode())
            finally:
                os.close(fd)
        except OSError as error:
            raise DatabaseRefusedError(
                f"a row that no table takes cannot be kept in {self._path}: {error.strerror}"
            ) from error
