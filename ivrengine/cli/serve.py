"""``ivrengine serve``: the engine on the Asterisk nodes of the settings, until it is told to stop."""

import asyncio
import contextlib
import dataclasses
import gc
from collections.abc import AsyncIterator, Coroutine, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import structlog
import typer
import uvloop

from ivrengine import app
from ivrengine.asterisk.beside import Beside
from ivrengine.asterisk.lease import Lease
from ivrengine.asterisk.node import AmiAccess, Node
from ivrengine.asterisk.prompt_door import PromptDoor
from ivrengine.asterisk.switch import AriSwitch
from ivrengine.cli import complaints, descriptors
from ivrengine.cli.serving import Flows
from ivrengine.cli.status import Status, nodes, parts
from ivrengine.cli.stopping import obey_signals
from ivrengine.cli.supervisor import Supervisor, told
from ivrengine.cli.watched import ListeningError, offered, watched
from ivrengine.core.ids import NodeName
from ivrengine.engine.stopping import Stopping, Then
from ivrengine.engine.tenure import JournalInUseError, Tenure, take, wait
from ivrengine.following.edition import Edition
from ivrengine.following.sounds import MuteError, Sounds
from ivrengine.following.starting import NoFlowsError
from ivrengine.prompts.library import Library
from ivrengine.settings.model import AsteriskNode, Settings
from ivrengine.telemetry import metrics
from ivrengine.telemetry.door import DoorMeter
from ivrengine.telemetry.watching import Watched

T = TypeVar("T")

_log = structlog.get_logger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _AsteriskDoor:
    switch: AriSwitch
    sounds: Library
    beside: Beside
    right: Lease

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            beside = group.create_task(self.beside.run())
            try:
                await self.switch.run()
            finally:
                beside.cancel()


def serve(
    config: Annotated[Path | None, complaints.CONFIG] = None,
    standby: Annotated[
        bool,
        typer.Option(
            "--standby", help="If another engine runs on this data, wait for its end and take over."
        ),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="For work on flows: take calls by the folder of flows, and take up each edit of it that is sound.",
        ),
    ] = False,
) -> None:
    """Answer calls on the Asterisk nodes of the settings."""
    settings = complaints.settings(config)
    if not settings.asterisk:
        complaints.bad_usage(
            "the settings name no Asterisk: add an [[asterisk]] table with name, url and password"
        )
    if watch and not settings.flows_dir.is_dir():
        complaints.bad_usage(f"there is no folder {settings.flows_dir} to read flows from")
    descriptors.take_all()
    with (
        complaints.in_sentences(ListeningError, MuteError, NoFlowsError),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_serve(settings, standby=standby, watching=watch))


async def _serve(settings: Settings, *, standby: bool, watching: bool) -> None:
    began_s = asyncio.get_running_loop().time()
    stopping = Stopping(Then(settings.stopping.then))
    obey_signals(stopping)
    counted, status, supervisor = metrics.new(), Status(), Supervisor()
    pages = Watched(counted.registry, status.readiness)
    door = PromptDoor(settings.sounds_dir(), tuple(settings.prompts.networks()), counted)
    async with (
        contextlib.AsyncExitStack() as stack,
        told(supervisor, lambda: status.readiness().sentence()),
        watched(settings.metrics.listen, pages, patiently=standby),
        offered("prompts.listen", settings.prompts.listen, door.open, patiently=standby),
    ):
        flows = Flows(settings, status, counted, watching=watching)
        stack.push_async_callback(flows.close)
        preparing = _prepared(settings, flows, status, supervisor, standby=standby)
        prepared = await _unless(stopping.asked, preparing)
        if prepared is not None:
            async with _answering(settings, flows, prepared, stopping, counted, status):
                # What was loaded stays; each full collection would go through it, 50 ms in which no caller is heard.
                gc.freeze()
                ready_s = asyncio.get_running_loop().time() - began_s
                _log.info("engine ready", flows=flows.count, after_s=round(ready_s, 3))
                supervisor.tell("READY=1")
                await stopping.asked.wait()
                _log.info("engine stopping", then=stopping.then)
                supervisor.tell("STOPPING=1")
    _log.info("engine stopped")


Prepared = tuple[Edition, Sounds, Tenure]


@contextlib.asynccontextmanager
async def _answering(
    settings: Settings,
    flows: Flows,
    prepared: Prepared,
    stopping: Stopping,
    counted: metrics.Metrics,
    status: Status,
) -> AsyncIterator[None]:
    """Answer calls while the context is open."""
    edition, sounds, tenure = prepared
    doors: list[_AsteriskDoor] = []

    def make_doors(inside: app.Inside) -> Sequence[app.Door]:
        meter = DoorMeter(inside.metrics, inside.latencies)
        found = map(_node, settings.asterisk)
        doors.extend(_door(node, sounds[NodeName(node.name)], inside, meter) for node in found)
        return doors

    async with (
        app.outside(settings) as outside,
        app.running(
            settings,
            edition.book,
            make_doors,
            counted=counted,
            tenure=tenure,
            stopping=stopping,
            fetching=outside,
        ) as running,
    ):
        status.look_at(lambda: parts(running))
        status.look_at(lambda: nodes((door.switch, door.right, door.beside) for door in doors))
        status.run()
        async with asyncio.TaskGroup() as group:
            following = group.create_task(flows.follow(running.engine, edition))
            try:
                yield
            finally:
                status.begin("stopping")
                following.cancel()


async def _prepared(
    settings: Settings, flows: Flows, status: Status, supervisor: Supervisor, *, standby: bool
) -> Prepared:
    """Return the flows, the prompts for each node, and the right to the journal, which a standby waits for."""
    folder = app.journal_folder(settings)
    if not standby:
        tenure = take(folder)
        return *await flows.first(), tenure
    ready = await flows.first()
    try:
        return *ready, take(folder)
    except JournalInUseError:
        _log.info("standby", reason="another engine runs on this data")
    status.begin("standby, as another engine runs on this data")
    supervisor.tell("READY=1")
    tenure = await wait(folder)
    edition, _ = ready
    if flows.are_newer_than(edition):  # the engine before this one went on to them
        ready = await flows.first()
    return *ready, tenure


async def _unless(stop: asyncio.Event, work: Coroutine[None, None, T]) -> T | None:
    """Return what the work comes to; None if the engine is told to stop before it is done."""
    async with asyncio.TaskGroup() as group:
        working = group.create_task(work)
        stopping = group.create_task(stop.wait())
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        working.cancel()
        stopping.cancel()
    return None if working.cancelled() else working.result()


def _door(node: Node, library: Library, inside: app.Inside, meter: DoorMeter) -> _AsteriskDoor:
    right = Lease(node.name, engine=inside.tenure.engine, past=inside.tenure.past, now=inside.wall)
    switch = AriSwitch(node, listener=inside.listener, now=inside.now, meter=meter, right=right)
    beside = Beside(node, switch, listener=inside.listener, now=inside.now, meter=meter)
    return _AsteriskDoor(switch=switch, sounds=library, beside=beside, right=right)


def _node(node: AsteriskNode) -> Node:
    return Node(
        name=node.name,
        url=node.url,
        username=node.username,
        password=node.secret(),
        application=node.application,
        country=node.country,
        accept_unsafe_version=node.accept_unsafe_version,
        missed_dir=node.missed_dir,
        seal_key="" if node.seal_key is None else node.seal_key.get_secret_value(),
        ami=_ami(node),
        trunks=frozenset(node.trunks),
    )


def _ami(node: AsteriskNode) -> AmiAccess | None:
    if node.ami is None:
        return None
    host, _, port = node.ami.rpartition(":")
    return AmiAccess(
        host=host.strip("[]"),
        port=int(port),
        username=node.ami_username,
        secret=node.ami_secret(),
        tls=node.ami_tls,
        ca_file=node.ami_ca_file,
    )
