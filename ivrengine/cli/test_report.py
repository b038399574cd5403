"""What ``ivrengine test`` prints: failures with both sides of their dialogue, what was not gone through, a summary."""

import io
from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ivrengine.testing.coverage import Coverage, FlowCoverage
from ivrengine.testing.flow_files import FlowFiles
from ivrengine.testing.playing import Failure, Played

WIDE: Final = 120
"""Columns where nobody has a terminal: logs of CI systems, and files."""
SIGN: Final = ">"
"""Stands before the step at which a call went otherwise."""


def errors() -> Console:
    """Return the console for what passes."""
    return Console(stderr=True)


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)


def tell_failure(played: Played, places: FlowFiles) -> None:
    """Print why a call failed."""
    _print_failure(_console(), played, places)


def as_text(played: Played, places: FlowFiles) -> str:
    """Return why a call failed."""
    written = io.StringIO()
    _print_failure(Console(file=written, width=WIDE, highlight=False), played, places)
    return written.getvalue()


def _print_failure(console: Console, played: Played, places: FlowFiles) -> None:
    failure = played.failure
    assert failure is not None
    script = played.script
    console.print(Text.assemble(("FAILED ", "bold red"), (script.name, "bold")))
    for sentence in failure.sentences:
        console.print(Text(f"  {script.file}:{failure.line}: {sentence}"), soft_wrap=True)
    console.print(Text(f"  {_where(played, failure, places)}"), soft_wrap=True)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("", "expected", "happened"):
        table.add_column(title, overflow="fold", max_width=(WIDE - 8) // 2)
    for row in played.rows:
        style = "bold red" if row.diverges else ""
        sign = SIGN if row.diverges else ""
        table.add_row(sign, escape(row.expected), escape(row.happened), style=style)
    console.print(table)
    console.print()


def _where(played: Played, failure: Failure, places: FlowFiles) -> str:
    if not failure.node:
        return "the call reached no node"
    flow = played.script.flow
    running = flow.subflows[failure.subflow] if failure.subflow else flow
    place = places.node(running, failure.node)
    return f"{place}: the call stood at the node {failure.node} of {running.ref.name}"


def tell_coverage(found: Coverage, places: FlowFiles) -> None:
    """Print how much of each flow was gone through, and what was not."""
    console = _console()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("flow")
    for title in ("nodes", "exits", "exits %"):
        table.add_column(title, justify="right")
    for flow in found.flows:
        missed = len(flow.nodes_missed), len(flow.exits_missed)
        percent = 100 * (flow.exits - missed[1]) / flow.exits if flow.exits else 100.0
        table.add_row(
            flow.flow.ref.name,
            f"{flow.nodes - missed[0]}/{flow.nodes}",
            f"{flow.exits - missed[1]}/{flow.exits}",
            f"{percent:.1f}",
        )
    console.print(table)
    for flow in found.flows:
        _tell_missed(console, flow, places)


def _tell_missed(console: Console, missed: FlowCoverage, places: FlowFiles) -> None:
    for node in missed.nodes_missed:
        place = places.node(missed.flow, node)
        console.print(Text(f"{place}: node {node} was not reached"), soft_wrap=True)
    for node, exit_name in missed.exits_missed:
        if node not in missed.nodes_missed:
            place = places.exit(missed.flow, node, exit_name)
            told = f"{place}: node {node} exit {exit_name} was not taken"
            console.print(Text(told), soft_wrap=True)


def tell_summary(played: Sequence[Played], took_s: float, found: Coverage | None) -> None:
    """Print one line about everything."""
    failed = sum(each.failure is not None for each in played)
    calls = "1 call" if len(played) == 1 else f"{len(played)} calls"
    parts = [f"{len(played) - failed} of {calls} passed in {took_s:.1f} s"]
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{found.percent:.1f} % of the exits taken"] if found is not None else []
    _console().print(Text(", ".join(parts), style="bold red" if failed else "bold green"))
