"""What the files of a PostgreSQL data folder tell about its server: whether it runs, since a pid alone proves nothing."""

import hashlib
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import structlog

_log: Final = structlog.get_logger("store")

SOCKET: Final = ".s.PGSQL.5432"
SOCKET_PATH_BYTES: Final = 103
"""The longest path of a Unix socket that both Linux (107) and macOS (103) take."""
_PROBE_TIMEOUT_S: Final = 2.0
_PID_FILE: Final = "postmaster.pid"
_SOCKET_FOLDER_LINE: Final = 4
"""Line 5 of postmaster.pid (PostgreSQL manual, ``pidfile.h``)."""


def is_running(folder: Path) -> bool:
    """Tell whether the server of this folder runs (though it may still be starting).

    A socket that accepts proves it, from another container too; failing that, a live process under the folder's own name.
    """
    if _accepts(socket_folder(folder) / SOCKET):
        return True
    pid = _pid(folder / _PID_FILE)
    return pid is not None and _is_server(pid, folder)


def socket_folder(folder: Path) -> Path:
    """Return where the running server has its socket; the folder itself if nothing says otherwise."""
    lines = _lines(folder / _PID_FILE)
    if len(lines) > _SOCKET_FOLDER_LINE and lines[_SOCKET_FOLDER_LINE]:
        return Path(lines[_SOCKET_FOLDER_LINE])
    return folder


def short_folder(folder: Path) -> Path:
    """Return a folder with a short name for the socket of a data folder with a long one."""
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"ivrengine-{digest}"


def forget_if_stale(folder: Path, sockets: Path) -> None:
    """Remove the lock files of a server that is gone, if another process has its number, or nobody has reaped it.

    PostgreSQL clears away the files of a dead process by itself, but takes anything under that number for a live server
    (an init of a container that reaps nobody leaves such zombies).
    """
    for lock in (folder / _PID_FILE, sockets / f"{SOCKET}.lock"):
        pid = _pid(lock)
        if pid is not None and not _is_server(pid, folder):
            lock.unlink(missing_ok=True)
            _log.warning("lock of a dead server removed", file=str(lock))


def has_orphans(log: Path) -> bool:
    """Tell whether the last start failed only because processes of a killed server still hold its shared memory."""
    return "pre-existing shared memory block" in last_words(log)


def last_words(log: Path) -> str:
    """Return what a server that did not start said was the reason; empty if it said nothing."""
    try:
        said = log.read_text(errors="replace")
    except FileNotFoundError:
        return ""
    _, _, reason = said.rpartition("FATAL:  ")
    return reason.partition("\n")[0] if "FATAL:" in said else ""


def pause(seconds: float) -> None:
    """Wait, in a thread, for processes that are not ours and whose end nothing announces."""
    time.sleep(seconds)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except FileNotFoundError:
        return []


def _pid(file: Path) -> int | None:
    """Return the number on the first line, as PostgreSQL's lock files have it."""
    lines = _lines(file)
    try:
        return int(lines[0]) if lines else None
    except ValueError:
        return None


def _accepts(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_PROBE_TIMEOUT_S)
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def _is_server(pid: int, folder: Path) -> bool:
    """Tell whether the process lives and is the server of this folder, by the ``-D`` it was started with."""
    command_line = _command_line(pid)
    return "postgres" in command_line and str(folder) in command_line


def _command_line(pid: int) -> str:
    """Return how the process was started; empty if there is none."""
    if Path("/proc/self/cmdline").exists():  # Linux, where a container may have no ps
        try:
            return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "))
        except OSError:
            return ""
    command = ["ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(  # noqa: S603 - a fixed command
        command, check=False, capture_output=True, text=True
    ).stdout
