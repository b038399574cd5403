"""Conditions and values in CEL, compiled and type-checked when a flow is loaded (Google's runtime, ``cel-expr-python``).

An expression sees the flow's declared variables by name, and beside them ``caller.withheld``, ``caller.mask``,
``call.did``, ``call.language``, ``call.brand`` and ``now`` (the instant of the event being decided, never the clock).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from cel_expr_python import cel

from ivrengine.core.call import Call, Value


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
_SURROUNDINGS: Final[Mapping[str, cel.Type]] = {
    "caller.withheld": cel.Type.BOOL,
    "caller.mask": cel.Type.STRING,
    "call.did": cel.Type.STRING,
    "call.brand": cel.Type.STRING,
    "call.language": cel.Type.STRING,
    "now": cel.Type.TIMESTAMP,
}
SURROUNDING_NAMES: Final = frozenset(name.partition(".")[0] for name in _SURROUNDINGS)
"""Names that a flow may not declare as variables: every expression has them already."""
_FAULT: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")


class ExpressionError(Exception):
    """An expression that was right when compiled has no value now (division by zero, overflow)."""


class CompileError(Exception):
    """An expression that cannot be compiled; ``line`` and ``column`` (from 1) are inside the expression."""

    def __init__(self, sentence: str, line: int = 1, column: int = 1) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.line = line
        self.column = column


class Compiler:
    """Compiles the expressions of one flow against its declared variables."""

    def __init__(self, variables: Mapping[str, CelType]) -> None:
        declared = {name: _CEL[kind] for name, kind in variables.items()}
        self._env: Any = cel.NewEnv(variables={**declared, **_SURROUNDINGS})

    def compile(self, text: str, expects: CelType | None) -> Any:  # noqa: ANN401 - the runtime has no public type for it
        """Return the compiled expression; raises ``CompileError`` where it is wrong or not of the expected type."""
        try:
            program = self._env.compile(text)
        except RuntimeError as error:  # the binding raises nothing more precise
            raise _fault(str(error)) from None
        found = str(program.return_type()).lower()
        if expects is not None and found not in {expects.value, "dyn"}:
            raise CompileError(f"expected an expression of type {expects}, found {found}")
        return program


def _fault(message: str) -> CompileError:
    found = _FAULT.search(message)
    if found is None:
        return CompileError(message.splitlines()[0])
    line, column, sentence = found.groups()
    return CompileError(sentence.removesuffix(" (in container '')"), int(line), int(column))


class Programs:
    """The compiled expressions of a flow, found by their text."""

    def __init__(self, compiled: Mapping[str, Any]) -> None:
        self._compiled = compiled

    def evaluate(self, text: str, call: Call, at: datetime) -> Value:
        """Return the value that ``text`` has for this call at this instant; raises ``ExpressionError`` if it has none."""
        value = self._compiled[text].eval(data=_surroundings(call, at))
        if value.type() == cel.Type.ERROR:
            raise ExpressionError(f"{text}: {value.value()}")
        plain: Value = value.plain_value()
        return plain


def _surroundings(call: Call, at: datetime) -> dict[str, object]:
    return {
        **call.variables,
        "caller.withheld": call.caller.withheld,
        "caller.mask": call.caller.mask,
        "call.did": call.did,
        "call.brand": call.brand,
        "call.language": call.language,
        "now": at,
    }
