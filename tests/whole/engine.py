"""The engine as people run it: ``ivrengine serve`` as a process of its own, on the Asterisk of this checkout.

Its log is JSON in a file, and tests wait for the lines of it; whatever else it writes there is a complaint to a person.
"""

import asyncio
import atexit
import contextlib
import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.live.access import CHECKOUT, access

FLOWS: Final = Path(__file__).parent / "flows"


def _estate_and_readers() -> Path:
    """Return a folder with the example flows of two brands: an engine need not speak the prompts of all to be tried."""
    folder = Path(tempfile.mkdtemp(prefix="ivrengine-examples-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for path in sorted((CHECKOUT / "flows").rglob("*.yaml")):
        inside = path.relative_to(CHECKOUT / "flows")
        if path.name.startswith(("guneskent", "makara")) and inside.parts[0] != "tests":
            (folder / inside).parent.mkdir(exist_ok=True)
            shutil.copy(path, folder / inside)
    routing, _, _ = (
        (CHECKOUT / "flows/routing.yaml").read_text(encoding="utf-8").partition("  toros:")
    )
    (folder / "routing.yaml").write_text(routing, encoding="utf-8")
    return folder


EXAMPLES: Final = _estate_and_readers()
READY_WITHIN_S: Final = 80.0
"""The first start speaks all prompts and makes a database; a machine shared with others takes its time."""
LOOK_AGAIN_S: Final = 0.05

Line = Mapping[str, Any]


class EngineEndedError(Exception):
    """The engine ended, and what a test waited for will not come."""


async def until(
    condition: Callable[[], bool | Awaitable[bool]],
    within_s: float,
    what: Callable[[], object] = str,
    *,
    every_s: float = LOOK_AGAIN_S,
) -> None:
    """Look again and again until it is so; what another process does announces itself nowhere."""
    try:
        async with asyncio.timeout(within_s):
            while not (await so if isinstance(so := condition(), Awaitable) else so):
                await asyncio.sleep(every_s)
    except TimeoutError:
        raise TimeoutError(f"not so within {within_s} s: {what()}") from None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str


class Engine:
    """One data folder, and the engines that run on it one after the other."""

    def __init__(
        self, folder: Path, *, flows: Path = FLOWS, settings: Path | None = None, **more: object
    ) -> None:
        """Keep everything in ``folder``; ``more`` are settings by their environment names (``limits__drain_s=1``)."""
        self.data = folder / "data"
        self.log = folder / "engine.log"
        self.folder = folder
        self.settings = settings or access().settings
        ours: dict[str, object] = {"data_dir": self.data, "flows_dir": flows}
        self._variables = ours | _other_missed_dirs(self.settings, folder) | more
        self.under: tuple[str, ...] = ()
        """A command that runs the engine under limits (``prlimit …``)."""
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0
        self.began_at = 0.0
        """When it was last started, by the clock of files."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the engine and its commands: ours, without settings of another engine."""
        ours = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("IVRENGINE_") and name != "DATABASE_URL"
        }
        said = {"log__format": "json", "log__level": "debug"} | self._variables
        named = {f"IVRENGINE_{name.upper()}": str(value) for name, value in said.items()}
        return ours | named | {"PYTHONPATH": str(CHECKOUT)}

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, once it has ended."""
        assert self._process is not None
        return self._process.poll()

    def start(self, *words: str) -> None:
        """Start the process (``words`` are options of ``serve``); ``ready`` waits until it answers calls."""
        self.began_at = time.time()
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._began = log.tell()
            self._process = subprocess.Popen(  # noqa: S603 (our own program)
                [*self.under, *self._command("serve", *words)],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _command(self, *words: str) -> list[str]:
        config = ("--config", str(self.settings))
        return [sys.executable, "-P", "-m", "ivrengine", *words, *config]

    async def ready(self) -> None:
        """Wait until it hears of calls; the database may take longer, and calls need not wait for it."""
        await self.said("taking calls", within_s=READY_WITHIN_S)

    def term(self) -> None:
        """Ask it to end."""
        os.kill(self.pid, signal.SIGTERM)

    def hand_over(self) -> None:
        """Ask it to leave all calls to the next one."""
        os.kill(self.pid, signal.SIGUSR1)

    def kill(self) -> None:
        """Let it die as in a power cut, and wait until it has."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    async def ended(self, within_s: float = 25.0) -> int:
        """Wait for the end; return the exit code."""
        await until(lambda: self.code is not None, within_s, self.tail)
        assert self.code is not None
        return self.code

    def close(self) -> None:
        """End it, whatever state it is in, and the PostgreSQL that a killed one leaves behind."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(25)
            except subprocess.TimeoutExpired:
                self.kill()
        postgres = self.postgres_pid
        if postgres is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(postgres, signal.SIGQUIT)

    @property
    def postgres_pid(self) -> int | None:
        """The process of the embedded PostgreSQL, if its folder says that one runs."""
        try:
            text = (self.data / "postgres" / "postmaster.pid").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return int(text.split()[0])

    # What it says

    def _raw(self) -> list[str]:
        with self.log.open("rb") as log:
            log.seek(self._began)
            return log.read().decode(errors="replace").splitlines()

    def lines(self, event: str | None = None, **fields: object) -> list[Line]:
        """Return the lines of the log since the last start, or those of one event with these fields."""
        found = [json.loads(raw) for raw in self._raw() if raw.startswith("{")]
        return [
            line
            for line in found
            if event in {None, line["event"]} and fields.items() <= line.items()
        ]

    def told_people(self) -> list[str]:
        """Return what it wrote that is no line of the log."""
        return [raw for raw in self._raw() if not raw.startswith("{")]

    async def said(
        self, event: str, within_s: float = 10.0, count: int = 1, **fields: object
    ) -> Line:
        """Wait for the ``count``-th such line since the last start, and return it."""
        await until(
            lambda: len(self.lines(event, **fields)) >= count or self.code is not None,
            within_s,
            lambda: f"{event} {fields}\n{self.tail()}",
        )
        found = self.lines(event, **fields)
        if len(found) < count:
            raise EngineEndedError(f"the engine ended with {self.code}\n{self.tail()}")
        return found[count - 1]

    def tail(self) -> str:
        return "\n".join(self._raw()[-25:])

    # Its commands

    async def run(self, *words: str) -> Ran:
        """Run another command of ivrengine with the same settings."""
        process = await asyncio.create_subprocess_exec(
            *self._command(*words),
            env=self.environment,
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ran(code=process.returncode, out=out.decode(), err=err.decode())


def _other_missed_dirs(settings: Path, folder: Path) -> dict[str, object]:
    """Keep an engine from the calls that earlier tests have missed."""
    text = settings.read_text(encoding="utf-8") if settings.exists() else ""
    tables = text.split("[[asterisk]]")[1:]
    return {
        f"asterisk__{index}__missed_dir": folder
        for index, table in enumerate(tables)
        if "missed_dir" in table
    }


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """Give a folder that PostgreSQL's own user can pass into; each start of a pytest closes pytest's own to others."""
    folder = Path(tempfile.mkdtemp(prefix="ivrengine-whole-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def running(**settings: Any) -> Iterator[Engine]:
    """Run one engine that answers calls, with a data folder of its own; ended at the end."""
    with open_folder() as folder:
        engine = Engine(folder, **settings)
        engine.start()
        try:
            asyncio.run(engine.ready())
            yield engine
        finally:
            engine.close()


def redirected(folder: Path, **changes: str) -> Path:
    """Return a copy of the Asterisk's settings with some values changed (``url="http://…"``)."""
    lines: Sequence[str] = access().settings.read_text(encoding="utf-8").splitlines()
    for key, value in changes.items():
        lines = [f'{key} = "{value}"' if line.startswith(f"{key} = ") else line for line in lines]
    copy = folder / "settings.toml"
    copy.write_text("\n".join(lines), encoding="utf-8")
    return copy
