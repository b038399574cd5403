"""The link: found, judged, lost and found again; one clear line about each trouble, and none twice."""

import asyncio
import inspect
import json
import socket

import pytest
import structlog
from aiohttp import web

from ivrengine.asterisk import backoff, frames, link, translate, wire
from ivrengine.core.events import Failure
from ivrengine.core.ids import ChannelId
from ivrengine.core.switching import (
    Arrival,
    DigitHeard,
    LinkDown,
    LinkUp,
    RequestRefusedError,
    SwitchEvent,
)
from tests.asterisk import api_docs
from tests.asterisk.fake_ari import (
    PASSWORD,
    USER,
    Door,
    FakeAri,
    hangs,
    linked,
    running,
    says,
)

pytestmark = pytest.mark.real_time

ARRIVAL = {
    "type": "StasisStart",
    "args": ["inbound", "+902124440101", "05321234567", "allowed"],
    "channel": {"id": "1.7", "state": "Ring"},
}
CHANNEL = ChannelId("ast1:1.7")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.02)
    monkeypatch.setattr(backoff, "MOST_S", 0.05)
    monkeypatch.setattr(link, "HEALTH_EVERY_S", 0.02)
    monkeypatch.setattr(link, "HEALTH_LIMIT_S", 0.1)


async def test_the_link_is_told_before_anything_that_comes_through_it() -> None:
    async with linked() as door:
        await door.fake.send(ARRIVAL)
        up, arrival = await door.heard(2)
        assert isinstance(up, LinkUp)
        assert isinstance(arrival, Arrival)
        assert arrival.number == "+905321234567"
        assert door.switch.up
        assert door.switch.trouble is None


async def test_one_application_is_subscribed_and_never_all() -> None:
    async with linked() as door:
        assert door.fake.socket_queries == ["app=ivrengine"]


async def test_only_events_that_mean_something_are_asked_for() -> None:
    async with linked() as door:
        (asked,) = [each for each in door.fake.asked if each.path.endswith("/eventFilter")]
        assert asked.method == "PUT"
        allowed = {each["type"] for each in json.loads(asked.body)["allowed"]}
        assert allowed == {*translate.WANTED, frames.ANSWER}
        # Filtered out, another engine would take our calls without our knowing (seen on 22.10.1).
        assert "ApplicationReplaced" in allowed


async def test_an_asterisk_without_event_filters_is_served_all_the_same() -> None:
    fake = FakeAri()
    fake.reply("PUT", "/applications/ivrengine/eventFilter", says(404))
    await fake.start()
    door = Door(fake)
    async with running(door):
        await door.until(lambda: door.switch.healthy)
    await fake.stop()


async def test_a_socket_that_closes_in_silence_is_opened_again() -> None:
    async with linked() as door:
        await door.fake.sockets[0].close()
        up, down, again = await door.heard(3)
        assert (type(up), type(down), type(again)) == (LinkUp, LinkDown, LinkUp)
        assert isinstance(down, LinkDown)
        assert down.reason == f"{door.fake.url} closed the event socket"
        await door.fake.send(ARRIVAL)
        assert isinstance((await door.heard(4))[-1], Arrival)
        assert door.meter.links == [True, False, True]


async def test_a_socket_that_breaks_is_opened_again() -> None:
    async with linked() as door:
        transport = door.fake.sockets[0]._req.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()
        assert isinstance((await door.heard(3))[-1], LinkUp)


async def test_an_asterisk_that_restarts_is_found_again() -> None:
    async with linked() as door:
        await door.fake.stop()
        await door.heard(2)
        await door.until(lambda: "nothing listens there" in (door.switch.trouble or ""))
        await door.fake.start()
        assert isinstance((await door.heard(3))[-1], LinkUp)


async def test_requests_go_on_while_no_events_come() -> None:
    async with linked() as door:
        door.fake.reply("GET", "/asterisk/info", hangs)  # no new link for now
        await door.fake.sockets[0].close()
        await door.heard(2)
        await door.switch.hang_up(CHANNEL)
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.dial(
                ChannelId("ast1:ivr-l"), "PJSIP/agent-101", ring_timeout_s=5, caller_id=None
            )
        assert refused.value.failure is Failure.UNAVAILABLE
        assert door.fake.commands() == [("DELETE", "/channels/1.7")]


async def test_a_half_open_socket_is_noticed_by_the_heartbeat(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "HEARTBEAT_S", 0.1)
    fake = FakeAri()
    fake.reply("GET", "/pong", says(200))  # whose presence keeps the fake from answering pings
    await fake.start()
    door = Door(fake)
    async with running(door):
        assert isinstance((await door.heard(3))[-1], LinkUp)
    await fake.stop()
    assert wire.HEARTBEAT_S * 1.5 <= 15


async def trouble_of(door: Door) -> str:
    async with running(door):
        with structlog.testing.capture_logs() as logs:
            await door.until(lambda: door.attempts >= 4)
    said = [entry["reason"] for entry in logs if entry["event"] == "asterisk not linked"]
    assert said == [door.switch.trouble], "each reason is said once"
    assert not any(PASSWORD in str(entry) for entry in logs)
    assert door.told == []
    assert door.switch.trouble is not None
    return door.switch.trouble


async def test_a_wrong_password_is_one_clear_line() -> None:
    fake = FakeAri()
    await fake.start()
    trouble = await trouble_of(Door(fake, password="wrong"))
    assert trouble == f"{fake.url} refuses the user '{USER}' or the password; compare ari.conf"
    await fake.stop()


async def test_a_closed_port_is_one_clear_line() -> None:
    fake = FakeAri()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        fake.port = free.getsockname()[1]
    trouble = await trouble_of(Door(fake))
    assert trouble == f"{fake.url} cannot be reached: nothing listens there"


async def test_a_web_server_that_is_no_asterisk_is_one_clear_line() -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    app = web.Application()
    app.router.add_get("/ari/api-docs/resources.json", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake = FakeAri()
    fake.port = runner.addresses[0][1]
    trouble = await trouble_of(Door(fake))
    assert trouble == f"{fake.url} answers, but not as ARI does"
    await runner.cleanup()


async def test_a_server_without_ari_is_one_clear_line() -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake = FakeAri()
    fake.port = runner.addresses[0][1]
    assert "there is no ARI" in await trouble_of(Door(fake))
    await runner.cleanup()


async def test_a_server_that_speaks_no_http_is_one_clear_line() -> None:
    async def rude(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", 0)
    fake = FakeAri()
    fake.port = server.sockets[0].getsockname()[1]
    trouble = await trouble_of(Door(fake))
    assert trouble.startswith(f"{fake.url} cannot be reached: ")
    server.close()


async def test_an_ari_that_lacks_what_we_need_is_one_clear_line() -> None:
    fake = FakeAri()
    fake.missing.add("channels.playWithId")
    await fake.start()
    assert await trouble_of(Door(fake)) == f"{fake.url} answers, but not as ARI does"
    await fake.stop()


@pytest.mark.parametrize("path", ["/playbacks/{playbackId.real}", "/playbacks/{}", "/playbacks/{"])
async def test_an_operation_described_in_a_strange_way_is_one_clear_line(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = ("get", "GET", "/playbacks/{playbackId}", "")
    strange = (get, ("stop", "DELETE", path, ""))
    monkeypatch.setitem(api_docs.OPERATIONS, "playbacks", strange)
    fake = FakeAri()
    await fake.start()
    assert await trouble_of(Door(fake)) == f"{fake.url} answers, but not as ARI does"
    await fake.stop()


async def test_an_event_socket_that_never_opens_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "REQUEST_LIMIT_S", 0.1)
    fake = FakeAri()
    fake.deadlocked = True
    await fake.start()
    trouble = await trouble_of(Door(fake))
    assert trouble == f"{fake.url} cannot be reached: no answer within 0.1 s"
    await fake.stop()


@pytest.mark.parametrize("info", [{}, [], "22.10.1", {"system": "22.10.1"}, {"system": {}}])
async def test_an_asterisk_that_does_not_tell_its_version_is_one_clear_line(info: object) -> None:
    fake = FakeAri()
    fake.reply("GET", "/asterisk/info", says(200, info))
    await fake.start()
    assert await trouble_of(Door(fake)) == f"{fake.url} does not tell its Asterisk version"
    await fake.stop()


async def test_an_answer_that_is_no_json_is_one_clear_line() -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>")

    fake = FakeAri()
    fake.reply("GET", "/asterisk/info", page)
    await fake.start()
    trouble = await trouble_of(Door(fake))
    assert trouble == f"{fake.url} cannot be reached: an answer that is not ARI's"
    await fake.stop()


async def test_an_asterisk_with_known_holes_is_refused_and_the_refusal_says_why() -> None:
    fake = FakeAri()
    fake.version = "22.9.0"
    await fake.start()
    trouble = await trouble_of(Door(fake))
    for word in ("22.9.0", "22.10.1+", "GHSA-wcvv-g26m-wx5c", "accept_unsafe_version"):
        assert word in trouble
    assert fake.sockets == []
    await fake.stop()


async def test_an_asterisk_with_known_holes_is_accepted_when_the_settings_say_so() -> None:
    fake = FakeAri()
    fake.version = "22.9.0"
    await fake.start()
    door = Door(fake, accept_unsafe_version=True)
    with structlog.testing.capture_logs() as logs:
        async with running(door):
            await door.heard(1)
    (warning,) = [entry for entry in logs if entry["event"] == "unsafe asterisk accepted"]
    assert "GHSA-vrfp-mg3q-3959" in warning["reason"]
    await fake.stop()


async def test_an_application_taken_over_is_reported_and_never_fought_for() -> None:
    fake = FakeAri()
    await fake.start()
    door = Door(fake)
    async with running(door) as task:
        await door.heard(1)
        await fake.send({"type": "ApplicationReplaced", "application": "ivrengine"})
        await fake.send(ARRIVAL)
        down = (await door.heard(2))[-1]
        assert isinstance(down, LinkDown)
        assert "another connection took the application ivrengine over" in down.reason
        with pytest.raises(RequestRefusedError) as refused:
            await door.switch.hang_up(CHANNEL)
        assert refused.value.failure is Failure.UNAVAILABLE
        await asyncio.wait([task], timeout=3)
        assert task.done(), "there is nothing more to do for it"
        assert task.exception() is None
    assert len(fake.sockets) == 1
    assert fake.commands() == []
    assert len(door.told) == 2
    await fake.stop()


async def test_a_listener_that_raises_loses_its_event_and_nothing_else() -> None:
    async with linked() as door:

        def breaks(event: SwitchEvent) -> None:
            match event:
                case DigitHeard(digit=digit):
                    raise OverflowError(f"pressed {digit}")
                case _:
                    door.listen(event)

        door.switch._ear._listener = breaks
        digit = {
            "type": "ChannelDtmfReceived",
            "digit": "7",
            "timestamp": "2026-03-02T09:00:00.000+0000",
            "channel": {"id": "1.7"},
        }
        with structlog.testing.capture_logs() as logs:
            await door.fake.send(digit)
            await door.fake.send(ARRIVAL)
            assert isinstance((await door.heard(2))[-1], Arrival)
        (entry,) = [each for each in logs if each["event"] == "listener failed"]
        assert entry["error"] == "OverflowError"
        assert "7" not in entry["error"] + str(entry.get("exc_info", ""))
        assert door.meter.drops == ["listener failed"]


async def test_garbage_is_counted_and_logged_without_what_is_in_it() -> None:
    async with linked() as door:
        with structlog.testing.capture_logs() as logs:
            await door.fake.send({"type": "StasisStart", "args": ["05321234567"]})
            await door.fake.send({"type": "ChannelDtmfReceived", "digit": "4921", "channel": 7})
            await door.fake.send("05321234567 {")
            await door.fake.send({"type": "SomethingNew", "number": "05321234567"})
            await door.fake.send(ARRIVAL)
            await door.heard(2)
        assert door.meter.drops == ["garbled", "garbled", "not an event"]
        assert len(logs) == 3
        assert not any(secret in str(logs) for secret in ("0532", "4921"))


async def test_one_plain_function_listens_and_returns_at_once() -> None:
    async with linked() as door:
        listener = door.switch._link._api._ear.hear  # type: ignore[attr-defined]
        assert not inspect.iscoroutinefunction(listener)
        assert listener(ARRIVAL) is None
        assert isinstance(door.told[-1], Arrival), "told before it returned"


async def test_a_burst_of_events_is_taken_in_order() -> None:
    async with linked() as door:
        for number in range(2_000):
            await door.fake.send(ARRIVAL | {"channel": {"id": f"1.{number}", "state": "Ring"}})
        arrivals = (await door.heard(2_001))[1:]
        assert [event.channel_id for event in arrivals if isinstance(event, Arrival)] == [
            f"ast1:1.{number}" for number in range(2_000)
        ]


async def test_ending_the_run_closes_the_socket() -> None:
    fake = FakeAri()
    await fake.start()
    door = Door(fake)
    async with running(door):
        await door.heard(1)
    await door.until(lambda: fake.sockets[0].closed)
    assert not door.switch.up
    await fake.stop()
