"""Who answers the menu call: our engine with everything on, and those it is compared with, each on a number of its own.

The peers' extensions live in Asterisk's memory only, put there over its console and taken away again.
"""

import contextlib
import dataclasses
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from bench import processes
from tests.live import access

PEERS: Final = Path(__file__).parent / "peers"
ENGINE: Final = "ivrengine"
NATIVE: Final = "dialplan"
WEBSOCKET: Final = "bare WebSocket"
AIOARI: Final = "bare aioari"
NODE: Final = "Node ari-client"
DIDS: Final = {
    ENGINE: "+902124440198",
    NATIVE: "+902124440190",
    WEBSOCKET: "+902124440191",
    AIOARI: "+902124440192",
    NODE: "+902124440193",
}
CONTEXT: Final = "bench"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One of them, ready to be called."""

    name: str
    did: str
    cpu_s: Callable[[], float]
    """Processor time of the application so far, PostgreSQL not included."""
    beside_cpu_s: Callable[[], float] = lambda: 0.0
    """Processor time of its PostgreSQL."""


@contextlib.asynccontextmanager
async def ready(data: Path, left_out: Callable[[str], None]) -> AsyncIterator[list[Contender]]:
    """Start all that this machine can run; ``left_out`` is told of the others."""
    async with contextlib.AsyncExitStack() as stack:
        program = await stack.enter_async_context(
            processes.engine(data, processes.LINKED, processes.SHIPPING)
        )
        found = [
            Contender(
                name=ENGINE,
                did=DIDS[ENGINE],
                cpu_s=lambda: program.cpu_s,
                beside_cpu_s=lambda: processes.postgres_cpu_s(data),
            )
        ]
        media = _media()  # which the engine has made by now
        with _extensions(media):
            for name, command in _commands(left_out).items():
                found.append(await stack.enter_async_context(_peer(name, command, media)))
            found.append(Contender(name=NATIVE, did=DIDS[NATIVE], cpu_s=lambda: 0.0))
            yield found


@contextlib.asynccontextmanager
async def _peer(
    name: str, command: list[str], media: Mapping[str, str]
) -> AsyncIterator[Contender]:
    environment = {
        "BENCH_URL": access.access().ari_url,
        "BENCH_PASSWORD": access.access().ari_password,
        "BENCH_APP": _application(name),
        "BENCH_QUESTION": f"sound:{media['question']}",
        "BENCH_GOODBYE": f"sound:{media['goodbye']}",
    }
    async with processes.running(command, environment, b"ready") as program:
        yield Contender(name=name, did=DIDS[name], cpu_s=lambda: program.cpu_s)


def _commands(left_out: Callable[[str], None]) -> dict[str, list[str]]:
    commands = {
        WEBSOCKET: [sys.executable, str(PEERS / "bare_websocket.py")],
        AIOARI: [sys.executable, str(PEERS / "bare_aioari.py")],
    }
    node = shutil.which("node")
    if node is None:
        left_out(f"{NODE}: there is no node (on Debian: apt-get install nodejs npm)")
    elif not _has_ari_client():
        left_out(f"{NODE}: npm could not install ari-client")
    else:
        commands[NODE] = [node, str(PEERS / "bare_node.js")]
    return commands


def _has_ari_client() -> bool:
    """Tell whether ari-client is there; it is fetched once, by npm, into a folder that git ignores."""
    if (PEERS / "node_modules" / "ari-client").is_dir():
        return True
    npm = shutil.which("npm")
    if npm is None:
        return False
    words = [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--silent"]
    return subprocess.run(words, cwd=PEERS, check=False, capture_output=True).returncode == 0  # noqa: S603 - fixed words


def _application(name: str) -> str:
    return "bench-" + name.rpartition(" ")[2].lower()


def _media() -> dict[str, str]:
    """Return the engine's prompts of the menu call as Asterisk sees them."""
    known = access.access()
    found = {}
    for name in ("question", "goodbye"):
        newest = max(
            known.prompts.glob(f"bench/en/bench-{name}-*.wav"),
            key=lambda path: path.stat().st_mtime,
        )
        inside = newest.relative_to(known.prompts).with_suffix("")
        found[name] = f"{known.prompts_as_seen}/{inside}"
    return found


@contextlib.contextmanager
def _extensions(media: Mapping[str, str]) -> Iterator[None]:
    """Give the peers their numbers."""
    for line in (
        f"{DIDS[NATIVE]},1,Goto({CONTEXT},s,1) into from-trunk",
        f"s,1,Answer() into {CONTEXT}",
        f"s,2,Background({media['question']}) into {CONTEXT}",
        f"s,3,WaitExten(5) into {CONTEXT}",
        f"1,1,Playback({media['goodbye']}) into {CONTEXT}",
        f"1,2,Hangup(16) into {CONTEXT}",
        f"2,1,Hangup(16) into {CONTEXT}",
        *(
            f"{DIDS[name]},1,Stasis({_application(name)}) into from-trunk"
            for name in (WEBSOCKET, AIOARI, NODE)
        ),
    ):
        access.console(f"dialplan add extension {line} replace")
    try:
        yield
    finally:
        for name, did in DIDS.items():
            if name != ENGINE:
                access.console(f"dialplan remove extension {did}@from-trunk")
        access.console(f"dialplan remove context {CONTEXT}")
