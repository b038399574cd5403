"""``ivrengine demo``: the engine and its PostgreSQL with simulated callers and phones, live in the terminal."""

import asyncio
import contextlib
import dataclasses
import os
import shlex
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
import uvloop
from rich.console import Console
from rich.live import Live

from ivrengine import app
from ivrengine.cli import complaints, demo_screen
from ivrengine.cli.demo_picture import Picture, Watch
from ivrengine.cli.stopping import stop_signal
from ivrengine.flow.book import Book
from ivrengine.flow.load import RECORDINGS_FOLDER, load_folder
from ivrengine.settings.model import Limits, Settings
from ivrengine.sim import crowd, traffic
from ivrengine.sim.read_aloud import ReadAloud
from ivrengine.sim.switch import SimSwitch
from ivrengine.store import queries
from ivrengine.store.connecting import Connection
from ivrengine.store.database import Database, DatabaseError
from ivrengine.store.faults import RETRIED
from ivrengine.telemetry import logs

FRAME_S: Final = 0.25
"""Four pictures a second: quick enough to watch a call move, and a twentieth of a core to draw."""
LOOK_S: Final = 1.0
"""How often the store is asked for finished calls."""
_ENDED: Final = queries.Wanted(phase="ended", limit=40)
SEPARATE: Final = "demo"
"""Made-up calls go into this folder of the data directory where the settings are those of a real engine."""
_PARTING: Final = Limits(drain_s=0, parting_s=1.0)
"""Whoever ends a demo does not want to wait for its callers."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    settings: Settings
    book: Book
    rate: float
    seconds: float | None
    seed: int
    hint: str
    """The command that finds the demo's calls."""
    picture: Path | None

    @property
    def title(self) -> str:
        return f"ivrengine demo   {self.rate:g} calls/s   seed {self.seed}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _SimDoor:
    switch: SimSwitch
    sounds: ReadAloud

    async def run(self) -> None:
        self.switch.start()
        await asyncio.Event().wait()


def demo(
    rate: Annotated[
        float, typer.Option(min=0.01, max=50, help="Calls a second, on average.")
    ] = 0.4,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End after so long; without it, Ctrl-C ends it.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed brings the same callers.")] = 1,
    flows: Annotated[Path | None, typer.Option(help="The folder of flows.")] = None,
    data: Annotated[Path | None, typer.Option(help="The folder for what is recorded.")] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Keep the last screen in this file, as SVG.")
    ] = None,
    config: Annotated[Path | None, complaints.CONFIG] = None,
) -> None:
    """Watch simulated callers walk through the flows: no Asterisk, no Docker, no root."""
    found = complaints.settings(config)
    settings, hint = settings_of_demo(found, flows, data)
    complaints.need_folder(settings.flows_dir)
    if picture is not None:
        complaints.need_folder(picture.parent)
    book, problems = load_folder(settings.flows_dir)
    for problem in problems:
        typer.echo(str(problem), err=True)
    if not crowd.dids(book, seed):
        complaints.failed(f"there is no flow in {settings.flows_dir} that a number is routed to")
    plan = _Plan(
        settings=settings,
        book=book,
        rate=rate,
        seconds=seconds,
        seed=seed,
        hint=hint,
        picture=picture,
    )
    with (
        complaints.in_sentences(),
        _quiet(settings),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_demo(plan, Console()))


def settings_of_demo(
    found: Settings, flows: Path | None, data: Path | None
) -> tuple[Settings, str]:
    """Return the settings of the demo, and the command that finds its calls: real ones are never mixed with them."""
    real = bool(found.asterisk or found.database_url)
    folder = data or (found.data_dir / SEPARATE if real else found.data_dir)
    settings = Settings(
        data_dir=folder, flows_dir=flows or found.flows_dir, limits=_PARTING, journal=found.journal
    )
    command = ["ivrengine", "calls", "list"]
    if "/" in sys.argv[0] and Path(sys.argv[0]).name == "ivrengine":  # make demo: on no PATH
        command[0] = sys.argv[0]
    if folder != found.data_dir or found.database_url:
        command += ["--data", str(folder)]
    return settings, shlex.join(command)


@contextlib.contextmanager
def _quiet(settings: Settings) -> Iterator[None]:
    """Send the engine's log into a file: the screen is for the calls."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        log = (settings.data_dir / "demo.log").open("a", encoding="utf-8")
    except OSError as error:
        complaints.failed(f"the data folder {settings.data_dir} cannot be used: {error.strerror}")
    with log as file:
        logs.configure(level="info", style="console", stream=file)
        try:
            yield
        finally:
            logs.configure(level="warning", style="console")


async def _demo(plan: _Plan, console: Console) -> None:
    stop = stop_signal()
    if plan.seconds is not None:
        asyncio.get_running_loop().call_later(plan.seconds, stop.set)
    phones = crowd.phones(plan.book, plan.seed)
    aloud = ReadAloud(plan.book.prompts, plan.settings.flows_dir / RECORDINGS_FOLDER)
    watch = Watch(
        now_s=asyncio.get_running_loop().time,
        phones=phones,
        names=_phone_names(plan.book),
        aloud=aloud,
    )

    def make_doors(inside: app.Inside) -> Sequence[app.Door]:
        watch.switch = SimSwitch(
            listener=watch.tap(inside.listener),
            now=inside.now,
            duration_s=aloud.duration_s,
            seed=plan.seed,
            phones=phones,
        )
        return [_SimDoor(switch=watch.switch, sounds=aloud)]

    async with app.running(plan.settings, plan.book, make_doors) as running:
        assert watch.switch is not None
        async with _beside(_call_in(plan, watch.switch), _look(plan.settings, watch)):
            await _show(plan, running, watch, stop, console)
            if plan.picture is not None:
                seen = watch.picture(running.engine.calls(), running.metrics, running.shipper.state)
                plan.picture.write_text(demo_screen.svg(seen, plan.title), encoding="utf-8")
    _sum_up(plan, watch.picture((), running.metrics, ""), console)


def _phone_names(book: Book) -> dict[str, str]:
    return {
        phone.endpoint: f"{name} {phone.name}"
        for name, brand in book.brands.items()
        for phone in brand.phones.values()
    }


@contextlib.asynccontextmanager
async def _beside(*works: "asyncio._CoroutineLike[None]") -> AsyncIterator[None]:
    """Do these until the context is left."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        yield
        for task in tasks:
            task.cancel()


async def _call_in(plan: _Plan, switch: SimSwitch) -> None:
    """Let the callers come."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    visits = traffic.visits(
        plan.seed,
        crowd.dids(plan.book, plan.seed),
        load=traffic.Load.steady(plan.rate),
        answers=crowd.answers(plan.book, plan.seed),
        invitations=crowd.invitations(plan.book),
    )
    for visit in visits:
        await asyncio.sleep(began_s + visit.at_s - loop.time())
        switch.call(visit.did, number=visit.number, script=visit.script)


async def _look(settings: Settings, watch: Watch) -> None:
    """Read the finished calls from the store, as soon as it is there."""
    database = Database(None, settings.data_dir)
    connection: Connection | None = None
    try:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                connection = connection or await database.read()
                found = await queries.list_calls(connection, _ENDED)
            except (DatabaseError, *RETRIED):
                # The shipper, which meets the same, logs and counts it.
                _drop(connection)
                connection = None
            else:
                watch.ended = sorted(found, key=lambda row: row.ended_at or row.arrived_at)[::-1]
    finally:
        _drop(connection)
        await database.close()


def _drop(connection: Connection | None) -> None:
    if connection is not None:
        connection.terminate()


async def _show(
    plan: _Plan, running: app.Running, watch: Watch, stop: asyncio.Event, console: Console
) -> None:
    def picture() -> Picture:
        return watch.picture(running.engine.calls(), running.metrics, running.shipper.state)

    if console.is_terminal and not console.is_dumb_terminal:
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while not stop.is_set():
                size = console.size
                drawn = demo_screen.draw(
                    picture(), plan.title, width=size.width, height=size.height
                )
                live.update(drawn, refresh=True)
                await _frame(stop)
    else:
        lines = demo_screen.Lines()
        while not stop.is_set():
            _print(lines.of(picture()), stop)
            await _frame(stop)


def _print(lines: Sequence[str], stop: asyncio.Event) -> None:
    try:
        for line in lines:
            typer.echo(line)
    except BrokenPipeError:  # whoever read the lines has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        stop.set()


async def _frame(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), FRAME_S)


def _sum_up(plan: _Plan, last: Picture, console: Console) -> None:
    ended = sum(last.outcomes.values())
    console.print(
        f"{ended} calls in {last.elapsed_s:.0f} s, {last.rows} rows stored"
        f" in {plan.settings.data_dir}; look at them with: [bold]{plan.hint}[/bold]",
        soft_wrap=True,
        highlight=False,
    )
