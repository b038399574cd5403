"""The limit of a wait that is nearly never reached."""

import asyncio
from collections.abc import Coroutine


async def at_most(limit_s: float, work: Coroutine[None, None, None]) -> None:
    """Do the work; ``TimeoutError`` if that takes longer, and it is cancelled.

    What ``asyncio.timeout`` does, at less than half its cost, which each request of each call pays.
    """
    task = asyncio.current_task()
    assert task is not None
    over = False

    def give_up() -> None:
        nonlocal over
        over = True
        task.cancel()

    limit = asyncio.get_running_loop().call_later(limit_s, give_up)
    try:
        await work
    except asyncio.CancelledError:
        if over and task.uncancel() == 0:  # else somebody else cancelled it, too
            raise TimeoutError from None
        raise
    finally:
        limit.cancel()
