"""The JSON Schema is current, takes every file that the compiler takes, and refuses the common mistakes."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ivrengine.cli import reference
from ivrengine.flow import schema
from ivrengine.flow.load import PROMPTS_FILE, PROMPTS_FOLDER, ROUTING_FILE
from ivrengine.flow.source import schedule_files

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "flows", ROOT / "docs" / reference.FOLDER)


class Editor(yaml.SafeLoader):
    """Reads YAML as an editor does: by the core schema of YAML 1.2, where ``no`` and ``12:30`` are texts."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own attribute


for tag, pattern, begin in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("int", r"^[-+]?[0-9]+$", "-+0123456789"),
    ("float", r"^[-+]?[0-9]+\.[0-9]*$", "-+0123456789"),
):
    Editor.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), list(begin))


def as_an_editor_reads(source: str) -> Any:
    return with_text_keys(yaml.load(source, Loader=Editor))  # noqa: S506 - a safe loader


def with_text_keys(data: Any) -> Any:
    if isinstance(data, dict):
        return {str(key): with_text_keys(value) for key, value in data.items()}
    return [with_text_keys(item) for item in data] if isinstance(data, list) else data


def kind_of(path: Path, folder: Path) -> str:
    relative = path.relative_to(folder)
    if relative == Path(ROUTING_FILE):
        return "routing"
    if relative == Path(PROMPTS_FILE) or relative.parts[0] == PROMPTS_FOLDER:
        return "prompts"
    if relative == Path(schedule_files.FILE) or relative.parts[0] == schedule_files.FOLDER:
        return "schedules"
    return "flow"


def examples() -> Iterator[tuple[Path, str]]:
    for folder in FOLDERS:
        for path in sorted(folder.rglob("*.yaml")):
            parts = path.relative_to(folder).parts
            if parts[0] != "tests":
                yield path, kind_of(path, folder)


def faults(source: str, kind: str) -> list[str]:
    validator = jsonschema.Draft7Validator(schema.schema(kind))
    return [error.message for error in validator.iter_errors(as_an_editor_reads(source))]


@pytest.mark.parametrize(
    ("path", "kind"),
    [pytest.param(*it, id=f"{it[0].parent.name}-{it[0].stem}") for it in examples()],
)
def test_every_example_is_right_by_its_schema(path: Path, kind: str) -> None:
    assert faults(path.read_text(encoding="utf-8"), kind) == []


@pytest.mark.parametrize("kind", schema.SOURCES)
def test_the_published_schemas_are_current(kind: str) -> None:
    jsonschema.Draft7Validator.check_schema(schema.schema(kind))
    path = ROOT / "docs" / reference.SCHEMAS / f"{kind}.json"
    assert path.read_text(encoding="utf-8") == reference.schema_file(kind), (
        "write it anew: python -m ivrengine.cli.reference docs"
    )


SOUND = """
flow: main
brand: acme
languages: tr
defaults: {no_input: bye, no_match: {to: bye}, timeout: 1m30s}
variables: {n: {type: int, default: 7}, sure: {type: bool, default: no}}
start: ask
nodes:
  ask: {type: menu, prompt: [a, b], barge_in: no, no_input: {reprompts: c}, choices: {1: bye, "#": bye}}
  bye: {type: hangup}
"""


def test_short_forms_and_what_is_inherited_are_right() -> None:
    assert faults(SOUND, "flow") == []


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("prompt: [a, b]", "promt: [a, b]"),
        ("timeout: 1m30s", "timeout: 5"),
        ("timeout: 1m30s", "timeout: 5 s"),
        ("barge_in: no", "barge_in: maybe"),
        ("{1: bye", "{10: bye"),
        ("type: hangup", "type: hangp"),
        ("flow: main", "flow: Main Menu"),
        ("variables: {n:", "variables: {n-m:"),
        ("start: ask", "begin: ask"),
        ("[a, b]", "[]"),
    ],
)
def test_a_common_mistake_is_underlined(right: str, wrong: str) -> None:
    assert right in SOUND
    assert faults(SOUND.replace(right, wrong), "flow") != []


def test_every_key_has_a_description() -> None:
    for kind in schema.SOURCES:
        found = schema.schema(kind)
        parts = [found, *found.get("$defs", {}).values()]
        lacking = [
            key
            for part in parts
            for key, value in part.get("properties", {}).items()
            if key != "type" and "description" not in value
        ]
        assert lacking == [], json.dumps(lacking)
