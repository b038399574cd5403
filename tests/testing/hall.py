"""A folder of flows with scripted calls, and what `ivrengine test` makes of it."""

import textwrap
from pathlib import Path

import typer
from typer.testing import CliRunner

from ivrengine.cli.test import test
from tests.flow.folder import write

ROUTING = """
brands:
  acme:
    name: Acme
    country: TR
    routes: [{did: "+902124440101", flow: main}]
    phones:
      reception: {endpoint: PJSIP/agent-101}
      sales: {endpoint: PJSIP/agent-102}
"""
PROMPTS = """
brand: acme
prompts:
  welcome: {tr: Hoş geldiniz., en: Welcome to Acme.}
  menu: {tr: Danışma için biri tuşlayın., en: "For reception, press one."}
  sorry: {tr: Ulaşamıyorum., en: Nobody is there.}
"""
MAIN = """
flow: main
brand: acme
languages: [tr, en]
variables: {tries: {type: int}, vip: {type: bool}}
start: hello
nodes:
  hello: {type: play, prompt: welcome, next: ask}
  ask:
    type: menu
    prompt: menu
    attempts: 1
    choices: {1: count, 2: english}
    no_input: bye
    no_match: bye
  english: {type: language, to: en, next: ask}
  count: {type: set, assign: {tries: tries + 1}, next: reception}
  reception: {type: transfer, to: reception, next: bye, busy: sorry, no_answer: sorry, failed: sorry}
  sorry: {type: play, prompt: sorry, next: ask}
  bye: {type: hangup}
"""
FLOWS = {"routing.yaml": ROUTING, "prompts.yaml": PROMPTS, "main.yaml": MAIN}

_app = typer.Typer()
_app.command()(test)


def script_of(*calls: str) -> str:
    """Return a file with these calls to the flow `main`."""
    items = "".join(
        textwrap.indent(textwrap.dedent(call).strip(), "    ").replace("    ", "  - ", 1) + "\n"
        for call in calls
    )
    return f"flow: main\ncalls:\n{items}"


def hall(folder: Path, *calls: str) -> Path:
    """Return a folder of flows with one file of these calls."""
    return write(folder, FLOWS | {"tests/main.yaml": script_of(*calls)})


def run(*args: str | Path) -> tuple[int, str, str]:
    """Run `ivrengine test` and return its exit code and what it printed."""
    result = CliRunner().invoke(_app, [str(arg) for arg in args])
    return result.exit_code, result.stdout, result.stderr
