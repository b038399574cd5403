"""``ivrengine draw``: a flow as a picture, in the text form that Mermaid draws."""

from pathlib import Path
from typing import Annotated

import typer

from ivrengine.cli import complaints
from ivrengine.flow import drawing
from ivrengine.flow.problems import any_error
from ivrengine.flow.source import draft, text


def draw(
    file: Annotated[Path, typer.Argument(help="The file of a flow.", show_default=False)],
) -> None:
    """Print a flow as a Mermaid flowchart; exit with 1 if the file is no flow."""
    if not file.is_file():
        complaints.bad_usage(f"there is no file {file}")
    document, found = text.read_file(file, str(file))
    if document is not None:
        candidate, wrong = draft.read(document)
        found += wrong
        if not any_error(found):
            typer.echo(drawing.mermaid(candidate), nl=False)
            return
    for problem in found:
        typer.echo(str(problem), err=True)
    raise typer.Exit(1)
