"""Conditions and values in CEL, compiled and type-checked when a flow is loaded (Google's runtime, ``cel-expr-python``).

An expression sees the flow's declared variables by name, and beside them what ``SURROUNDINGS`` lists; ``now`` is the instant
of the event being decided, never the clock.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeGuard

from cel_expr_python import cel

from ivrengine.core.call import Call, Value
from ivrengine.flow import cel_faults
from ivrengine.flow.problems import Code, Place

TEXT_MAX: Final = 1_000
"""Characters a text variable holds at most: longer than anything a caller keys or hears; ``a + a`` in a loop ends here."""
_INT_MAX: Final = 2**63 - 1
"""CEL's int has 64 bits, and so has a variable's."""


class CelType(StrEnum):
    """The types that a variable can be declared to have, by their CEL names."""

    STRING = "string"
    INT = "int"
    DOUBLE = "double"
    BOOL = "bool"


_CEL: Final = {
    CelType.STRING: cel.Type.STRING,
    CelType.INT: cel.Type.INT,
    CelType.DOUBLE: cel.Type.DOUBLE,
    CelType.BOOL: cel.Type.BOOL,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Surrounding:
    """Something that every expression may read beside the flow's variables."""

    type: cel.Type
    read: Callable[[Call, datetime], object]
    meaning: str


SURROUNDINGS: Final[Mapping[str, Surrounding]] = {
    "caller.withheld": Surrounding(
        cel.Type.BOOL, lambda call, _: call.caller.withheld, "whether the caller hides their number"
    ),
    "caller.mask": Surrounding(
        cel.Type.STRING,
        lambda call, _: call.caller.mask,
        "the caller's number as people may see it",
    ),
    "call.did": Surrounding(
        cel.Type.STRING, lambda call, _: call.did, "the number that was called"
    ),
    "call.brand": Surrounding(
        cel.Type.STRING, lambda call, _: call.brand, "the brand that was called"
    ),
    "call.language": Surrounding(
        cel.Type.STRING, lambda call, _: call.language, "the language the call is held in"
    ),
    "now": Surrounding(cel.Type.TIMESTAMP, lambda _, at: at, "the instant of this step (UTC)"),
}
SURROUNDING_NAMES: Final = frozenset(name.partition(".")[0] for name in SURROUNDINGS)
"""Names that a flow may not declare as variables: every expression has them already."""
_RESERVED_WORDS: Final = (
    "as break const continue else false for function if import in let loop namespace null package return true var void "
    "while"
)
_TYPE_NAMES: Final = "bool bytes double dyn int list map null_type string type uint"
RESERVED_NAMES: Final = frozenset((*_RESERVED_WORDS.split(), *_TYPE_NAMES.split()))
"""Words of CEL itself (its grammar's reserved words and its type names): no variable can be called so."""
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME: Final = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_QUOTED: Final = re.compile(r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"")
_PATTERN: Final = re.compile(rf"\bmatches\(\s*(?:[^'\"(),]+,\s*)?({_QUOTED.pattern})\s*\)")
"""A call of ``matches`` with the pattern in quotes."""
_WALK: Final = re.compile(r"\.\s*(?:map|filter|all|exists|exists_one)\s*\(")


class ExpressionError(Exception):
    """An expression that was right when compiled has no value now (division by zero, overflow, another type).

    Its message is the expression alone: what CEL says of the fault may quote what the caller keyed.
    """


class CompileError(Exception):
    """An expression that cannot be compiled, with all that is wrong with it."""

    def __init__(self, *faults: cel_faults.Fault) -> None:
        super().__init__("; ".join(fault.sentence for fault in faults))
        self.faults = faults


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A compiled expression, and the names that it may read."""

    compiled: Any
    """The binding has no public type for it."""
    returns: str
    """Its type by CEL's name; ``dyn`` if only running it tells."""
    variables: tuple[str, ...]
    surroundings: tuple[str, ...]


@functools.lru_cache(maxsize=64)
def _environment(variables: frozenset[tuple[str, CelType]]) -> Any:  # noqa: ANN401 - the binding has no public type
    """Return what compiles expressions over these variables; flows of one folder often have the same."""
    declared = {name: _CEL[kind] for name, kind in variables}
    around = {name: surrounding.type for name, surrounding in SURROUNDINGS.items()}
    return cel.NewEnv(variables={**declared, **around})


@functools.lru_cache(maxsize=4096)
def _compiled(variables: frozenset[tuple[str, CelType]], text: str) -> Any:  # noqa: ANN401
    """Return an expression over these variables compiled, and the same for as long as it is asked for now and then."""
    return _environment(variables).compile(text)


class Compiler:
    """Compiles the expressions of one flow against its declared variables."""

    def __init__(self, variables: Mapping[str, CelType]) -> None:
        """Declare the variables; their names must not be reserved."""
        self._variables = variables
        self._declared = frozenset(variables.items())

    def compile(
        self,
        text: str,
        expects: CelType | None = None,
        *,
        accepts: Sequence[str] = (),
        instead: Mapping[str, str] | None = None,
    ) -> Program:
        """Return the compiled expression; raises ``CompileError`` where it is wrong or not of the expected type.

        ``accepts`` are the types, by CEL's names, of which it must have one, if any are given; ``instead`` says
        for other types what to write.
        """
        try:
            compiled = _compiled(self._declared, text)
        except RuntimeError as error:  # the binding raises nothing more precise
            known = [*self._variables, *SURROUNDINGS]
            raise CompileError(*cel_faults.read(str(error), text, known)) from None
        unquoted = _QUOTED.sub("''", text)
        if "{" in unquoted and _WALK.search(unquoted):
            sentence = "going over the entries of a map is not allowed: their order is not fixed"
            raise CompileError(cel_faults.Fault(Code.EXPRESSION, sentence))
        self._check_patterns(text)
        returns = str(compiled.return_type()).lower()
        if expects is not None and returns not in {expects.value, "dyn"}:
            sentence = f"expected an expression of type {expects}, found one of type {returns}"
            raise CompileError(cel_faults.Fault(Code.EXPRESSION_TYPE, sentence))
        if accepts and returns not in {*accepts, "dyn"}:
            wanted, advice = " or ".join(accepts), (instead or {}).get(returns, "")
            sentence = (
                f"expected an expression of type {wanted}, found one of type {returns}{advice}"
            )
            raise CompileError(cel_faults.Fault(Code.EXPRESSION_TYPE, sentence))
        words = set(_WORD.findall(text))
        return Program(
            compiled=compiled,
            returns=returns,
            variables=tuple(name for name in self._variables if name in words),
            surroundings=tuple(s for s in SURROUNDINGS if s.rpartition(".")[2] in words),
        )

    def _check_patterns(self, text: str) -> None:
        """Refuse a regular expression that is none: only running it would tell, and that is in a call."""
        for found in _PATTERN.finditer(text):
            matched = _compiled(self._declared, f"''.matches({found[1]})").eval(data={})
            if matched.type() == cel.Type.ERROR:
                place = _place_of(text, found.start(1))
                sentence = f"{found[1]} is no pattern (a regular expression) that can be matched"
                raise CompileError(cel_faults.Fault(Code.EXPRESSION, sentence, place))


class Programs:
    """The compiled expressions of a flow, found by their text."""

    def __init__(self, compiled: Mapping[str, Program]) -> None:
        """Hold the programs by the text that each was compiled from."""
        self._compiled = compiled

    def __iter__(self) -> Iterator[str]:
        return iter(self._compiled)

    def type_of(self, text: str) -> str:
        """Return the type of an expression by CEL's name; ``dyn`` if only running it tells, empty if it did not compile."""
        return self._compiled[text].returns if text in self._compiled else ""

    def constant(self, text: str) -> Value | None:
        """Return the value of an expression that is the same in every call; None if it is not, or has none."""
        result = self._constant(text)
        if result is None or result.type() == cel.Type.ERROR:
            return None
        try:
            value: Value = result.plain_value()
        except RuntimeError:
            return None
        return value if is_value(value) else None

    def always_fails(self, text: str) -> bool:
        """Tell whether an expression has no value in any call, as ``1 / 0``."""
        result = self._constant(text)
        return result is not None and result.type() == cel.Type.ERROR

    def _constant(self, text: str) -> Any:  # noqa: ANN401 - what the binding's programs return
        """Return what an expression comes to that asks nothing of the call; None if it asks, or cannot be reckoned."""
        program = self._compiled.get(text)
        if program is None or program.variables or program.surroundings:
            return None
        try:
            return program.compiled.eval(data={})
        except RuntimeError:
            return None

    def evaluate(self, text: str, call: Call, at: datetime) -> Value:
        """Return the value that ``text`` has for this call at this instant; raises ``ExpressionError`` if it has none."""
        value = self._result(text, call, at)
        if not is_value(value):
            raise ExpressionError(text)
        return value

    def speakable(self, text: str, call: Call, at: datetime) -> Value | datetime | timedelta:
        """Return a value, or what only speaking has a use for: an instant, a length of time; raises ``ExpressionError``."""
        value = self._result(text, call, at)
        if isinstance(value, datetime | timedelta) or is_value(value):
            return value
        raise ExpressionError(text)

    def _result(self, text: str, call: Call, at: datetime) -> object:
        program = self._compiled[text]
        data: dict[str, object] = {name: call.variables[name] for name in program.variables}
        for name in program.surroundings:
            data[name] = SURROUNDINGS[name].read(call, at)
        try:
            result = program.compiled.eval(data=data)
        except RuntimeError:  # the iteration budget of comprehensions, a text that is no UTF-8
            raise ExpressionError(text) from None
        if result.type() == cel.Type.ERROR:
            raise ExpressionError(text)
        try:
            value: object = result.plain_value()
        except (RuntimeError, OverflowError, ValueError):  # an instant beyond Python's years
            raise ExpressionError(text) from None
        return value

    def holds(self, condition: str, call: Call, at: datetime) -> bool:
        """Return the value of a condition; raises ``ExpressionError`` if it has none or is no bool."""
        value = self.evaluate(condition, call, at)
        if not isinstance(value, bool):
            raise ExpressionError(condition)
        return value


def names_in(text: str) -> Iterator[tuple[str, Place]]:
    """Yield the names that an expression reads, with their places in it; nothing that stands in quotes is one."""
    unquoted = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), text)
    for name in _NAME.finditer(unquoted):
        yield name[0], _place_of(unquoted, name.start())


def _place_of(text: str, index: int) -> Place:
    line = text.count("\n", 0, index)
    return Place(line + 1, index - text.rfind("\n", 0, index))


def is_value(value: object) -> TypeGuard[Value]:
    """Tell whether a variable can hold this: finite, of 64 bits, of bounded length."""
    match value:
        case bool():
            return True
        case int():
            return -_INT_MAX - 1 <= value <= _INT_MAX
        case float():
            return math.isfinite(value)
        case str():
            return len(value) <= TEXT_MAX
        case _:
            return False
