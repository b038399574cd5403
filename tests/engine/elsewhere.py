"""Other systems in a house, and its store: they answer after a while, or not at all; no network, virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final

from ivrengine.core import effects
from ivrengine.core.asking import Inquiry, Reply, UnansweredError
from ivrengine.core.events import Unanswered

BALANCE: Final = {"balance": 12.5}
Answers = Callable[[Inquiry], Awaitable[Reply]]


class Elsewhere:
    """Remembers what was asked, and how many wait for an answer; a GET takes longer than music is waited for."""

    def __init__(self, answers: Answers | None = None) -> None:
        self.asked: list[Inquiry] = []
        self.waiting = 0
        self._answers = answers or in_time

    async def fetch(self, inquiry: Inquiry) -> Reply:
        self.asked.append(inquiry)
        self.waiting += 1
        try:
            return await self._answers(inquiry)
        finally:
            self.waiting -= 1

    async def last_asked_at(self, inquiry: effects.FindAnswers) -> datetime | None:
        """Say, after a moment, that nobody was asked anything yet."""
        assert inquiry.survey
        await asyncio.sleep(0.2)
        return None


async def in_time(inquiry: Inquiry) -> Reply:
    await asyncio.sleep(2.5 if isinstance(inquiry, effects.Fetch) else 0.5)
    return Reply(status=200, content=BALANCE)


async def never(_inquiry: Inquiry) -> Reply:
    await asyncio.Event().wait()
    raise AssertionError


async def broken(_inquiry: Inquiry) -> Reply:
    raise ZeroDivisionError


async def stubborn(_inquiry: Inquiry) -> Reply:
    """Do not even let go when it is told to."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.sleep(100)
    return Reply(status=200, content=BALANCE)


async def away(_inquiry: Inquiry) -> Reply:
    raise UnansweredError(Unanswered.UNREACHABLE)
