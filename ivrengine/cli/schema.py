"""``ivrengine schema``: what an editor needs to complete and check flow files while one types."""

import json
from typing import Annotated

import typer

from ivrengine.cli import complaints
from ivrengine.flow import schema as schemas
from ivrengine.flow.problems import did_you_mean


def schema(
    kind: Annotated[
        str, typer.Argument(help=f"The kind of file: {', '.join(schemas.SOURCES)}.")
    ] = "flow",
) -> None:
    """Print the JSON Schema of flows, or of another kind of file."""
    if kind not in schemas.SOURCES:
        known = ", ".join(schemas.SOURCES)
        near = did_you_mean(kind, schemas.SOURCES)
        complaints.bad_usage(f"expected one of {known}, found `{kind}`{near}")
    typer.echo(json.dumps(schemas.schema(kind), ensure_ascii=False, indent=2))
