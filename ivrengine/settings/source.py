"""A settings file as read: its values, and the lines that they stand on."""

import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

Loc = tuple[str | int, ...]
"""Path of a value: ``("asterisk", 0, "url")``."""
_TABLE: Final = re.compile(r"\s*(?P<open>\[{1,2})\s*(?P<path>[\w.\s\"'-]+?)\s*\]{1,2}\s*(?:#.*)?")
_KEY: Final = re.compile(r"\s*(?P<path>[\w.\"'-]+)\s*=")


class UnreadableError(Exception):
    """A file that cannot be read as TOML; the message is the sentence for a person."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The content of a settings file; empty if there is none."""

    name: str
    content: Mapping[str, Any] = dataclasses.field(default_factory=dict, repr=False)
    lines: Mapping[Loc, int] = dataclasses.field(default_factory=dict)

    def line(self, loc: Loc) -> int:
        """Return the line of what stands there, or of the nearest thing that it belongs to; 0 if there is none."""
        parts = range(len(loc), 0, -1)
        return next((self.lines[loc[:n]] for n in parts if loc[:n] in self.lines), 0)

    def place(self, loc: Loc) -> str:
        """Return ``ivrengine.toml:7``, the name alone if there is no such line."""
        line = self.line(loc)
        return f"{self.name}:{line}" if line else self.name


def read(file: Path) -> Source:
    """Return what the file holds; raises ``UnreadableError``."""
    try:
        text = file.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except FileNotFoundError:
        raise UnreadableError(f"{file}: there is no such file") from None
    except OSError as error:
        raise UnreadableError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UnreadableError(f"{file}: expected UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise UnreadableError(_not_toml(file, str(error))) from None
    return Source(name=str(file), content=content, lines=dict(_lines(text)))


def _not_toml(file: Path, message: str) -> str:
    """Rearrange ``Expected … (at line 3, column 5)``; tomllib's messages quote no value."""
    reason, _, where = message.partition(" (at ")
    line = re.search(r"line (\d+)", where)
    place = f"{file}:{line[1]}" if line else str(file)
    return f"{place}: this is not TOML: {reason[:1].lower()}{reason[1:]}"


def _lines(text: str) -> Iterator[tuple[Loc, int]]:
    """Yield the line of each table and key; tomllib, which has checked the text, does not tell them.

    What stands within a value (an inline table, a list over several lines) has the line of its key.
    """
    table: Loc = ()
    counted: dict[Loc, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.fullmatch(line):
            table = _inside(_parts(header["path"]), counted)
            if header["open"] == "[[":
                counted[table] = counted.get(table, -1) + 1
                table = (*table, counted[table])
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_parts(key["path"])), number


def _inside(table: Loc, counted: Mapping[Loc, int]) -> Loc:
    """Return the path of a table within the list item that was opened last: ``[asterisk.x]`` is in ``[[asterisk]]``."""
    if len(table) > 1 and table[:1] in counted:
        return (*table[:1], counted[table[:1]], *table[1:])
    return table


def _parts(dotted: str) -> Loc:
    return tuple(part.strip(" \"'") for part in dotted.split("."))
