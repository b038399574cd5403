"""What can be wrong with a file as text and as YAML, before anybody asks what it means: sentences with their places."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Final

import yaml

from ivrengine.flow.problems import BEGINNING, Code, Place, Problem, problem, shown

_CONTROL: Final = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What YAML 1.1 (5.1, "printable") does not allow in a file."""
_UNSEEN: Final = re.compile("[\u200b\u202a-\u202e\u2060-\u2069\ufeff]")
"""What nobody sees, or what shows a line in another order than it is read in."""
_BLANKS_IN_NAMES: Final = "\u00a0\u2007\u202f\u3000"
_ODD_INDENT: Final = re.compile(f"^[ \t]*([{_BLANKS_IN_NAMES}])", re.MULTILINE)
_NO_BLANK: Final = re.compile(r"^\s*(?:- +)*[a-z][\w-]*:(?=[^\s:/])")
"""A key whose colon the value follows at once, so that both are one word."""
_BRACED: Final = re.compile(r"(?:: +|- +)(\{[^{}]*\}|\[[^\[\]]*\])\s+$")
"""A value in braces or brackets behind which a text goes on."""
_CLOSED_QUOTE: Final = re.compile(r"""(?:: +|- +)('(?:[^']|'')*'|"(?:[^"\\]|\\.)*")$""")
_COMMENTED_KEY: Final = re.compile(r"^[ \t]*(#:)[ \t]+[a-z][a-z0-9_-]*[ \t]*$", re.MULTILINE)
_ESCAPE: Final = re.compile(r"\\(?:x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|\r\n|.)", re.DOTALL)
_BLANK_ESCAPES: Final = frozenset("t\tn\r\nvf rN_LP")
"""Letters of the escapes that stand for a blank, and the line break that an escape removes."""
_BYTE_ORDER_MARKS: Final = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_COLON: Final = "mapping values are not allowed in this context"
_KEY: Final = "did not find expected key"
_DIRECTIVE: Final = "lines that begin with % are not part of flow files"
_SENTENCES: Final = {
    _COLON: (
        "a `:` is not expected here; a text with `: ` in it is put in quotes, and the keys of a mapping begin in one column"
    ),
    _KEY: (
        "expected a key in the same column as the keys above it, or a value that was left open was not closed"
    ),
    "did not find expected '-' indicator": (
        "expected another list item (`- …`) in the same column as those above"
    ),
    "did not find expected ',' or ']'": "the `[` that begins here is not closed, or a comma is missing",
    "did not find expected ',' or '}'": "the `{` that begins here is not closed, or a comma is missing",
    "found unexpected end of stream": "the quote that begins here is never closed",
    "found unknown escape character": (
        "an unknown escape in a double-quoted text; write \\\\ for one backslash, or use single quotes"
    ),
    "could not find expected ':'": "expected `key: value`; the colon and a blank after it are missing",
    "did not find expected <document start>": "the file ends with `...`; nothing may come after it",
    "found unknown directive name": _DIRECTIVE,
    "found incompatible YAML document": _DIRECTIVE,
    "found invalid Unicode character escape code": "an escape that stands for no character",
}
_AT_BEGINNING: Final = frozenset(
    {
        "did not find expected ',' or ']'",
        "did not find expected ',' or '}'",
        "found unexpected end of stream",
        "could not find expected ':'",
    }
)
"""Faults that people look for where the open thing begins, not where the parser gave up."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a file's text."""

    place: Place
    code: Code
    sentence: str

    def in_file(self, file: str) -> Problem:
        """Return the problem that this is of the named file."""
        return problem(file, self.place, self.code, self.sentence)


def in_bytes(raw: bytes) -> Fault | None:
    """Return why these bytes are not the text of a flow file."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            sentence = f"the file is {encoding}; save it as UTF-8"
            return Fault(BEGINNING, Code.FILE_ENCODING, sentence)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        sentence = f"the file is not UTF-8 (byte {raw[error.start]:#04x}){_as_turkish(raw)}; save it as UTF-8"
        return Fault(_end_of(before), Code.FILE_ENCODING, sentence)
    for kind, pattern in (("a control", _CONTROL), ("an invisible", _UNSEEN)):
        found = pattern.search(text)
        if found is not None:
            sentence = f"{kind} character (U+{ord(found[0]):04X}) is not allowed"
            return Fault(_end_of(text[: found.start()]), Code.FILE_ENCODING, sentence)
    odd = _ODD_INDENT.search(text)
    if odd is None:
        return None
    sentence = f"this line begins with a blank that is none to YAML (U+{ord(odd[1]):04X}); indent with spaces"
    return Fault(_end_of(text[: odd.start(1)]), Code.YAML_SYNTAX, sentence)


def perhaps_joined(key: str, before: object, *, in_braces: bool) -> str:
    """Return what may have made a key of what should be a key and its value, or part of a text or number."""
    if in_braces and key.isdecimal() and isinstance(before, str) and before.isdecimal():
        return f"; decimals take a point: {before}.{key}"
    if any(blank in key for blank in _BLANKS_IN_NAMES):
        return "; a blank in it is none to YAML (a no-break space): write a plain one"
    if not re.search(r"[^a-z0-9_-]", key):
        return ""
    first, _, rest = key.partition(" ")
    quoted = "a text with a comma in it is put in quotes"
    if re.fullmatch("[a-z_]+ [a-z0-9_-]+", key):
        return f"; write `{first}: {rest}`{f', or if it is text: {quoted}' if in_braces else ''}"
    return f"; {quoted}" if in_braces else ""


def _as_turkish(raw: bytes) -> str:
    letters = raw.decode("iso8859-9", errors="replace")
    return ", it looks like Latin-5 (Windows-1254)" if set(letters) & set("ğüşıöçĞÜŞİÖÇ") else ""


def _end_of(before: str) -> Place:
    lines = before.split("\n")
    return Place(len(lines), len(lines[-1]) + 1)


def in_yaml(error: yaml.YAMLError, text: str) -> Fault:
    """Return what made the YAML parser give up."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Fault(BEGINNING, Code.YAML_SYNTAX, f"not YAML: {' '.join(str(error).split())}")
    said, mark = error.problem or "", error.problem_mark
    lines = text.split("\n")
    line = lines[mark.line] if mark.line < len(lines) else ""
    indent = line[: len(line) - len(line.lstrip())]
    if "\t" in indent:
        place = Place(mark.line + 1, indent.index("\t") + 1)
        return Fault(place, Code.YAML_TAB, "a tab indents this line; indent with spaces")
    if error.context == "while scanning an alias":
        sentence = 'a key or text that begins with * is put in quotes: "*"'
        return Fault(Place(mark.line + 1, mark.column), Code.YAML_SYNTAX, sentence)
    for before in (mark.line, mark.line - 1) if said == _COLON else ():
        joined = _NO_BLANK.match(lines[before]) if 0 <= before < len(lines) else None
        if joined is not None:
            place = Place(before + 1, joined.end() + 1)
            return Fault(place, Code.YAML_SYNTAX, "a blank is missing here, after the `:`")
    if said == _KEY and (behind := _behind_a_value(line, mark)) is not None:
        return behind
    if said in _AT_BEGINNING and error.context_mark is not None:
        mark = error.context_mark
    place = Place(mark.line + 1, mark.column + 1)
    return Fault(place, Code.YAML_SYNTAX, _sentence(said, line[mark.column : mark.column + 1]))


def _behind_a_value(line: str, mark: yaml.Mark) -> Fault | None:
    """Return the fault of what follows a value that is closed already: a bracket, or the rest of a text."""
    before, behind = line[: mark.column], line[mark.column : mark.column + 1]
    place = Place(mark.line + 1, mark.column + 1)
    if behind in {"}", "]"}:
        return Fault(place, Code.YAML_SYNTAX, f"this `{behind}` closes nothing")
    if found := _BRACED.search(before):
        sentence = f"a text that begins with `{found[1][0]}` is put in quotes"
        return Fault(Place(mark.line + 1, found.start(1) + 1), Code.YAML_SYNTAX, sentence)
    if (found := _CLOSED_QUOTE.search(before)) and behind.isalpha():
        quote = found[1][0]
        other = "double" if quote == "'" else "single"
        sentence = f"the quotes close before this; put a text with {quote} in it in {other} quotes"
        return Fault(place, Code.YAML_SYNTAX, sentence)
    return None


def _sentence(said: str, character: str) -> str:
    if said.startswith("found character") and "cannot start any token" in said:
        return f"a value cannot begin with {shown(character)}; put it in quotes"
    return _SENTENCES.get(said, f"not YAML: {said}")


def commented_keys(text: str) -> Iterator[Fault]:
    """Yield the lines that look like the key ``#`` of a telephone, and are comments to YAML."""
    for found in _COMMENTED_KEY.finditer(text):
        place = _end_of(text[: found.start(1)])
        sentence = 'this line is a comment; the key # of a telephone is written "#"'
        yield Fault(place, Code.COMMENTED_KEY, sentence)


def double_quoted(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    """Return index and width of what each character that is not blank is written as inside double quotes."""
    written: list[tuple[int, int]] = []
    index = begin
    while index < end:
        escape = _ESCAPE.match(text, index, end)
        width = len(escape[0]) if escape else 1
        if not (_is_blank(escape[0][1:]) if escape else text[index].isspace()):
            written.append((index, width))
        index += width
    return written


def _is_blank(escaped: str) -> bool:
    return escaped[0] in _BLANK_ESCAPES or (
        len(escaped) > 1 and chr(int(escaped[1:], 16)).isspace()
    )
