"""A process that uses the embedded PostgreSQL of a data folder; run by tests beside their own.

Prints the server's pid, waits for its standard input to close, then leaves (or, told "die", is killed with the lock held).
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from ivrengine.store import connecting
from ivrengine.store.embedded import EmbeddedPostgres


async def main() -> None:
    postgres = EmbeddedPostgres(Path(sys.argv[1]))
    url = await postgres.start()
    connection = await connecting.connect(url)
    await connection.close()
    pid = (postgres.folder / "postmaster.pid").read_text().splitlines()[0]
    sys.stdout.write(f"{pid}\n")
    sys.stdout.flush()
    if sys.stdin.readline().strip() == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    await postgres.stop()


asyncio.run(main())
