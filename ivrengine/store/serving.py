"""How the embedded PostgreSQL is run: as which account, and with which settings."""

import dataclasses
import os
import pwd
import shlex
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from ivrengine.store.faults import DatabaseRefusedError

_log: Final = structlog.get_logger("store")

ACCOUNT: Final = "pgserver"
"""PostgreSQL refuses to run as root: under root this system user, which owns nothing but the database, runs it."""

SETTINGS: Final[Sequence[tuple[str, str]]] = (
    (
        "listen_addresses",
        "",
    ),  # the socket only: no port, no password, nothing to attack from outside
    (
        "unix_socket_permissions",
        "0700",
    ),  # the engine's own user (and root); this is why "trust" is enough
    ("max_connections", "20"),  # the shipper, a few commands and pages; each costs memory
    ("shared_buffers", "64MB"),  # it appends and seldom reads; the memory belongs to the calls
    (
        "synchronous_commit",
        "on",
    ),  # an acknowledged row is on disk: the journal's segment may be deleted after it
    ("max_parallel_workers_per_gather", "0"),  # a report must not take every core from the calls
    ("jit", "off"),  # short queries: compiling them costs more than running them
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    (
        "log_min_error_statement",
        "panic",
    ),  # statements carry what callers did; they stay out of its log
    ("log_error_verbosity", "terse"),  # and so do DETAIL and CONTEXT, which quote the rows
    ("log_checkpoints", "off"),  # on by default, a line every five minutes
    ("logging_collector", "on"),  # seven files, one a weekday, each begun anew: the log has a bound
    ("log_directory", "log"),
    ("log_filename", "postgresql-%a.log"),
    ("log_truncate_on_rotation", "on"),
    ("log_rotation_age", "1d"),
    ("log_rotation_size", "0"),
    (
        "idle_in_transaction_session_timeout",
        "60s",
    ),  # a forgotten psql must not hold up clean-up for days
)
"""What differs from PostgreSQL's defaults, and why; given on the command line, so that an upgrade of the engine brings it."""
_SETTINGS_SINCE: Final[Sequence[tuple[int, str, str]]] = (
    (18, "io_method", "sync"),  # no extra processes for reads that hardly happen
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The system user under which the server runs."""

    uid: int
    gid: int

    def as_process(self) -> dict[str, Any]:
        """Return the arguments that make ``subprocess`` run as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def account(folder: Path) -> Account | None:
    """Return whom to run the server of the data folder as: None for an ordinary user, who runs it as himself.

    Root runs it as whom it belongs to, so that a look by root does not take an ordinary user's database away from him.
    """
    if os.geteuid() != 0:
        return None
    if folder.exists() and (owner := folder.stat()).st_uid != 0:
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        entry = _make_account()
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _make_account() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--no-create-home", "--user-group", ACCOUNT]
    try:
        subprocess.run(  # noqa: S603 - a fixed command
            [*command, "--shell", "/usr/sbin/nologin"], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        raise DatabaseRefusedError(
            f"PostgreSQL does not run as root, and the user {ACCOUNT} cannot be made;"
            " run ivrengine as an ordinary user, or set DATABASE_URL"
        ) from None
    return pwd.getpwnam(ACCOUNT)


def let_pass(who: Account | None, path: Path) -> None:
    """Let another account through to the path: each folder above it that is closed is opened for passage, not for reading."""
    if who is None:
        return
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
            _log.warning("folder opened for passage", folder=str(folder), account=ACCOUNT)


def server_options(socket_folder: Path, major: int) -> str:
    """Return the options of the server for ``pg_ctl -o``, quoted for the shell through which it passes them."""
    settings = [
        *SETTINGS,
        *((name, value) for since, name, value in _SETTINGS_SINCE if major >= since),
    ]
    words = ["-k", str(socket_folder)]
    for name, value in settings:
        words += ["-c", f"{name}={value}"]
    return shlex.join(words)


def run(command: Sequence[str], who: Account | None, *, cwd: Path, timeout_s: float) -> str | None:
    """Run one of PostgreSQL's programs; return None, or the last line of what it complained about.

    It sees nothing of our environment (which may hold passwords), and its output goes to a file: a server that it leaves
    behind would keep a pipe open for ever.
    """
    with tempfile.TemporaryFile("w+") as output:
        try:
            done = subprocess.run(  # noqa: S603 - PostgreSQL's own programs
                command,
                check=False,
                cwd=cwd,
                timeout=timeout_s,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                umask=0o077,
                env={"PATH": os.defpath, "LC_ALL": "C"},
                **({} if who is None else who.as_process()),
            )
        except subprocess.TimeoutExpired:
            return f"{Path(command[0]).name} took longer than {timeout_s:g} s"
        output.seek(0)
        said = output.read().strip().splitlines()
    if done.returncode == 0:
        return None
    return said[-1] if said else f"exit code {done.returncode}"
