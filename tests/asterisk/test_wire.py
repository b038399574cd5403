"""The HTTP client under aioari: what it sends, how many at a time, and what it makes of odd servers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from ivrengine.asterisk import wire
from ivrengine.asterisk.node import Node
from tests.asterisk.fake_ari import PASSWORD, USER, FakeAri, hangs, loses_the_answer, says

pytestmark = pytest.mark.real_time


@contextlib.asynccontextmanager
async def wired() -> AsyncIterator[tuple[FakeAri, wire.Wire, list[str]]]:
    fake, notes = FakeAri(), list[str]()
    await fake.start()
    node = Node(name="ast1", url=f"{fake.url}/ari", username=USER, password=PASSWORD)
    http = wire.Wire(
        node, opened=lambda _: notes.append("opened"), garbled=lambda: notes.append("garbled")
    )
    try:
        yield fake, http, notes
    finally:
        await http.close()
        await fake.stop()


def url(fake: FakeAri, path: str) -> str:
    return f"{fake.url}/ari{path}"


async def test_the_login_is_in_the_header_and_never_in_the_address() -> None:
    async with wired() as (fake, http, _):
        await http.request("POST", url(fake, "/channels/1/answer"))
        frames = await http.ws_connect(url(fake, "/events"), {"app": "a"})
        await frames.close()
        assert all(headers["Authorization"].startswith("Basic ") for headers in fake.headers)
        assert fake.asked[0].query == {}
        assert fake.socket_queries == ["app=a"]


async def test_host_and_port_are_the_settings_whatever_asterisk_says_of_itself() -> None:
    async with wired() as (fake, http, _):
        await http.request("DELETE", "http://nowhere.invalid:1/ari/channels/1")
        assert fake.asked[0].path == "/channels/1"


async def test_parameters_are_encoded() -> None:
    value = '"Ü & ö=?#" <+90>, %41'
    async with wired() as (fake, http, _):
        await http.request("POST", url(fake, "/channels/1"), {"callerId": value, "timeout": 5})
        assert fake.asked[0].query == {"callerId": value, "timeout": "5"}


async def test_the_address_of_the_event_socket_is_encoded() -> None:
    async with wired() as (fake, http, _):
        frames = await http.ws_connect("ws://x/ari/events", {"app": "a&subscribeAll=true"})
        await frames.close()
        assert fake.socket_queries == ["app=a%26subscribeAll%3Dtrue"]


async def test_an_event_socket_of_everything_is_never_opened() -> None:
    async with wired() as (fake, http, _):
        with pytest.raises(ValueError, match="one parameter"):
            await http.ws_connect("ws://x/ari/events", {"app": "a", "subscribeAll": "true"})
        assert fake.socket_queries == []


async def test_connections_are_at_most_32_with_a_keep_alive_below_that_of_asterisk() -> None:
    inside = 0
    full, open_again = asyncio.Event(), asyncio.Event()

    async def waits(_request: web.Request) -> web.Response:
        nonlocal inside
        inside += 1
        if inside == wire.CONNECTIONS_MAX:
            full.set()
        await open_again.wait()
        return web.Response(status=204)

    async with wired() as (fake, http, _):
        fake.reply("POST", "/x", waits)
        asking = [asyncio.ensure_future(http.request("POST", url(fake, "/x"))) for _ in range(60)]
        await full.wait()
        for _ in range(20):  # turns of the loop in which a 33rd would come in
            await asyncio.sleep(0)
        assert inside == wire.CONNECTIONS_MAX == 32
        open_again.set()
        await asyncio.gather(*asking)
        assert inside == 60
        assert wire.KEEP_ALIVE_S <= 10


async def test_more_requests_than_can_be_answered_are_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "IN_FLIGHT_MAX", 2)
    async with wired() as (fake, http, _):
        fake.reply("POST", "/x", hangs)
        waiting = [asyncio.ensure_future(http.request("POST", url(fake, "/x"))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(wire.NoAnswerError) as refused:
            await http.request("POST", url(fake, "/x"))
        assert not refused.value.sent
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
        fake.reply("POST", "/x", says(204))
        await http.request("POST", url(fake, "/x"))


async def test_a_post_is_sent_once_and_a_get_twice_when_the_answer_is_lost() -> None:
    async with wired() as (fake, http, _):
        for method, times in (("POST", 1), ("GET", 2), ("DELETE", 2)):
            fake.asked.clear()
            fake.reply(method, "/x", loses_the_answer)
            with pytest.raises(wire.NoAnswerError) as lost:
                await http.request(method, url(fake, "/x"))
            assert (lost.value.sent, lost.value.timed_out) == (True, False)
            assert len(fake.asked) == times


async def test_a_request_ends_by_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "REQUEST_LIMIT_S", 0.1)
    async with wired() as (fake, http, _):
        fake.reply("POST", "/x", hangs)
        with pytest.raises(wire.NoAnswerError) as lost:
            await http.request("POST", url(fake, "/x"))
        assert (lost.value.sent, lost.value.timed_out) == (True, True)


async def test_a_port_where_nobody_listens_was_not_sent_anything() -> None:
    async with wired() as (fake, http, _):
        await fake.stop()
        with pytest.raises(wire.NoAnswerError) as lost:
            await http.request("GET", url(fake, "/x"))
        assert not lost.value.sent
        assert lost.value.detail == "nothing listens there"
        await fake.start()


async def test_a_redirect_is_not_followed() -> None:
    def elsewhere(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/ari/y"})

    async with wired() as (fake, http, _):
        fake.reply("GET", "/x", elsewhere)
        with pytest.raises(wire.AnsweredError):
            await http.request("GET", url(fake, "/x"))
        assert [each.path for each in fake.asked] == ["/x"]


async def test_what_a_command_answers_is_dropped_and_a_question_is_answered() -> None:
    async with wired() as (fake, http, _):
        fake.reply("POST", "/x", says(200, {"id": "1"}))
        fake.reply("GET", "/x", says(200, {"id": "1"}))
        assert await (await http.request("POST", url(fake, "/x"))).text() == ""
        assert await (await http.request("GET", url(fake, "/x"))).text() == '{"id": "1"}'


async def test_frames_that_are_no_events_are_counted_and_heard_by_nobody() -> None:
    async with wired() as (fake, http, notes):
        frames = await http.ws_connect("ws://x/ari/events", {"app": "a"})
        await fake.opened()
        deep = "[" * 100_000
        garbage = ("", "{", "[]", '"type"', "{}", '{"type": 1}', "null", deep)
        for each in garbage:
            await fake.send(each)
        await fake.sockets[0].send_bytes(b'{"type": "StasisStart"}')
        await fake.send({"type": "Fine", "extra": [1, {"a": None}]})
        await fake.send({"type": "RESTResponse", "request_id": 7})
        await fake.sockets[0].close()
        heard: list[object] = []
        await frames.read(heard.append)
        assert heard == [{"type": "Fine", "extra": [1, {"a": None}]}]
        assert notes == ["opened", *["garbled"] * (len(garbage) + 2)]
        await frames.close()
