"""Problems that the compiler finds in flow files: a place, a code, and one sentence for a person."""

import dataclasses
import difflib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

_SHOWN_MAX: Final = 40
"""Characters of a text from a file that a sentence quotes; the file itself has the rest."""


class Severity(StrEnum):
    """Whether a flow can run as it is."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """The kind of a problem."""

    NO_FILES = "no-files"
    NO_ROUTING = "no-routing"
    FILE_UNREADABLE = "file-unreadable"
    FILE_TOO_BIG = "file-too-big"
    FILE_ENCODING = "file-encoding"
    FILE_EMPTY = "file-empty"
    FILE_LINKED = "file-linked"
    YAML_SYNTAX = "yaml-syntax"
    YAML_TAB = "yaml-tab"
    YAML_DEPTH = "yaml-depth"
    YAML_DOCUMENTS = "yaml-documents"
    YAML_ALIAS = "yaml-alias"
    YAML_TAG = "yaml-tag"
    YAML_KEY = "yaml-key"
    DUPLICATE_KEY = "duplicate-key"
    COMMENTED_KEY = "commented-key"
    TEXT_CUT = "text-cut"
    EMPTY_VALUE = "empty-value"
    UNKNOWN_KEY = "unknown-key"
    MISSING_KEY = "missing-key"
    WRONG_VALUE = "wrong-value"
    NODE_TYPE = "node-type"
    RESERVED_NAME = "reserved-name"
    VARIABLE_DEFAULT = "variable-default"
    VARIABLE_TYPE = "variable-type"
    UNKNOWN_VARIABLE = "unknown-variable"
    UNUSED_VARIABLE = "unused-variable"
    UNSET_VARIABLE = "unset-variable"
    PERHAPS_UNSET = "perhaps-unset"
    UNREAD_VARIABLE = "unread-variable"
    SENSITIVE_READ = "sensitive-read"
    SENSITIVE_RECORDED = "sensitive-recorded"
    CASE_NEVER = "case-never"
    CONSTANT_CONDITION = "constant-condition"
    EXPRESSION = "expression"
    EXPRESSION_SYNTAX = "expression-syntax"
    EXPRESSION_NAME = "expression-name"
    EXPRESSION_TYPE = "expression-type"
    UNKNOWN_NODE = "unknown-node"
    UNREACHABLE_NODE = "unreachable-node"
    ENDLESS_LOOP = "endless-loop"
    UNKNOWN_LANGUAGE = "unknown-language"
    UNKNOWN_BRAND = "unknown-brand"
    UNKNOWN_PROMPT = "unknown-prompt"
    PROMPT_LANGUAGE = "prompt-language"
    TEXT_LANGUAGE = "text-language"
    UNUSED_PROMPT = "unused-prompt"
    PROMPT_PARAMETERS = "prompt-parameters"
    VALUE_SUFFIX = "value-suffix"
    PROMPT_VALUES = "prompt-values"
    PROMPT_RECORDING = "prompt-recording"
    RECORDING_MISSING = "recording-missing"
    RECORDING_UNUSABLE = "recording-unusable"
    RECORDING_FLAWED = "recording-flawed"
    RECORDING_MISPLACED = "recording-misplaced"
    UNSPOKEN_LANGUAGE = "unspoken-language"
    NO_TIMEZONE = "no-timezone"
    KEY_UNMENTIONED = "key-unmentioned"
    KEY_WITHOUT_CHOICE = "key-without-choice"
    PROMPT_CUT = "prompt-cut"
    TWICE = "twice"
    UNKNOWN_PHONE = "unknown-phone"
    ROUTE_TWICE = "route-twice"
    UNKNOWN_FLOW = "unknown-flow"
    FLOW_UNROUTED = "flow-unrouted"
    SUBFLOW_MISFIT = "subflow-misfit"
    SUBFLOW_CYCLE = "subflow-cycle"
    SUBFLOW_DEPTH = "subflow-depth"
    RETURN_UNDECLARED = "return-undeclared"
    RETURN_NOWHERE = "return-nowhere"
    NEEDS_CALLER = "needs-caller"
    HOST_NOT_ALLOWED = "host-not-allowed"
    UNKNOWN_SECRET = "unknown-secret"  # noqa: S105 - a code, no password
    UNKNOWN_SCHEDULE = "unknown-schedule"
    UNUSED_SCHEDULE = "unused-schedule"
    UNKNOWN_REASON = "unknown-reason"
    HOURS_OVERLAP = "hours-overlap"
    NEVER_OPEN = "never-open"
    NEVER_CLOSED = "never-closed"
    EXCEPTION_PAST = "exception-past"


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """What a code stands for."""

    severity: Severity
    explanation: str


def _error(explanation: str) -> Rule:
    return Rule(Severity.ERROR, explanation)


def _warning(explanation: str) -> Rule:
    return Rule(Severity.WARNING, explanation)


RULES: Final[Mapping[Code, Rule]] = {
    Code.NO_FILES: _warning("The folder holds no flow."),
    Code.NO_ROUTING: _warning("Without a routing file no call reaches a flow."),
    Code.FILE_UNREADABLE: _error("The file or folder cannot be read."),
    Code.FILE_TOO_BIG: _error("A flow file is at most 1 MiB; split the flow."),
    Code.FILE_ENCODING: _error("Flow files are UTF-8 text without control characters."),
    Code.FILE_EMPTY: _error("The file says nothing."),
    Code.FILE_LINKED: _warning("Linked folders are not followed, so that no loop of links is."),
    Code.YAML_SYNTAX: _error("The file is not YAML; nothing after this place was read."),
    Code.YAML_TAB: _error("YAML is indented with spaces, never with tabs."),
    Code.YAML_DEPTH: _error("Values may be nested 32 deep; no flow needs more."),
    Code.YAML_DOCUMENTS: _error("A file holds one YAML document."),
    Code.YAML_ALIAS: _error(
        "Anchors (&), aliases (*) and merge keys (<<) are not part of flow files."
    ),
    Code.YAML_TAG: _error(
        "Tags (!…) are not part of flow files; every scalar is read as it looks."
    ),
    Code.YAML_KEY: _error("A key is one word or text, not a list, a mapping, or nothing."),
    Code.DUPLICATE_KEY: _error("A key stands twice in one mapping; one of them would be lost."),
    Code.COMMENTED_KEY: _warning(
        "A line that begins with # is a comment; the key # is written in quotes."
    ),
    Code.TEXT_CUT: _warning(
        "A text that is not in quotes ends before a #; what follows is a comment that nobody hears."
    ),
    Code.EMPTY_VALUE: _error("A key or list item is there without a value."),
    Code.UNKNOWN_KEY: _error("The language has no such key here."),
    Code.MISSING_KEY: _error("A key that must be there is not."),
    Code.WRONG_VALUE: _error("The value is not of the form or in the range that its key takes."),
    Code.NODE_TYPE: _error("The language has no node of this type."),
    Code.RESERVED_NAME: _error(
        "A variable cannot have this name: expressions already mean something by it."
    ),
    Code.VARIABLE_DEFAULT: _error("A variable's default is not of the variable's type."),
    Code.VARIABLE_TYPE: _error(
        "A node gives a variable a value of another type than it was declared with."
    ),
    Code.UNKNOWN_VARIABLE: _error("The flow declares no such variable."),
    Code.UNUSED_VARIABLE: _warning("A variable is declared, but nothing reads or sets it."),
    Code.UNSET_VARIABLE: _error("A variable is read where nothing can have given it a value yet."),
    Code.PERHAPS_UNSET: _warning(
        "A variable that only nodes such as `collect` fill is read where some ways pass none of them."
    ),
    Code.UNREAD_VARIABLE: _warning("A variable gets values that nothing ever reads."),
    Code.SENSITIVE_READ: _error("Something wants to know digits that are keyed in secret."),
    Code.SENSITIVE_RECORDED: _error(
        "A recording of the call may run while digits are keyed in secret."
    ),
    Code.CASE_NEVER: _warning("A case of a `switch` is never taken: an earlier one is the same."),
    Code.CONSTANT_CONDITION: _warning("A condition is the same in every call."),
    Code.EXPRESSION: _error("The flow language does not allow this expression."),
    Code.EXPRESSION_SYNTAX: _error("The expression is not CEL."),
    Code.EXPRESSION_NAME: _error(
        "The expression names something that is neither declared nor built in."
    ),
    Code.EXPRESSION_TYPE: _error(
        "The types in the expression do not fit together, or its result not its place."
    ),
    Code.UNKNOWN_NODE: _error("The flow has no node of this name."),
    Code.UNREACHABLE_NODE: _warning("No way from the start leads to this node."),
    Code.ENDLESS_LOOP: _error(
        "Once in this loop, a call stays there for ever while nobody does anything."
    ),
    Code.UNKNOWN_LANGUAGE: _error("The flow does not list this language."),
    Code.UNKNOWN_BRAND: _error("The routing file has no such brand."),
    Code.UNKNOWN_PROMPT: _error("The brand has no prompt of this name."),
    Code.PROMPT_LANGUAGE: _error(
        "A prompt has neither text nor recording in a language its flow speaks."
    ),
    Code.TEXT_LANGUAGE: _error("A message has no text in one of the flow's languages."),
    Code.UNUSED_PROMPT: _warning("No flow plays this prompt."),
    Code.PROMPT_PARAMETERS: _error(
        "A prompt's parameters and the placeholders in its texts do not fit together."
    ),
    Code.VALUE_SUFFIX: _warning("A suffix that fits one value does not fit another."),
    Code.PROMPT_VALUES: _error("A prompt is not given the values that its parameters need."),
    Code.PROMPT_RECORDING: _warning(
        "A prompt with parameters is another sentence in each call: its recording is never played."
    ),
    Code.RECORDING_MISSING: _error(
        "A file of prompts says that a prompt is recorded, but there is no recording."
    ),
    Code.RECORDING_UNUSABLE: _error("A recording cannot be played to callers."),
    Code.RECORDING_FLAWED: _warning("A recording can be played, but does not sound as it should."),
    Code.RECORDING_MISPLACED: _warning(
        "A file among the recordings is not where one is looked for."
    ),
    Code.UNSPOKEN_LANGUAGE: _error("Numbers and times cannot be said in this language."),
    Code.NO_TIMEZONE: _error(
        "An instant is to be said, but nothing names the clock to tell it by."
    ),
    Code.KEY_UNMENTIONED: _warning(
        "A key of a menu is in none of its prompts: nobody will press it."
    ),
    Code.KEY_WITHOUT_CHOICE: _warning("A prompt names a key that the menu does not have."),
    Code.PROMPT_CUT: _warning("A prompt is longer than the time in which it could be heard."),
    Code.TWICE: _error("A name that must be unique within its brand is given twice."),
    Code.UNKNOWN_PHONE: _error("The brand's directory has no phone of this name."),
    Code.ROUTE_TWICE: _error("One number is routed twice."),
    Code.UNKNOWN_FLOW: _error("The brand has no flow of this name."),
    Code.FLOW_UNROUTED: _warning("No number is routed to this flow, and no flow calls it."),
    Code.SUBFLOW_MISFIT: _error("A call of a sub-flow and the sub-flow do not fit together."),
    Code.SUBFLOW_CYCLE: _error(
        "Flows that call one another in a circle would never come to an end."
    ),
    Code.SUBFLOW_DEPTH: _error("Sub-flows call sub-flows at most eight deep."),
    Code.RETURN_UNDECLARED: _error("A `return` node must name one of the flow's `returns`."),
    Code.RETURN_NOWHERE: _error(
        "A number leads to a flow that returns to a flow which called it; nothing called it."
    ),
    Code.NEEDS_CALLER: _error(
        "After the caller has left, nodes that speak, ask or connect have nobody to do it for."
    ),
    Code.HOST_NOT_ALLOWED: _error("Flows ask only hosts that the settings allow."),
    Code.UNKNOWN_SECRET: _error("The settings have no secret of this name."),
    Code.UNKNOWN_SCHEDULE: _error("The brand has no schedule of this name."),
    Code.UNUSED_SCHEDULE: _warning("No flow asks this schedule."),
    Code.UNKNOWN_REASON: _error("The schedule is never closed for this reason."),
    Code.HOURS_OVERLAP: _error("Two periods of a schedule overlap; one of them is not meant so."),
    Code.NEVER_OPEN: _warning("The schedule is closed at all times."),
    Code.NEVER_CLOSED: _warning("The schedule is open at all times."),
    Code.EXCEPTION_PAST: _warning("The days of this exception will not come again."),
}
"""Every code with what it stands for, in the order of the enumeration."""


Loc = tuple[str | int, ...]
"""Path of a value inside its file: ``("nodes", "ask", "choices", "1")``."""
Data = str | None | dict[str, "Data"] | list["Data"]
"""What a file holds: text, mappings and lists; None is a value that is not there (``next:``)."""


class Place(NamedTuple):
    """A place in a file; both numbers count from 1."""

    line: int
    column: int


BEGINNING: Final = Place(1, 1)
"""Where a problem of a file as a whole stands."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a file."""

    file: str
    line: int
    column: int
    severity: Severity
    code: Code
    sentence: str
    """Begins with a small letter, has no full stop; words from the file stand in backquotes."""

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}:{self.column}: {self.severity} {self.code}: {self.sentence}"
        )


def problem(file: str, place: Place, code: Code, sentence: str) -> Problem:
    """Return the problem, as severe as its code."""
    return Problem(
        file=file,
        line=place.line,
        column=place.column,
        severity=RULES[code].severity,
        code=code,
        sentence=sentence,
    )


def in_order(found: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems by file and place, each once."""
    return tuple(sorted(set(found), key=lambda p: (p.file, p.line, p.column, p.code, p.sentence)))


def any_error(found: Iterable[Problem]) -> bool:
    """Tell whether there is anything worse than a warning."""
    return any(p.severity is Severity.ERROR for p in found)


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that was most likely meant."""
    candidates = list(known)
    near = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    if near:
        return near[0]
    alike = [c for c in candidates if c.replace("-", "_") == word.lower().replace("-", "_")]
    return alike[0] if alike else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean `…`?`` if some known word is close, else nothing."""
    near = closest(word, known)
    return "" if near is None else f"; did you mean `{near}`?"


def shown(value: object) -> str:
    """Return what was found in a file the way a sentence quotes it: on one line, shortened."""
    match value:
        case None:
            return "nothing"
        case "":
            return "an empty text"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            text = " ".join(str(value).split())
            short = text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"
            return f"`{short}`"
