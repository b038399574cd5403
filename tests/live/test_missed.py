"""What the engine does not see is written down: each call once, sealed, and nothing that a caller says can break a line."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import pytest

from tests.live.access import access, console
from tests.live.ami import Ami
from tests.live.ari import APPLICATION, HEARTBEAT, Ari
from tests.live.missed import Line, Missed
from tests.live.people import DID, NUMBER, agent, caller
from tests.sip.phone import Answers, Busy, Rings

pytestmark = pytest.mark.asterisk

SHORT: Final = "beep"
"""Instead of the apology, which takes ten seconds."""
QUEUE: Final = "ivrengine-fallback"
NORMAL: Final = "16"


class World:
    """The dialplan with a short apology, and what it says."""

    def __init__(self, ari: Ari, ami: Ami) -> None:
        self.ari, self.ami = ari, ami
        self.missed = Missed(ami)

    async def waits(self, count: int = 1) -> str:
        """Wait until a caller has joined the queue for the so-manyth time; return the channel's name."""
        joined: list[str] = []

        def is_it(_packet: dict[str, str]) -> bool:
            joined[:] = [
                each["Channel"]
                for each in self.ami.packets
                if each.get("Event") == "QueueCallerJoin"
            ]
            return len(joined) >= count

        await self.ami.packet(is_it)
        return joined[count - 1]

    async def later(self) -> None:
        """Wait until Asterisk's clock shows another second than it does, twice: what lasted has lasted one at least."""
        began = await self.ari.second()
        while await self.ari.second() < began + 2:
            await asyncio.sleep(0.05)

    async def withdraw(self, channel: str) -> None:
        await self.ami.send("QueueWithdrawCaller", Queue=QUEUE, Caller=channel, ActionID=channel)
        assert (await self.ami.response(channel))["Response"] == "Success"


@contextlib.asynccontextmanager
async def _world(*, alive: bool = False, application: str = APPLICATION) -> AsyncIterator[World]:
    """Give a dialplan without an engine, or with one that said once that it lives."""
    async with Ari.connect(access(), application, alive=False) as ari, Ami.connect(access()) as ami:
        kept = {
            name: (await ari.get(f"asterisk/variable?variable={name}"))["value"]
            for name in ("IVR_APOLOGY", "IVR_NOBODY", "IVR_FALLBACK_WAIT_S", "IVR_MISSED_BYTES_MAX")
        }
        await ari.set_variable("IVR_APOLOGY", SHORT)
        await ari.set_variable("IVR_NOBODY", SHORT)
        if alive:
            await ari.announce()
        try:
            yield World(ari, ami)
        finally:
            for name, value in {**kept, HEARTBEAT: ""}.items():
                await ari.set_variable(name, value)


def _is_of(line: Line, *, waited: range = range(1), status: str = "-", member: str = "-") -> None:
    """Check the fields that tell of the queue, and those that every call has."""
    assert int(line["waited"]) in waited
    assert line["status"] == status
    assert line["member"] == member
    assert line["did"] == DID
    assert line["shown"] == "allowed"
    assert line.number(access()) == NUMBER
    assert 0 <= int(line["ended"]) - int(line["arrived"]) < 20
    assert line["uniqueid"].startswith(line["arrived"][:8])


async def test_a_caller_who_gives_up_in_the_queue() -> None:
    async with _world() as world, agent(behaviour=Rings()), caller(number=NUMBER) as call:
        await world.waits()
        await world.later()
        await call.hang_up()
        _is_of(await world.missed.one("fallback"), waited=range(1, 4))


async def test_a_caller_whom_a_person_takes() -> None:
    async with (
        _world() as world,
        agent("agent-104", Answers(after_s=1.2)) as phone,
        caller(number=NUMBER) as call,
    ):
        await world.waits()
        there = await phone.rung()
        await there.answered()
        await there.hang_up()
        await call.hung_up()
        line = await world.missed.one("fallback")
        _is_of(line, waited=range(1, 4), member="agent-104", status=line["status"])
        assert line["cause"] == NORMAL


async def test_a_caller_for_whom_nobody_has_time() -> None:
    async with _world() as world, agent(behaviour=Busy()), caller(number=NUMBER) as call:
        await world.ari.set_variable("IVR_FALLBACK_WAIT_S", "1")
        await call.hung_up(within_s=15)
        line = await world.missed.one("fallback")
        _is_of(line, waited=range(1, 6), status="TIMEOUT")
        assert line["cause"] == NORMAL


async def test_a_caller_for_whom_there_is_no_phone() -> None:
    async with _world() as world, caller(number=NUMBER) as call:
        await call.hung_up(within_s=15)
        line = await world.missed.one("fallback")
        _is_of(line, waited=range(3), status="JOINEMPTY")


async def test_a_caller_whom_the_engine_sends_on_is_told_of_too_and_never_taken_back() -> None:
    async with _world(alive=True) as world, agent(behaviour=Busy()), caller(number=NUMBER) as call:
        channel = (await world.ari.arrival())["channel"]["id"]
        onward = f"channels/{channel}/continue"
        await world.ari.post(onward, context="ivrengine-fallback", extension="s", priority=1)
        name = await world.waits()
        assert (await world.ari.get(f"channels/{channel}"))["dialplan"]["exten"] == "s"
        await world.ari.announce()
        await world.withdraw(name)
        await call.hung_up()
        assert [event["type"] for event in world.ari.events].count("StasisStart") == 1
        _is_of(await world.missed.one("fallback"), waited=range(6), status="WITHDRAW")


async def test_a_caller_whom_a_living_engine_had_is_not_told_of() -> None:
    async with _world() as world:
        for who_ends in ("caller", "engine"):
            await world.ari.announce()
            world.ari.events.clear()
            async with caller(number=NUMBER) as call:
                channel = (await world.ari.arrival())["channel"]["id"]
                await world.ari.post(f"channels/{channel}/answer")
                await call.answered()
                if who_ends == "caller":
                    await call.hang_up()
                else:
                    await world.ari.delete(f"channels/{channel}")
                await world.ari.of(channel, "StasisEnd")
        await _nothing_is_left(world.ari)
        assert world.missed.written() == []


async def _nothing_is_left(ari: Ari) -> None:
    async with asyncio.timeout(5):
        while await ari.get("channels"):
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("answered", [True, False])
async def test_a_caller_who_gives_up_in_the_hands_of_a_dead_engine(*, answered: bool) -> None:
    async with _world(alive=True) as world, caller(number=NUMBER) as call:
        channel = (await world.ari.arrival())["channel"]["id"]
        if answered:
            await world.ari.post(f"channels/{channel}/answer")
            await call.answered()
        await world.ari.announce(age_s=6)
        await (call.hang_up() if answered else world.ari.delete(f"channels/{channel}"))
        _is_of(await world.missed.one("lost"))


async def test_a_waiting_caller_comes_back_to_the_engine_with_the_time_since_when_they_wait() -> (
    None
):
    async with _world() as world, agent(behaviour=Busy()), caller(number=NUMBER) as call:
        name = await world.waits()
        await world.later()
        await world.ari.announce()
        await world.withdraw(name)
        arrival = await world.ari.arrival()
        *said, since = arrival["args"]
        assert said == ["inbound", DID, NUMBER, "allowed"]
        now = await world.ari.second()
        assert 1 <= now - int(since) < 10
        await call.hang_up()
        await world.ari.of(arrival["channel"]["id"], "StasisEnd")
        await _nothing_is_left(world.ari)
        assert world.missed.written() == []


async def test_a_caller_taken_back_by_an_engine_that_is_gone_again_waits_on() -> None:
    async with _world() as world, agent(behaviour=Busy()), caller(number=NUMBER) as call:
        name = await world.waits()
        await world.ari.announce(age_s=60)
        await world.withdraw(name)
        assert await world.waits(2) == name
        await world.later()
        await world.ari.announce()
        world.ami.packets = [each for each in world.ami.packets if "ActionID" not in each]
        await world.withdraw(name)
        since = int((await world.ari.arrival())["args"][-1])
        await world.ari.announce(age_s=60)
        await call.hang_up()
        line = await world.missed.one("lost")
        _is_of(line, waited=range(1, 8), status="WITHDRAW")
        assert since - int(line["arrived"]) in {0, 1}


async def test_a_caller_taken_back_by_an_engine_without_a_connection_waits_on() -> None:
    async with (
        _world(application="another") as world,
        agent(behaviour=Busy()),
        caller(number=NUMBER) as call,
    ):
        name = await world.waits()
        await world.ari.announce()
        await world.withdraw(name)
        assert await world.waits(2) == name
        await call.hang_up()
        _is_of(await world.missed.one("fallback"), waited=range(6))


@pytest.mark.parametrize(
    ("dialled", "said", "did", "number"),
    [
        ("+902124440101;x=1", {"number": NUMBER}, "+9021244401011", NUMBER),
        ("+90%7C212%0D%0A444", {"number": NUMBER}, "+90212444", NUMBER),
        (DID, {"number": "+90%7C532%0D%0A%2C"}, DID, "+90532"),
        (DID, {"number": NUMBER, "name": "x|y${EPOCH},z"}, DID, NUMBER),
        (DID, {"number": "9" * 70}, DID, "9" * 20),
    ],
)
async def test_what_a_caller_says_breaks_no_line(
    dialled: str, said: dict[str, Any], did: str, number: str
) -> None:
    async with _world() as world, caller(dialled, **said) as call:
        await call.answered()
        await call.hang_up()
        line = await world.missed.one("fallback")
        assert line["did"] == did
        assert line.number(access()) == number


async def test_of_a_withheld_number_nothing_is_written() -> None:
    async with _world() as world, caller(number=NUMBER, withheld=True) as call:
        await call.answered()
        await call.hang_up()
        line = await world.missed.one("fallback")
        assert (line["sealed"], line["shown"]) == ("-", "withheld")


async def test_equal_numbers_look_different() -> None:
    async with _world() as world:
        for _ in range(2):
            async with caller(number=NUMBER) as call:
                await call.answered()
                await call.hang_up()
        await world.ami.packet(
            lambda _each: len([p for p in world.ami.packets if "Line" in p]) == 2
        )
        one, other = world.missed.written()
        assert one["sealed"] != other["sealed"]
        assert one.number(access()) == other.number(access()) == NUMBER


async def test_a_full_file_grows_no_further_and_the_event_is_told_all_the_same() -> None:
    async with _world() as world, caller(number=NUMBER) as call:
        await world.ari.set_variable("IVR_MISSED_BYTES_MAX", "0")
        await call.answered()
        await call.hang_up()
        await world.ami.packet(lambda each: each.get("UserEvent") == "IvrMissed")
        assert world.missed.written() == []
        left_out = await world.ari.get("asterisk/variable?variable=IVR_MISSED_LEFT_OUT")
        assert int(left_out["value"]) > 0


OFFICE: Final = """\
[from-trunk]
exten => +902124440150,1,Goto(office,150,1)

[office]
exten => 150,1,Gosub(ivrengine-watch,s,1(${EXTEN}))
 same => n,Wait(0.5)
 same => n,Queue(ivrengine-fallback,,,,2)
"""


@pytest.fixture
def office() -> Iterator[None]:
    """Give the dialplan an extension that leads past the engine."""
    folder = access().root / "etc/asterisk/local"
    file = folder / "test-office.conf"
    folder.mkdir(exist_ok=True)
    file.write_text(OFFICE, encoding="utf-8")
    console("dialplan reload")
    try:
        yield
    finally:
        file.unlink()
        console("dialplan reload")


@pytest.mark.usefixtures("office")
@pytest.mark.parametrize(("picked_up", "name"), [(True, "agent-105"), (False, "agent-106")])
async def test_of_an_extension_that_is_watched_only_what_nobody_picked_up(
    *, picked_up: bool, name: str
) -> None:
    async with (
        _world() as world,
        agent(name, Answers(after_s=0.2) if picked_up else Busy()) as phone,
        caller("+902124440150", number=NUMBER) as call,
    ):
        there = await phone.rung()
        if picked_up:
            await there.answered()
            await there.hang_up()
            await _nothing_is_left(world.ari)
            assert world.missed.written() == []
        else:
            line = await world.missed.one("unanswered")
            assert (line["did"], line["member"], line["shown"]) == ("150", "-", "allowed")
            assert line.number(access()) == NUMBER
            assert await call.refused() >= 400
