"""The commands. Each is a module here; this one only gathers them."""

import importlib
import os
import signal
import sys
from collections.abc import Iterable
from typing import Final

import typer

COMMANDS: Final = {
    "serve": "ivrengine.cli.serve",
    "check": "ivrengine.cli.check",
    "schema": "ivrengine.cli.schema",
    "draw": "ivrengine.cli.draw",
    "demo": "ivrengine.cli.demo",
    "call": "ivrengine.cli.walk",
    "test": "ivrengine.cli.test",
    "calls": "ivrengine.cli.calls",
    "flows": "ivrengine.cli.flows",
    "prompts": "ivrengine.cli.prompts",
}
"""Where each command is: a function of its name, or a group of commands (``calls list``) of that name or called ``app``."""

_STDERR: Final = 2


def main() -> None:
    """Run the command that the arguments name."""
    _open_standard_streams()
    interrupted = signal.getsignal(signal.SIGINT)
    if interrupted is signal.default_int_handler:
        # Importing takes a second in which there is nothing to tidy: Ctrl-C just ends it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    asked = next(iter(sys.argv[1:]), "")
    # Only what is asked for is imported: checking a flow needs neither the database nor Asterisk.
    command = _gathered([asked] if asked in COMMANDS else COMMANDS)
    signal.signal(signal.SIGINT, interrupted)
    command(prog_name="ivrengine")


def _open_standard_streams() -> None:
    """Give what was started without them (``>&-``) empty ones, lest a socket become standard output."""
    fd = os.open(os.devnull, os.O_RDWR)
    while fd <= _STDERR:
        fd = os.dup(fd)
    os.close(fd)


def _gathered(names: Iterable[str]) -> typer.Typer:
    gathered = typer.Typer(
        name="ivrengine",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    gathered.callback()(_ivrengine)
    for name in names:
        module = importlib.import_module(COMMANDS[name])
        command = getattr(module, name, None) or module.app
        if isinstance(command, typer.Typer):
            gathered.add_typer(command, name=name)
        else:
            gathered.command(name)(command)
    return gathered


def _ivrengine() -> None:
    """Run the call-centre engine: flows as code, on stock Asterisk."""
