"""Writes the reference of the flow language from its models: ``python -m ivrengine.cli.reference docs``.

The prose is ``docs/flow-language/template.md``, the examples are the flows beside it; a line ``{{…}}`` of the template is
replaced by what it names. A test says whether the page is current.
"""

import inspect
import json
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from annotated_types import Ge, Le, MaxLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ivrengine.flow import defaults, fields, model, schema
from ivrengine.flow.cel_faults import FUNCTIONS
from ivrengine.flow.checking import explaining
from ivrengine.flow.expressions import SURROUNDINGS, CelType
from ivrengine.flow.node import Node
from ivrengine.flow.nodes.http import HeaderValue, Method, Taken
from ivrengine.flow.nodes.say import SayItem
from ivrengine.flow.nodes.split import Way
from ivrengine.flow.nodes.survey import AnyScale, Scale
from ivrengine.flow.nodes.switch import Case
from ivrengine.flow.nodes.voicemail import Review
from ivrengine.flow.problems import RULES, Code
from ivrengine.flow.running import step
from ivrengine.flow.source import prompt_texts, routing, schedule_source
from ivrengine.flow.source.text import DEPTH_MAX, FILE_BYTES_MAX

PAGE: Final = "flow-language.md"
PROBLEMS_PAGE: Final = "flow-problems.md"
SCHEMAS: Final = "schema"
FOLDER: Final = "flow-language"
_MARK: Final = re.compile(r"\{\{(\S+)(?: (\S+))?\}\}")
_MODELINE: Final = re.compile(r"\A# yaml-language-server:.*\n")
_MODELS: Final[Mapping[str, type[BaseModel]]] = {
    found.__name__: found
    for found in (
        model.FlowSource,
        model.Variable,
        defaults.Defaults,
        defaults.Reaction,
        prompt_texts.PromptsSource,
        schedule_source.SchedulesSource,
        schedule_source.ScheduleSource,
        schedule_source.HolidaysSource,
        schedule_source.ExceptionSource,
        routing.RoutingSource,
        routing.BrandSource,
        routing.RouteSource,
        routing.PhoneSource,
    )
}
_PARTS: Final[Mapping[str, tuple[tuple[str, type[BaseModel]], ...]]] = {
    "switch": (("case", Case),),
    "split": (("way", Way),),
    "http": (("header", HeaderValue), ("value", Taken)),
    "say": (("item", SayItem),),
    "survey": (("scale", Scale),),
    "voicemail": (("review", Review),),
}
"""Of what node types have keys beside their own."""
_A: Final = {"item": "An"}
_WORDS: Final[tuple[tuple[object, str], ...]] = (
    (fields.Name, "name"),
    (fields.VariableName, "name of a variable"),
    (fields.Language, "language"),
    (fields.Key, "key"),
    (fields.Terminator, "key, or none"),
    (fields.Cel, "expression"),
    (fields.Seconds, "duration"),
    (AnyScale, "`nps` or `csat` or `ces`, or a mapping"),
    (fields.Prompts, "prompt, or list of prompts"),
    (fields.Zone, "time zone"),
    (fields.Currency, "currency"),
    (defaults.Reprompts, "list of prompts"),
    (defaults.Reacting, "name, or mapping"),
    (defaults.DefaultReacting, "name, or mapping"),
    (defaults.Defaults, "mapping"),
    (model.Returned, "list of names of variables"),
    (Method, "`GET` or `POST`"),
    (HeaderValue, "text, or mapping"),
    (Taken, "path, or mapping"),
    (prompt_texts.Spoken, "text"),
    (routing.Did, "number"),
    (schedule_source.Periods, "hours"),
    (schedule_source.Weekdays, "days"),
    (schedule_source.Date, "date"),
    (schedule_source.Dates, "list of dates"),
    (routing.Endpoint, "endpoint"),
    (routing.Country, "country"),
    (model.AnyNode, "node"),
    (CelType, "type"),
    (bool, "yes or no"),
    (int, "whole number"),
    (str, "text"),
)
"""What the types of fields are called on the page."""


def node_types() -> tuple[type[Node], ...]:
    """Return every node type, in the order of the language."""
    union = typing.get_args(model.AnyNode)[0]
    found: tuple[type[Node], ...] = typing.get_args(union)
    return found


def page(folder: Path) -> str:
    """Return the reference, made of the template and the examples in ``folder``."""
    template = (folder / "template.md").read_text(encoding="utf-8")
    made = _MARK.sub(lambda mark: _part(folder, mark[1], mark[2]), template)
    notice = f"<!-- Written by `python -m ivrengine.cli.reference docs` from {FOLDER}/ and the models: edit those. -->"
    return f"{notice}\n\n{made}"


def _part(folder: Path, kind: str, name: str) -> str:
    parts: Mapping[str, Callable[[], str]] = {
        "example": lambda: _yaml(folder / f"{name}.yaml"),
        "yaml": lambda: _yaml(folder / f"{name}.yaml"),
        "keys": lambda: _table(_MODELS[name]),
        "nodes": lambda: "\n\n".join(_node(found, folder) for found in node_types()),
        "surroundings": _surroundings,
        "functions": lambda: ", ".join(f"`{function}`" for function in FUNCTIONS),
        "limits": _limits,
        "codes": _codes,
    }
    return parts[kind]()


def _yaml(path: Path) -> str:
    shown = _MODELINE.sub("", path.read_text(encoding="utf-8")).rstrip()
    return f"```yaml\n{shown}\n```"


def _node(found: type[Node], folder: Path) -> str:
    name = type_name(found)
    return "\n\n".join(
        [
            f"### `{name}`",
            inspect.getdoc(found) or "",
            _yaml(folder / f"{name}.yaml"),
            _table(found),
            *(
                f"{_A.get(part, 'A')} {part} of a `{name}`:\n\n{_table(made)}"
                for part, made in _PARTS.get(name, ())
            ),
        ]
    )


def type_name(found: type[Node]) -> str:
    """Return what a node of this type has as its ``type``."""
    name: str = typing.get_args(found.model_fields["type"].annotation)[0]
    return name


def _table(found: type[BaseModel]) -> str:
    hints = typing.get_type_hints(found, include_extras=True)
    rows = ["| Key | Value | Default | Meaning |", "|---|---|---|---|"]
    for name, field in found.model_fields.items():
        if name == "type" and issubclass(found, Node):
            continue
        value = _value(hints[name], field)
        meaning = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{field.alias or name}` | {value} | {_default(field)} | {meaning} |")
    return "\n".join(rows)


def _value(hint: object, field: FieldInfo) -> str:
    low = next((m.ge for m in field.metadata if isinstance(m, Ge)), None)
    high = next((m.le for m in field.metadata if isinstance(m, Le)), None)
    if low is None or high is None:
        return _called(hint)
    is_duration = _called(hint) == "duration"
    shown: Callable[[Any], str] = fields.duration if is_duration else str
    return f"{_called(hint)}, {shown(low)} to {shown(high)}"


def _called(hint: object) -> str:  # noqa: PLR0911 - one line a kind
    """Return what a type is called on the page."""
    for known, word in _WORDS:
        if hint == known:
            return word
    arguments = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Annotated:
            return _called(arguments[0])
        case types.UnionType | typing.Union:
            return _called(next(a for a in arguments if a is not types.NoneType))
        case typing.Literal:
            return " or ".join(f"`{argument}`" for argument in arguments)
        case origin if origin is dict:
            return f"{_called(arguments[0])}: {_called(arguments[1])}"
        case origin if origin is tuple:
            return f"list of {_several(_called(arguments[0]))}"
        case _:
            assert isinstance(hint, type)
            return hint.__name__.removesuffix("Source").lower()


def _several(word: str) -> str:
    """Return the plural: `names of variables`."""
    first, of, other = word.partition(" of a ")
    return f"{first}s of {other}s" if of else f"{first}s"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    match field.default:
        case bool():
            return "yes" if field.default else "no"
        case float():
            return f"`{fields.duration(field.default)}`"
        case None | ():
            return "none"
        case str() | int():
            return f"`{field.default}`"
        case _:
            return "none"


def _surroundings() -> str:
    rows = ["| Name | Type | What it is |", "|---|---|---|"]
    for name, surrounding in SURROUNDINGS.items():
        rows.append(f"| `{name}` | {surrounding.type.name().lower()} | {surrounding.meaning} |")
    return "\n".join(rows)


def _limits() -> str:
    limits = {
        "a file": f"{FILE_BYTES_MAX // 1024**2} MiB, values nested {DEPTH_MAX} deep",
        "a flow": ", ".join(_most_of(model.FlowSource)),
        "an expression": f"{fields.EXPRESSION_MAX} characters",
        "one step of a call": f"{step.NODES_PER_STEP_MAX} nodes without waiting for anything",
    }
    rows = ["| What | At most |", "|---|---|"]
    return "\n".join([*rows, *(f"| {what} | {most} |" for what, most in limits.items())])


def _most_of(found: type[BaseModel]) -> Iterator[str]:
    for name, field in found.model_fields.items():
        for bound in field.metadata:
            if isinstance(bound, MaxLen) and name in {"nodes", "variables", "languages"}:
                yield f"{bound.max_length} {name}"


def _codes() -> str:
    rows = ["| Code | | What it means |", "|---|---|---|"]
    for code, rule in RULES.items():
        link = f"[`{code}`]({PROBLEMS_PAGE}#{code})"
        rows.append(f"| {link} | {rule.severity} | {rule.explanation} |")
    return "\n".join(rows)


def schema_file(kind: str) -> str:
    """Return the JSON Schema of a kind of file, as it is published beside the page."""
    return json.dumps(schema.schema(kind), ensure_ascii=False, indent=1) + "\n"


def problems_page() -> str:
    """Return the page of long explanations, the same that ``ivrengine check --explain`` prints."""
    known = explaining.explanations()
    origin = "ivrengine/flow/checking/explanations.md"
    notice = (
        f"<!-- Written by `python -m ivrengine.cli.reference docs` from {origin}: edit that. -->"
    )
    return (
        "\n\n".join([notice, _PROBLEMS_BEGIN, *(_explained(code, known) for code in RULES)]) + "\n"
    )


_PROBLEMS_BEGIN: Final = """# What `check` finds, explained

Each code with an example of the fault and one of how it is meant; `ivrengine check --explain CODE` prints the same. The YAML
is a part of a flow file; a comment with the name of a file says where what follows belongs."""


def _explained(code: Code, known: Mapping[Code, explaining.Explanation]) -> str:
    rule = RULES[code]
    parts = [f"## {code}", f"*{rule.severity.capitalize()}.* {rule.explanation}"]
    if (found := known.get(code)) is not None:
        fence = "```yaml" if found.is_flow else "```text"
        parts.append(found.paragraph)
        for title, example in (("Wrong", found.wrong), ("Right", found.right)):
            parts.append(f"{title}:\n\n{fence}\n{example}```")
    return "\n\n".join(parts)


def main() -> None:
    """Write the pages into the folder that is named."""
    docs = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    for kind in schema.SOURCES:
        (docs / SCHEMAS / f"{kind}.json").write_text(schema_file(kind), encoding="utf-8")
    (docs / PROBLEMS_PAGE).write_text(problems_page(), encoding="utf-8")
    (docs / PAGE).write_text(page(docs / FOLDER), encoding="utf-8")


if __name__ == "__main__":
    main()
