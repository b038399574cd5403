"""Who waits because the engine was away is taken back, longest first and a few at a time, and nobody else is."""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.asterisk import taking_back, wire
from ivrengine.asterisk.ami_translate import Said
from ivrengine.asterisk.taking_back import TakingBack
from ivrengine.core.ids import NodeName
from ivrengine.core.switching import Announcement

AT = datetime(2026, 11, 22, tzinfo=UTC)


def announcement(calls_max: int = 100) -> Announcement:
    return Announcement(at=AT, engine="e", calls_max=calls_max, calls_per_s_max=10)


class Queue:
    """A fallback queue: uniqueids in its order, and since when each of them waits for the engine, if they do."""

    def __init__(self, waiting: dict[str, str | None]) -> None:
        self.waiting = waiting
        self.withdrawn: list[str] = []
        self.questions = 0
        self.stubborn: set[str] = set()
        """Who is rung for, or comes back at once."""
        self.away = False
        self.back = TakingBack(
            NodeName("ast1"),
            "ivrengine-fallback",
            waiting=lambda: len(self.waiting),
            ask=self.ask,
            read=self.read,
        )

    async def ask(self, action: str, /, **fields: str) -> Sequence[Said]:
        if self.away:
            raise wire.NoAnswerError("no link to AMI")
        if action == "QueueStatus":
            entries = [
                {"event": "QueueEntry", "uniqueid": name, "channel": f"PJSIP/trunk-in-{name}"}
                for name in self.waiting
            ]
            return [{"response": "Success"}, *entries, {"event": "QueueStatusComplete"}]
        assert action == "QueueWithdrawCaller"
        name = fields["Caller"].removeprefix("PJSIP/trunk-in-")
        self.withdrawn.append(name)
        if name not in self.stubborn:
            del self.waiting[name]
        return [{"response": "Success"}]

    async def read(self, path: str) -> str:
        self.questions += 1
        name = path.removeprefix("channels/").partition("/")[0]
        if self.waiting[name] is None:
            raise wire.AnsweredError(404, "no such variable")
        return json.dumps({"value": self.waiting[name]})


@given(st.dictionaries(st.from_regex(r"\A1\.[1-9]\Z"), st.none() | st.integers(10**9, 10**9 + 99)))
def test_those_who_wait_for_us_are_taken_in_the_order_in_which_they_came(
    since: dict[str, int | None],
) -> None:
    queue = Queue({name: None if at is None else str(at) for name, at in since.items()})

    async def run() -> None:
        for _ in range(10):
            await queue.back.take_some()

    asyncio.run(run())
    ours = {name: at for name, at in since.items() if at is not None}
    assert queue.withdrawn == sorted(ours, key=lambda name: (ours[name], list(since).index(name)))
    assert set(queue.waiting) == set(since) - set(ours)
    assert queue.questions == len(since), "nobody is asked about twice"


async def test_a_heartbeat_takes_a_few_and_one_that_takes_no_calls_takes_nobody() -> None:
    queue = Queue({f"1.{number}": "1795312470" for number in range(12)})
    running = asyncio.ensure_future(queue.back.run())
    for calls_max, taken in ((0, 0), (100, 5), (0, 5), (100, 10), (100, 12), (100, 12)):
        queue.back.hear(announcement(calls_max))
        await asyncio.sleep(0.1)
        assert len(queue.withdrawn) == taken
    running.cancel()


async def test_who_is_still_there_is_asked_for_again_only_much_later() -> None:
    queue = Queue({"1.1": "1795312470"})
    queue.stubborn = {"1.1"}
    running = asyncio.ensure_future(queue.back.run())
    for _ in range(taking_back.AGAIN_AFTER + 1):
        queue.back.hear(announcement())
        await asyncio.sleep(1)
    assert queue.withdrawn == ["1.1", "1.1"]
    running.cancel()


async def test_without_ami_nobody_is_taken_and_with_it_again_they_are() -> None:
    queue = Queue({"1.1": "1795312470"})
    running = asyncio.ensure_future(queue.back.run())
    queue.away = True
    queue.back.hear(announcement())
    await asyncio.sleep(1)
    assert queue.withdrawn == []
    queue.away = False
    queue.back.hear(announcement())
    await asyncio.sleep(1)
    assert queue.withdrawn == ["1.1"]
    running.cancel()


@pytest.mark.parametrize("value", ["", "-1", "1795312470x", "١٧٩٥٣١٢٤٧٠", "0", "9" * 30])
async def test_a_time_that_is_none_takes_nobody(value: str) -> None:
    queue = Queue({"1.1": value})
    await queue.back.take_some()
    assert queue.withdrawn == []


async def test_a_name_that_is_none_is_never_put_into_a_request() -> None:
    queue = Queue({"1.1/../../x?y": "1795312470", "a b": "1795312470"})
    await queue.back.take_some()
    assert (queue.questions, queue.withdrawn) == (0, [])


async def test_one_who_went_this_very_moment_is_no_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = Queue({"1.1": "1795312470", "1.2": "1795312471"})
    asked: list[str] = []
    real = queue.ask

    async def ask(action: str, /, **fields: str) -> Sequence[Said]:
        asked.append(action)
        if fields.get("Caller", "").endswith("1.1"):
            raise wire.AnsweredError(400, "No such caller")
        return await real(action, **fields)

    monkeypatch.setattr(queue.back, "_ask", ask)
    await queue.back.take_some()
    assert queue.withdrawn == ["1.2"]
