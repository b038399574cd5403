"""Reads a YAML file into plain data in which every scalar is text, with the place of every key and value.

The first stage of the compiler. YAML 1.1's own ideas of types never apply: ``no``, ``on``, ``1:``, ``0711`` and ``12:30`` are
the text that a person sees, and the models make of it what their fields want.
"""

import dataclasses
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import yaml

from ivrengine.flow import yaml_faults
from ivrengine.flow.problems import BEGINNING, Code, Place, Problem, problem, shown

FILE_BYTES_MAX: Final = 1024 * 1024
"""A flow of 1,000 nodes is 200 KiB; more is not a flow that a person wrote, and would hold up the loading of all others."""
DEPTH_MAX: Final = 32
"""The deepest the language itself goes is 6; the bound keeps nesting bombs from growing our stack."""

Loc = tuple[str | int, ...]
"""Path of a value inside its file: ``("nodes", "ask", "choices", "1")``."""
Data = str | None | dict[str, "Data"] | list["Data"]
"""What a file holds: text, mappings and lists; None is a value that is not there (``next:``)."""

_NOTHING_INSIDE: Final[Mapping[str | int, "Spot"]] = MappingProxyType({})
_BREAK: Final = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_PARSER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser if PyYAML was built with it (six times faster), else PyYAML's own: both yield the same events."""


@dataclasses.dataclass(slots=True)
class Spot:
    """Where a value stands: ``begin`` and ``end`` are indexes into the file's text."""

    place: Place
    begin: int
    end: int
    style: str = ""
    """Of a scalar: plain (empty), ``'``, ``"``, ``|`` or ``>``."""
    key: Place | None = None
    children: "Mapping[str | int, Spot]" = dataclasses.field(
        default_factory=lambda: _NOTHING_INSIDE
    )
    faulty: bool = False
    """Something is wrong here and has been said; nothing more need be said about the value."""


class Document:
    """A file that was read."""

    def __init__(self, file: str, text: str, data: Data, root: Spot) -> None:
        """Hold the data beside the places they came from."""
        self.file = file
        self.text = text
        self.data = data
        self._root = root

    def spot(self, loc: Loc) -> Spot:
        """Return where the value at ``loc`` stands, or the nearest value around it that there is."""
        spot = self._root
        for part in loc:
            if part not in spot.children:
                break
            spot = spot.children[part]
        return spot

    def place(self, loc: Loc) -> Place:
        """Return the place of the value at ``loc``."""
        return self.spot(loc).place

    def key_place(self, loc: Loc) -> Place:
        """Return the place of the key at ``loc``; of a list's item, where the item begins."""
        spot = self.spot(loc)
        return spot.key or spot.place

    def place_inside(self, loc: Loc, value: str, inside: Place) -> Place:
        """Return where the character at ``inside`` of the scalar ``value`` stands in the file.

        Folding, quotes and escapes are undone by counting the characters that are not blank: those are all in the file, in
        the same order.
        """
        spot = self.spot(loc)
        offset = _offset(value, inside)
        before = sum(not c.isspace() for c in value[:offset])
        index = _index_of(self.text, spot, before)
        return self._place_at(index, spot)

    def _place_at(self, index: int, spot: Spot) -> Place:
        line, start = spot.place.line, spot.begin - spot.place.column + 1
        for found in _BREAK.finditer(self.text, spot.begin, index):
            line, start = line + 1, found.end()
        return Place(line, index - start + 1)


def read_file(path: Path, file: str) -> tuple[Document | None, list[Problem]]:
    """Return what a file holds and what is wrong with its text; ``file`` is its name in the problems."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would keep us waiting
            return None, [
                problem(file, BEGINNING, Code.FILE_UNREADABLE, "this is no ordinary file")
            ]
        with path.open("rb") as opened:
            raw = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        sentence = f"the file cannot be read: {error.strerror}"
        return None, [problem(file, BEGINNING, Code.FILE_UNREADABLE, sentence)]
    if len(raw) > FILE_BYTES_MAX:
        sentence = (
            f"expected a file of at most 1 MiB, found {path.stat().st_size / 1024**2:.1f} MiB"
        )
        return None, [problem(file, BEGINNING, Code.FILE_TOO_BIG, sentence)]
    return read_bytes(raw, file)


def read_bytes(raw: bytes, file: str) -> tuple[Document | None, list[Problem]]:
    """Return what a file's bytes hold and what is wrong with them."""
    fault = yaml_faults.in_bytes(raw)
    if fault is not None:
        return None, [fault.in_file(file)]
    return read_text(raw.decode("utf-8-sig"), file)


def read_text(text: str, file: str) -> tuple[Document | None, list[Problem]]:
    """Return what a file's text holds and what is wrong with it; no document if it cannot be read to its end."""
    reader = _Reader(text)
    try:
        document = reader.document(file)
    except yaml.YAMLError as error:
        reader.faults.append(yaml_faults.in_yaml(error, text))
        document = None
    except _UnreadableError:
        document = None
    faults = [*reader.faults, *yaml_faults.commented_keys(text)]
    return document, [fault.in_file(file) for fault in faults]


class _UnreadableError(Exception):
    """Reading cannot go on; the reason is among the faults."""


class _Reader:
    """Builds data and spots from the parser's events."""

    def __init__(self, text: str) -> None:
        self.faults: list[yaml_faults.Fault] = []
        self._text = text
        self._parser = _PARSER(text)
        self._depth = 0

    def document(self, file: str) -> Document:
        """Read the one document of the file."""
        self._next()  # the stream's start
        event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            self._stop(BEGINNING, Code.FILE_EMPTY, "the file is empty")
        data, spot = self._value(self._next())
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            sentence = "a second document begins here; a file holds one"
            self._fault(_place(event), Code.YAML_DOCUMENTS, sentence)
        return Document(file, self._text, data, spot)

    def _next(self) -> Any:  # noqa: ANN401 - any of PyYAML's events
        return self._parser.get_event()

    def _fault(self, place: Place, code: Code, sentence: str) -> None:
        self.faults.append(yaml_faults.Fault(place, code, sentence))

    def _stop(self, place: Place, code: Code, sentence: str) -> None:
        self._fault(place, code, sentence)
        raise _UnreadableError

    def _value(self, event: Any) -> tuple[Data, Spot]:  # noqa: ANN401 - any of PyYAML's events
        spot = Spot(_place(event), event.start_mark.index, event.end_mark.index)
        if isinstance(event, yaml.AliasEvent):
            spot.faulty = True
            name = event.anchor
            sentence = (
                f"aliases are not allowed (`*{name}`); a text that begins with * is put in quotes"
            )
            self._fault(spot.place, Code.YAML_ALIAS, sentence)
            return None, spot
        self._refuse_decoration(event, spot)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, spot)
        self._depth += 1
        if self._depth > DEPTH_MAX:
            sentence = f"expected values nested at most {DEPTH_MAX} deep"
            self._stop(spot.place, Code.YAML_DEPTH, sentence)
        if isinstance(event, yaml.SequenceStartEvent):
            data: Data = self._sequence(spot)
        else:
            data = self._mapping(spot)
        self._depth -= 1
        return data, spot

    def _refuse_decoration(self, event: Any, spot: Spot) -> None:  # noqa: ANN401
        if event.anchor is not None:
            spot.faulty = True
            sentence = f"anchors are not allowed (`&{event.anchor}`); a text that begins with & is put in quotes"
            self._fault(spot.place, Code.YAML_ALIAS, sentence)
        if event.tag is not None:
            spot.faulty = True
            sentence = (
                "tags are not allowed; write the value alone, a text that begins with ! in quotes"
            )
            self._fault(spot.place, Code.YAML_TAG, sentence)

    def _scalar(self, event: Any, spot: Spot) -> tuple[Data, Spot]:  # noqa: ANN401
        spot.style = event.style or ""
        if event.value == "" and not spot.style:
            return None, spot
        return event.value, spot

    def _sequence(self, spot: Spot) -> list[Data]:
        items: list[Data] = []
        children: dict[str | int, Spot] = {}
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            item, child = self._value(event)
            if item is None and not child.faulty:
                child.faulty = True
                self._fault(child.place, Code.EMPTY_VALUE, "a list item is empty")
            children[len(items)] = child
            items.append(item)
        spot.children = children
        return items

    def _mapping(self, spot: Spot) -> dict[str, Data]:
        entries: dict[str, Data] = {}
        children: dict[str | int, Spot] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key, key_spot = self._value(event)
            value, child = self._value(self._next())
            child.key = key_spot.place
            if not self._key_is_good(key, key_spot, children):
                continue
            if value is None and not child.faulty:
                child.faulty = True
                self._fault(key_spot.place, Code.EMPTY_VALUE, f"`{key}` has no value")
            assert isinstance(key, str)
            entries[key] = value
            children[key] = child
        spot.children = children
        return entries

    def _key_is_good(self, key: Data, spot: Spot, known: Mapping[str | int, Spot]) -> bool:
        if spot.faulty:
            return False
        if not isinstance(key, str):
            sentence = "expected a key that is a word or a text, found " + shown(key)
            self._fault(spot.place, Code.YAML_KEY, sentence)
        elif key == "<<" and not spot.style:
            self._fault(spot.place, Code.YAML_ALIAS, "merge keys (`<<`) are not allowed")
        elif key in known:
            first = known[key].key
            assert first is not None
            sentence = f"key `{key}` is there already, in line {first.line}"
            self._fault(spot.place, Code.DUPLICATE_KEY, sentence)
        else:
            return True
        return False


def _place(event: Any) -> Place:  # noqa: ANN401 - any of PyYAML's events
    mark = event.start_mark
    return Place(mark.line + 1, mark.column + 1)


def _offset(value: str, inside: Place) -> int:
    """Return the index that a line and column inside a text mean."""
    starts = [0, *(index + 1 for index, c in enumerate(value) if c == "\n")]
    start = starts[min(inside.line, len(starts)) - 1]
    return min(start + inside.column - 1, len(value))


def _index_of(text: str, spot: Spot, before: int) -> int:
    """Return the index in the file of a scalar's character that has so many characters before it, blanks not counted."""
    for index, width in _written(text, spot):
        if before == 0:
            return index
        before -= 1
        last = index + width
    return last if spot.end > spot.begin else spot.begin


def _written(text: str, spot: Spot) -> Sequence[tuple[int, int]]:
    """Return index and width in the file of each character of a scalar that is not blank."""
    if spot.style == '"':
        return yaml_faults.double_quoted(text, spot.begin + 1, spot.end - 1)
    begin, end = spot.begin, spot.end
    if spot.style == "'":
        found = re.compile(r"''|\S").finditer(text, begin + 1, end - 1)
        return [(match.start(), len(match[0])) for match in found]
    if spot.style in {"|", ">"}:
        header = _BREAK.search(text, begin, end)
        begin = header.end() if header else end
    return [(index, 1) for index in range(begin, end) if not text[index].isspace()]
