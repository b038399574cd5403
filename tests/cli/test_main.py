"""What every command does alike: how it starts, and how a wrong option is told."""

import errno
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Never

import pytest
from typer.testing import CliRunner

from ivrengine.cli import calls, prompts
from ivrengine.prompts.library import Library
from ivrengine.store.database import Database

FLOWS = Path(__file__).parents[2] / "flows"
MAIN = [sys.executable, "-m", "ivrengine"]


def test_it_starts_with_its_standard_output_closed(tmp_path: Path) -> None:
    """A socket that became descriptor 1 used to abort the event loop."""
    asked = [*MAIN, "calls", "list", "--data", str(tmp_path)]
    closed = subprocess.run(  # noqa: S603 - our own program
        ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *asked],
        stderr=subprocess.PIPE,
        text=True,
        timeout=20,
        check=False,
    )
    assert closed.returncode == 1
    assert len(closed.stderr.splitlines()) == 1


def test_a_package_that_is_not_installed_is_one_sentence() -> None:
    program = (
        "import sys; sys.modules['holidays'] = None; from ivrengine.__main__ import main; main()"
    )
    started = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program, "check", str(FLOWS)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    told = "ivrengine: the package `holidays` is missing; run `make install`\n"
    assert (started.returncode, started.stderr) == (1, told)


def test_an_interrupt_while_it_still_imports_leaves_no_traceback() -> None:
    program = (
        # Whoever runs the tests in the background may have them ignore it.
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from ivrengine import cli;"
        "cli._gathered = lambda names: os.kill(os.getpid(), signal.SIGINT); cli.main()"
    )
    interrupted = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, timeout=20, check=False
    )
    assert interrupted.returncode == -signal.SIGINT
    assert interrupted.stderr == b""


def test_an_age_before_all_calendars_is_one_sentence() -> None:
    result = CliRunner().invoke(calls.app, ["list", "--since", "999999w"])
    assert result.exit_code == 2
    assert "--since: expected an age of at most 5000w" in result.stderr


def test_a_folder_that_may_not_be_read_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused by hand: root, who runs these tests too, may read every folder."""

    async def refuse(*_: object) -> Never:
        raise PermissionError(errno.EACCES, "Permission denied", "/locked/inner")

    monkeypatch.setattr(Database, "read", refuse)
    monkeypatch.setattr(Library, "look", refuse)
    for app, command in (
        (calls.app, ["list", "--data", str(tmp_path)]),
        (prompts.prompts, ["list", "--flows", str(FLOWS)]),
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 1
        assert re.fullmatch(
            r"ivrengine: /locked/inner cannot be (read|used): Permission denied\n", result.stderr
        )
