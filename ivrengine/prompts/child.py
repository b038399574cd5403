"""Child processes that make prompts: run one within a time limit, behind everything that serves a call."""

import asyncio
import os
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Mapping
from typing import Final

NICE: Final = 10
"""Of two cores both may be busy with calls: prompts take what is left."""


async def run(
    *command: str, text: str = "", limit_s: float, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Give ``text`` to a command and return its exit code and all it said; kills it when it is not wanted any more.

    Raises ``TimeoutError`` after ``limit_s``, ``FileNotFoundError`` if there is no such command.
    """
    # From a file, not through a pipe: a command that ends without reading would break the pipe under the writer.
    with tempfile.TemporaryFile() as given:
        given.write(text.encode())
        given.seek(0)
        source = given if text else DEVNULL
        starting = asyncio.gather(
            asyncio.create_subprocess_exec(
                *command, stdin=source, stdout=PIPE, stderr=STDOUT, env=environment
            )
        )
        try:
            [process] = await asyncio.shield(starting)
        except asyncio.CancelledError:
            # Whoever is cancelled while it starts leaves no child behind.
            [process] = await starting
            process.kill()
            await process.wait()
            raise
    try:
        _stand_back(process.pid)
        async with asyncio.timeout(limit_s):
            said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode(errors="replace").strip()


def _stand_back(pid: int) -> None:
    try:
        os.setpriority(os.PRIO_PROCESS, pid, max(NICE, os.getpriority(os.PRIO_PROCESS, 0)))
    except (ProcessLookupError, PermissionError):
        return  # it has ended already, or this system does not allow it: it is only a courtesy
