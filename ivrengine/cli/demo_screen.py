"""Draws what ``ivrengine demo`` shows: a picture for a terminal, or lines for anything else."""

import io
import re
from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ivrengine.cli.demo_picture import CallLine, EndedLine, PhoneLine, Picture
from ivrengine.core.call import Outcome, Phase

HEAD_LINES: Final = 5
FOOT_LINES: Final = 13
WIDE: Final = 110
"""From so many columns on there is room for everything."""
PICTURE_SIZE: Final = (124, 36)
EDGES: Final = 3
"""Lines of a panel that are not its table's rows: two of the frame, one of the column names."""
_FRAME: Final = "grey42"
_QUIET: Final = "grey62"
_PHASES: Final = {
    Phase.IN_FLOW: "white",
    Phase.DIALING: "yellow",
    Phase.TALKING: "bold green",
    Phase.LEAVING: _QUIET,
    Phase.AFTERWARDS: _QUIET,
    Phase.ENDED: _QUIET,
}
_OUTCOMES: Final = {
    Outcome.COMPLETED: "green",
    Outcome.TRANSFERRED: "cyan",
    Outcome.HUNG_UP: "yellow",
    Outcome.FALLBACK: "magenta",
    Outcome.TAKEN: "red",
    Outcome.LOST: "red",
}
_PHONES: Final = {"idle": _QUIET, "rings": "yellow", "talks": "bold green"}
_CURVE: Final = " ▁▂▃▄▅▆▇█"


def draw(picture: Picture, title: str, *, width: int, height: int) -> RenderableType:
    """Return the whole screen."""
    layout = Layout()
    rows = max(1, height - HEAD_LINES - FOOT_LINES - EDGES)
    layout.split_column(
        Layout(_head(picture, title), size=HEAD_LINES),
        Layout(_calls(picture.calls, rows, wide=width >= WIDE), name="calls"),
        Layout(name="foot", size=FOOT_LINES),
    )
    layout["foot"].split_row(
        Layout(_phones(picture.phones), ratio=2),
        Layout(_ended(picture.ended, wide=width >= WIDE), ratio=3),
    )
    return layout


def svg(picture: Picture, title: str) -> str:
    """Return the screen as an SVG file that needs nothing from elsewhere."""
    width, height = PICTURE_SIZE
    console = Console(record=True, width=width, height=height, file=io.StringIO())
    console.print(draw(picture, title, width=width, height=height))
    drawn = console.export_svg(title="ivrengine demo")
    # rich would have the file fetch a font, and says in a comment where rich comes from
    return re.sub(r"@font-face\s*\{[^}]*\}|<!--.*?-->", "", drawn)


def _head(picture: Picture, title: str) -> RenderableType:
    counters = Table.grid(padding=(0, 3))
    counters.add_row(
        _counter("in progress", len(picture.calls), "bold white"),
        _counter("arrived", picture.arrived, "white"),
        *(
            _counter(outcome.replace("_", " "), picture.outcomes.get(outcome, 0), style)
            for outcome, style in _OUTCOMES.items()
            if picture.outcomes.get(outcome, 0) or outcome in _USUAL
        ),
    )
    store = Text.assemble(
        ("PostgreSQL ", _QUIET),
        (f"{picture.rows:,}", "bold white"),
        (" rows", "white"),
        (f"  {picture.store}", _QUIET),
    )
    curve = Text.assemble(("calls in progress, last minute  ", _QUIET), (_curve(picture), "cyan"))
    return _panel(
        Group(counters, store, curve), title, f"{_clock(picture.elapsed_s)}   Ctrl-C ends it"
    )


_USUAL: Final = (Outcome.COMPLETED, Outcome.TRANSFERRED, Outcome.HUNG_UP)


def _counter(name: str, count: int, style: str) -> Text:
    return Text.assemble((f"{count:,}", style), (f" {name}", _QUIET))


def _curve(picture: Picture) -> str:
    most = max((*picture.history, 1))
    top = len(_CURVE) - 1
    return "".join(_CURVE[-(-count * top // most)] for count in picture.history)


def _calls(calls: Sequence[CallLine], rows: int, *, wide: bool) -> RenderableType:
    extra = ("number", "flow") if wide else ()
    table = _table("call", "caller", *extra, "node", "hears", ">here", "key", stretch="hears")
    for line in calls[:rows]:
        style = _PHASES[line.phase]
        table.add_row(
            Text(line.call, _QUIET),
            line.caller,
            *((Text(line.did, _QUIET), Text(line.flow, _QUIET)) if wide else ()),
            Text(line.node, "bold cyan"),
            Text(line.does, style),
            f"{line.here_s:.1f} s",
            Text(line.key, "bold"),
        )
    more = len(calls) - rows
    return _panel(table, "calls in progress", f"and {more} more" if more > 0 else None)


def _phones(phones: Sequence[PhoneLine]) -> RenderableType:
    table = _table("phone", "does", "call", ">for", stretch="phone")
    for line in phones[: FOOT_LINES - EDGES]:
        style = _PHONES[line.state]
        since = "" if line.state == "idle" else f"{line.since_s:.0f} s"
        table.add_row(Text(line.name), Text(line.state, style), Text(line.call, _QUIET), since)
    return _panel(table, "phones", None)


def _ended(ended: Sequence[EndedLine], *, wide: bool) -> RenderableType:
    extra = ("caller",) if wide else ()
    table = _table("call", *extra, "last node", "outcome", ">lasted", stretch="last node")
    for line in ended[: FOOT_LINES - EDGES]:
        style = _OUTCOMES[Outcome(line.outcome)] if line.outcome else _QUIET
        table.add_row(
            Text(line.call, _QUIET),
            *((line.caller,) if wide else ()),
            line.node,
            Text(line.outcome.replace("_", " "), style),
            f"{line.lasted_s:.1f} s",
        )
    return _panel(table, "last finished calls, read from PostgreSQL", None)


def _table(*columns: str, stretch: str) -> Table:
    """Return a table without rows; ``stretch`` is the column that takes what room there is, ``>`` is for numbers."""
    table = Table(box=None, expand=True, header_style=_QUIET, padding=(0, 2, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(
            column.removeprefix(">"),
            justify="right" if column.startswith(">") else "left",
            no_wrap=True,
            ratio=1 if column == stretch else None,
        )
    return table


def _panel(content: RenderableType, title: str, subtitle: str | None) -> Panel:
    return Panel(
        content,
        title=Text(title, "bold cyan"),
        title_align="left",
        subtitle=None if subtitle is None else Text(subtitle, _QUIET),
        subtitle_align="right",
        border_style=_FRAME,
        box=box.ROUNDED,
        padding=(0, 1),
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:02}:{rest:02}"


class Lines:
    """The same for a file or pipe: a line for each call that comes or ends, and now and then the counters."""

    COUNTERS_EVERY_S: Final = 5.0

    def __init__(self) -> None:
        self._known: set[str] = set()
        self._ended: set[str] = set()
        self._counters_s = 0.0

    def of(self, picture: Picture) -> list[str]:
        """Return what is new since the last picture."""
        at = _clock(picture.elapsed_s)
        lines = [
            f"{at} {call.call} arrived: {call.caller} calls {call.did}, flow {call.flow}"
            for call in picture.calls
            if call.call not in self._known
        ]
        lines += [
            f"{at} {call.call} ended: {call.outcome} at {call.node} after {call.lasted_s:.1f} s"
            for call in reversed(picture.ended)
            if call.call not in self._ended
        ]
        self._known = {call.call for call in picture.calls}
        self._ended = {call.call for call in picture.ended}
        if picture.elapsed_s - self._counters_s >= self.COUNTERS_EVERY_S:
            self._counters_s = picture.elapsed_s
            lines.append(f"{at} {counters(picture)}")
        return lines


def counters(picture: Picture) -> str:
    """Return the counters as a sentence without its end."""
    ended = [f"{count} {name}" for name, count in picture.outcomes.items() if count]
    return ", ".join(
        (
            f"{picture.arrived} arrived",
            f"{len(picture.calls)} in progress",
            *ended,
            f"{picture.rows} rows in PostgreSQL",
        )
    )
