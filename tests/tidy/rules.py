"""The tidy law: what a file of this project must not hold, and what stands there instead.

A rule looks at one file and yields the places that it refuses; ``tests/test_tidy.py`` holds all files against all rules.
"""

import ast
import dataclasses
import functools
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Final, TypeGuard

FILE_LINES_MAX: Final = 400
FUNCTION_LINES_MAX: Final = 50
METRIC_CALLS: Final = frozenset({"inc", "observe", "dropped"})
"""``dropped`` is the doors' meter (``asterisk/meter.py``), which counts what it is told."""
LOOK_AGAIN_S: Final = 0.05
"""In a loop a live test may look again so often for what another process does; pytest's time limit is the deadline."""
LIVE_MARKS: Final = frozenset({"asterisk", "nodes", "postgres", "sipp", "real_time"})

Refusals = Iterator[tuple[int, str]]
"""Line and sentence of each place that a rule refuses."""


@dataclasses.dataclass(frozen=True)
class Code:
    """One Python file; ``path`` is relative to the checkout, with forward slashes."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        """The file as Python reads it."""
        return ast.parse(self.text)

    @functools.cached_property
    def comments(self) -> list[tuple[int, str]]:
        """The comments with their lines."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [(t.start[0], t.string) for t in tokens if t.type == tokenize.COMMENT]

    @property
    def is_product(self) -> bool:
        """Tell whether the file is part of what is installed."""
        return self.path.startswith("ivrengine/")

    def within(self, *places: str) -> bool:
        """Tell whether the file is one of these, or in one of these folders."""
        return self.path.startswith(places)


def file_length(code: Code) -> Refusals:
    """A file is one room."""
    lines = code.text.count("\n")
    if lines > FILE_LINES_MAX:
        sentence = f"{lines} lines, at most {FILE_LINES_MAX}: find the second room in it and give it its file"
        yield FILE_LINES_MAX, sentence


def function_length(code: Code) -> Refusals:
    """A function is one thought, its docstring not counted."""
    for node in ast.walk(code.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1 - _docstring_lines(node)
            if lines > FUNCTION_LINES_MAX:
                sentence = f"{node.name} has {lines} lines, at most {FUNCTION_LINES_MAX}: give its parts names"
                yield node.lineno, sentence


def _docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(node) is None:
        return 0
    first = node.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def _calls(code: Code) -> Iterator[tuple[ast.Call, str]]:
    """Yield every call with the dotted name of what it calls."""
    for node in ast.walk(code.tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def wall_clock(code: Code) -> Refusals:
    """Instants come from the engine clock."""
    if not code.is_product or code.within("ivrengine/engine/clock.py", "ivrengine/telemetry/"):
        return
    wall = re.compile(r"(datetime\.)?(datetime|date)\.(now|utcnow|today)|time\.time(_ns)?")
    for node, name in _calls(code):
        if wall.fullmatch(name):
            yield node.lineno, f"{name}() reads the wall clock: take `at` or `now` as an argument"


def printing(code: Code) -> Refusals:
    """The engine logs, and commands write to rich's console."""
    if code.is_product:
        for node, name in _calls(code):
            if name == "print":
                yield (
                    node.lineno,
                    "print(): log with structlog, or write to the console of ivrengine.cli",
                )


def stray_task(code: Code) -> Refusals:
    """Who starts a task must hold it, and hear of its end."""
    allowed = ("ivrengine/engine/", "ivrengine/sim/", "ivrengine/app.py", "ivrengine/app/")
    if not code.is_product or code.within(*allowed):
        return
    stray = re.compile(r"asyncio\.(create_task|ensure_future)|.*loop(\(\))?\.create_task")
    for node, name in _calls(code):
        if stray.fullmatch(name):
            yield node.lineno, f"{name}() makes a task nobody waits for: use asyncio.TaskGroup"


def swallowed(code: Code) -> Refusals:
    """Nothing that went wrong is dropped in silence."""
    if not code.is_product:
        return
    counting = METRIC_CALLS | {
        node.name
        for node in ast.walk(code.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and _calls_one_of(node, METRIC_CALLS)
    }
    for node in ast.walk(code.tree):
        if isinstance(node, ast.ExceptHandler) and _catches_all(node):
            raises = any(isinstance(part, ast.Raise) for part in ast.walk(node))
            if not raises and not _calls_one_of(node, counting):
                sentence = (
                    "catches everything: name the exceptions, raise again, or count it in a metric"
                )
                yield node.lineno, sentence


def _catches_all(handler: ast.ExceptHandler) -> bool:
    caught = handler.type
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        name is None or ast.unparse(name) in {"Exception", "BaseException"} for name in names
    )


def _calls_one_of(inside: ast.AST, names: frozenset[str]) -> bool:
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names
        for node in ast.walk(inside)
    )


def banner(code: Code) -> Refusals:
    """A file needs no walls inside."""
    for line, comment in code.comments:
        if re.match(r"#+\s*([-=*#~_+])\1{2,}", comment) or re.fullmatch(r"#{3,}.*", comment):
            yield (
                line,
                "a banner comment: give the part a file or a class of its own, or leave it out",
            )


def ownerless_note(code: Code) -> Refusals:
    """A note to do something says who."""
    for line, comment in code.comments:
        if re.search(r"\b(TODO|FIXME|XXX)\b(?!\([^)]+\))", comment):
            yield line, "a note without an owner: write TODO(name), better an issue"


def drawer_file(code: Code) -> Refusals:
    """A file says what is in it."""
    drawers = {
        "utils",
        "util",
        "helpers",
        "helper",
        "common",
        "misc",
        "types",
        "constants",
        "shared",
        "base",
    }
    for part in PurePath(code.path).with_suffix("").parts:
        if part in drawers:
            yield (
                1,
                f"`{part}` says nothing: name the thing, or put it into the one module that uses it",
            )


def empty_class_name(code: Code) -> Refusals:
    """A class is a thing, not a habit."""
    for node in ast.walk(code.tree):
        if isinstance(node, ast.ClassDef):
            found = re.search(r"(Manager|Handler|Service|Helper|Proxy|Util|Utils)$", node.name)
            if found:
                yield (
                    node.lineno,
                    f"{node.name}: name what it is without `{found[1]}`, or write a function",
                )


def real_sleep(code: Code) -> Refusals:
    """A test waits for what it waits for."""
    if not code.path.startswith("tests/"):
        return
    for call, name in _calls(code):
        if name == "time.sleep":
            yield (
                call.lineno,
                "time.sleep(): wait for the thing itself, or run on the virtual clock",
            )
    for test in _live_tests(code):
        looks = {
            inside
            for loop in ast.walk(test)
            if isinstance(loop, ast.While)
            for inside in ast.walk(loop)
            if _is_sleep(inside) and _sleeps_at_most(inside, LOOK_AGAIN_S)
        }
        for node in ast.walk(test):
            if _is_sleep(node) and node not in looks and not _sleeps_at_most(node, 0):
                sentence = (
                    "asyncio.sleep() in real time: wait for the thing itself, with a deadline"
                )
                yield node.lineno, sentence


def _is_sleep(node: ast.AST) -> TypeGuard[ast.Call]:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.sleep"


def _sleeps_at_most(call: ast.Call, limit_s: float) -> bool:
    match call.args:
        case [ast.Constant(value=int() | float() as seconds)]:
            return seconds <= limit_s
        case _:
            return False


def _live_tests(code: Code) -> Iterator[ast.AST]:
    """Yield the tests that run on a real loop."""
    marked = re.compile(r"pytest\.mark\.(" + "|".join(sorted(LIVE_MARKS)) + r")\b")
    whole_file = any(
        isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "pytestmark"
        and marked.search(ast.unparse(node.value))
        for node in code.tree.body
    )
    for node in ast.walk(code.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test_"
        ):
            own = any(marked.search(ast.unparse(each)) for each in node.decorator_list)
            if own or whole_file:
                yield node


RULES: Final[tuple[Callable[[Code], Refusals], ...]] = (
    banner,
    drawer_file,
    empty_class_name,
    file_length,
    function_length,
    ownerless_note,
    printing,
    real_sleep,
    stray_task,
    swallowed,
    wall_clock,
)
