"""JSON Schema of the files of the flow language, made from the models, for editors that complete and check while one types.

Draft 7, which every editor's YAML support understands. An editor reads ``yes`` and ``7`` as text, truth or number as its YAML
version has it; the schema takes all of them where our reader does.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from ivrengine.flow import fields
from ivrengine.flow.defaults import Defaults
from ivrengine.flow.model import FlowSource
from ivrengine.flow.source.prompt_texts import PromptsSource
from ivrengine.flow.source.routing import RoutingSource
from ivrengine.flow.source.schedule_source import SchedulesSource

SOURCES: Final[Mapping[str, type[BaseModel]]] = {
    "flow": FlowSource,
    "prompts": PromptsSource,
    "routing": RoutingSource,
    "schedules": SchedulesSource,
}
"""The kinds of files, each with its model."""

Schema = dict[str, Any]
_INHERITED: Final = frozenset(field.alias or name for name, field in Defaults.model_fields.items())
"""Keys that a node need not have, because the flow's ``defaults`` may."""
_NOISE: Final = frozenset({"title", "ge", "le", "discriminator"})
_TEXT: Final = ["string", "number", "boolean"]
"""What an editor may take for what our reader sees as text."""
_YES_OR_NO: Final[list[bool | str]] = [True, False, "yes", "no", "on", "off"]


def schema(kind: str) -> Schema:
    """Return the JSON Schema of a kind of file."""
    source = SOURCES[kind].model_json_schema(mode="validation", by_alias=True)
    found: Schema = _plain(source)
    for name, definition in found.get("$defs", {}).items():
        is_node = "const" in definition.get("properties", {}).get("type", {})
        if is_node:
            definition["required"] = [k for k in definition["required"] if k not in _INHERITED]
        elif name == "Reaction":  # its ``to`` may be inherited as well
            definition.pop("required", None)
    if kind == "flow":
        found["properties"]["nodes"]["additionalProperties"] = _by_type(found["$defs"])
    return {"$schema": "http://json-schema.org/draft-07/schema#", **found}


def _by_type(definitions: Mapping[str, Schema]) -> Schema:
    """Return the schema of a node: that of its type alone, so that a fault is told of that one and not of all."""
    types = {
        definition["properties"]["type"]["const"]: f"#/$defs/{name}"
        for name, definition in definitions.items()
        if "const" in definition.get("properties", {}).get("type", {})
    }
    return {
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"enum": sorted(types), "description": "What the node does."}},
        "allOf": [
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"$ref": reference},
            }
            for name, reference in sorted(types.items())
        ],
    }


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    plain = {
        key: _named(inner) if key in {"properties", "$defs"} else _plain(inner)
        for key, inner in value.items()
        if key not in _NOISE
    }
    return _of_any_form(_without_null(plain))


def _named(members: Mapping[str, Any]) -> Schema:
    """Return members by names that are the language's own, and mean nothing to JSON Schema."""
    return {name: _plain(member) for name, member in members.items()}


def _without_null(found: Schema) -> Schema:
    """Leave out that a value may be nothing: a key without a value is refused."""
    if found.get("default", ...) in (None, [], {}) or isinstance(found.get("default"), dict):
        del found["default"]
    options = [option for option in found.get("anyOf", []) if option.get("type") != "null"]
    if len(options) == 1:
        del found["anyOf"]
        return {**options[0], **found}
    return {**found, "anyOf": options} if options else found


def _of_any_form(found: Schema) -> Schema:
    """Let a value have every form in which our reader takes it."""
    if isinstance(found.get("default"), float) and found.get("type") == "string":
        found["default"] = fields.duration(found["default"])
    many = [o for o in [found, *found.get("anyOf", [])] if o.get("type") == "array"]
    if many:  # bounds of a list, not of a text
        for bound, right in (("minLength", "minItems"), ("maxLength", "maxItems")):
            if bound in found:
                many[0][right] = found.pop(bound)
    if "patternProperties" in found:
        found["additionalProperties"] = False
    match found.get("type"):
        case "string" if not found.keys() & {"const", "enum", "pattern"}:
            found["type"] = _TEXT
        case "string" if re.match(found.get("pattern", "$"), "1"):
            found["type"] = ["string", "integer"]  # a key of a telephone
        case "boolean":
            del found["type"]
            found["enum"] = _YES_OR_NO
        case _:
            pass
    return found
