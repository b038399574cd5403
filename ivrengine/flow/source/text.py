"""Reads a YAML file into plain data in which every scalar is text, with the place of every key and value.

The first stage of the compiler. YAML 1.1's own ideas of types never apply: ``no``, ``on``, ``1:``, ``0711`` and ``12:30`` are
the text that a person sees, and the models make of it what their fields want.
"""

import dataclasses
import re
import stat
from collections.abc import Callable, Container, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from ivrengine.flow.problems import BEGINNING, Code, Data, Loc, Place, Problem, problem, shown
from ivrengine.flow.source import yaml_faults

FILE_BYTES_MAX: Final = 1024 * 1024
"""A flow of 1,000 nodes is 200 KiB; more is not a flow that a person wrote, and would hold up the loading of all others."""
DEPTH_MAX: Final = 32
"""The deepest the language itself goes is 6; the bound keeps nesting bombs from growing our stack."""

_COMMENT: Final = re.compile(r"[ \t]+(?=#)")
"""What stands between an unquoted text and the comment that ends it."""
_BREAK: Final = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_PARSER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser if PyYAML was built with it (six times faster), else PyYAML's own: both yield the same events."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a value stands in its file."""

    place: Place
    key: Place
    """Where its key stands; of what has none, the value's own place."""
    begin: int
    """Index into the file's text, as is ``end``."""
    end: int
    style: str
    """Of a scalar: plain (empty), ``'``, ``"``, ``|`` or ``>``."""
    faulty: bool
    """Something is wrong here and has been told; nothing more need be told of the value."""


@dataclasses.dataclass(slots=True)
class _Branch:
    """A mapping or list: the event it began with, and for each value in it the events of its key and itself."""

    event: Any
    children: "dict[str | int, tuple[Any, _Tree]]"


_Tree = _Branch | Any
"""A branch, or the parser's event of a scalar: keeping those costs nothing, and few places are ever asked for."""


class Document:
    """A file that was read."""

    def __init__(
        self, file: str, text: str, data: Data, tree: _Tree, faulty: Container[int]
    ) -> None:
        """Hold the data beside the parser's events they came from; ``faulty`` has the identities of those with faults."""
        self.file = file
        self.text = text
        self.data = data
        self._tree = tree
        self._faulty = faulty

    def spot(self, loc: Loc) -> Spot:
        """Return where the value at ``loc`` stands, or the nearest value around it that there is."""
        key, tree = None, self._tree
        for part in loc:
            if not isinstance(tree, _Branch) or part not in tree.children:
                break
            key, tree = tree.children[part]
        event = tree.event if isinstance(tree, _Branch) else tree
        return Spot(
            place=_place(event),
            key=_place(key or event),
            begin=event.start_mark.index,
            end=event.end_mark.index,
            style=getattr(event, "style", None) or "",
            faulty=id(event) in self._faulty,
        )

    def place(self, loc: Loc) -> Place:
        """Return the place of the value at ``loc``."""
        return self.spot(loc).place

    def key_place(self, loc: Loc) -> Place:
        """Return the place of the key at ``loc``; of a list's item, where the item begins."""
        return self.spot(loc).key

    def place_inside(self, loc: Loc, value: str, inside: Place) -> Place:
        """Return where the character at ``inside`` of the scalar ``value`` stands in the file.

        Folding, quotes and escapes are undone by counting the characters that are not blank: those are all in the file, in
        the same order.
        """
        spot = self.spot(loc)
        offset = _offset(value, inside)
        before = sum(not c.isspace() for c in value[:offset])
        return self._place_at(_index_of(self.text, spot, before), spot)

    def comment_behind(self, loc: Loc) -> Place | None:
        """Return where the comment begins that an unquoted text has behind it on its line; None if it has none."""
        spot = self.spot(loc)
        found = None if spot.style else _COMMENT.match(self.text, spot.end)
        return None if found is None else self._place_at(found.end(), spot)

    def _place_at(self, index: int, spot: Spot) -> Place:
        line, start = spot.place.line, spot.begin - spot.place.column + 1
        for found in _BREAK.finditer(self.text, spot.begin, index):
            line, start = line + 1, found.end()
        return Place(line, index - start + 1)


def value_at(data: object, loc: Loc) -> object:
    """Return the value at a path inside plain data; None if there is none."""
    for part in loc:
        match data, part:
            case dict(), str():
                data = data.get(part)
            case list(), int() if part < len(data):
                data = data[part]
            case str(), 0 | "to":
                return data  # one text where a list may stand is its only entry, and where a reaction may, its exit
            case _:
                return None
    return data


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
        reader.give_up(yaml_faults.in_yaml(error, text))
        document = None
    except _UnreadableError:
        document = None
    faults = [*reader.faults, *yaml_faults.commented_keys(text)]
    return document, [fault.in_file(file) for fault in faults]


class _UnreadableError(Exception):
    """Reading cannot go on; the reason is among the faults."""


class _Reader:
    """Builds data and the tree of events beside them."""

    def __init__(self, text: str) -> None:
        self.faults: list[yaml_faults.Fault] = []
        self._text = text
        self._next: Callable[[], Any] = _PARSER(text).get_event
        self._depth = 0
        self._faulty: dict[int, Any] = {}

    def document(self, file: str) -> Document:
        """Read the one document of the file."""
        self._next()  # the stream's start
        if isinstance(self._next(), yaml.StreamEndEvent):
            self._stop(BEGINNING, Code.FILE_EMPTY, "the file is empty")
        data, tree = self._value(self._next())
        if data is None and not self.faults:
            self._stop(BEGINNING, Code.FILE_EMPTY, "the file is empty")
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            sentence = "a second document begins here; a file holds one"
            self._tell(event, Code.YAML_DOCUMENTS, sentence)
        return Document(file, self._text, data, tree, self._faulty)

    def give_up(self, fault: yaml_faults.Fault) -> None:
        """Tell why the text cannot be read on; what stands behind that place in its line followed from it."""
        place = fault.place
        self.faults = [
            each for each in self.faults if each.place.line != place.line or each.place < place
        ]
        self.faults.append(fault)

    def _tell(self, event: Any, code: Code, sentence: str) -> None:  # noqa: ANN401 - any of PyYAML's events
        self._faulty[id(event)] = event
        self.faults.append(yaml_faults.Fault(_place(event), code, sentence))

    def _stop(self, place: Place, code: Code, sentence: str) -> None:
        self.faults.append(yaml_faults.Fault(place, code, sentence))
        raise _UnreadableError

    def _value(self, event: Any) -> tuple[Data, _Tree]:  # noqa: ANN401 - any of PyYAML's events
        if type(event) is yaml.ScalarEvent and event.anchor is None is event.tag:  # nine of ten
            return event.value if event.value or event.style else None, event
        if isinstance(event, yaml.AliasEvent):
            sentence = f"aliases are not allowed (`*{event.anchor}`); a text that begins with * is put in quotes"
            self._tell(event, Code.YAML_ALIAS, sentence)
            return None, event
        if event.anchor is not None or event.tag is not None:
            self._refuse_decoration(event)
        if isinstance(event, yaml.ScalarEvent):
            is_there = event.value or event.style
            return (event.value if is_there else None), event
        self._depth += 1
        if self._depth > DEPTH_MAX:
            sentence = f"expected values nested at most {DEPTH_MAX} deep"
            self._stop(_place(event), Code.YAML_DEPTH, sentence)
        is_list = isinstance(event, yaml.SequenceStartEvent)
        found = self._sequence(event) if is_list else self._mapping(event)
        self._depth -= 1
        return found

    def _refuse_decoration(self, event: Any) -> None:  # noqa: ANN401 - any of PyYAML's events
        if event.anchor is not None:
            sentence = f"anchors are not allowed (`&{event.anchor}`); a text that begins with & is put in quotes"
            self._tell(event, Code.YAML_ALIAS, sentence)
        if event.tag is not None:
            sentence = (
                "tags are not allowed; write the value alone, a text that begins with ! in quotes"
            )
            self._tell(event, Code.YAML_TAG, sentence)

    def _sequence(self, start: Any) -> tuple[Data, _Tree]:  # noqa: ANN401 - any of PyYAML's events
        items: list[Data] = []
        branch = _Branch(start, {})
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            item, tree = self._value(event)
            if item is None and id(event) not in self._faulty:
                self._tell(event, Code.EMPTY_VALUE, "a list item is empty")
            branch.children[len(items)] = (None, tree)
            items.append(item)
        return items, branch

    def _mapping(self, start: Any) -> tuple[Data, _Tree]:  # noqa: ANN401 - any of PyYAML's events
        entries: dict[str, Data] = {}
        branch = _Branch(start, {})
        following, read = self._next, self._value  # this loop is a third of the loading of a folder
        while type(key_event := following()) is not yaml.MappingEndEvent:
            key, _ = read(key_event)
            event = following()
            value, tree = read(event)
            plain = type(key) is str and key not in entries and key != "<<" and not self._faulty
            if not plain and not self._is_good(key_event, key, branch):
                continue
            assert isinstance(key, str)
            if value is None and not self._faulty.keys().isdisjoint({id(event), id(start)}):
                self._faulty[id(event)] = event
            elif value is None:
                before = next(reversed(entries.values()), None)
                joined = yaml_faults.perhaps_joined(key, before, in_braces=start.flow_style)
                sentence = f"`{key}` has no value{joined}"
                self._tell(key_event, Code.EMPTY_VALUE, sentence)
                self._faulty[id(event)] = event
            entries[key] = value
            branch.children[key] = (key_event, tree)
        return entries, branch

    def _is_good(self, event: Any, key: Data, branch: _Branch) -> bool:  # noqa: ANN401 - any of PyYAML's events
        if self._faulty and id(event) in self._faulty:
            return False
        if not isinstance(key, str):
            sentence = f"expected a key that is a word or a text, found {shown(key)}"
            self._tell(event, Code.YAML_KEY, sentence)
        elif key == "<<" and not event.style:
            self._tell(event, Code.YAML_ALIAS, "merge keys (`<<`) are not allowed")
        elif key in branch.children:
            first = _place(branch.children[key][0])
            self._tell(
                event, Code.DUPLICATE_KEY, f"key `{key}` is there already, in line {first.line}"
            )
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
    last = spot.begin
    for index, width in _written(text, spot):
        if before == 0:
            return index
        before -= 1
        last = index + width
    return last


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
