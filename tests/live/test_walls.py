"""What must not be possible on this Asterisk: to call out through it, to command it, to listen in, to learn about it."""

import asyncio
import re
from typing import Final

import aiohttp
import pytest

from tests.live.access import access, console
from tests.live.ami import Ami
from tests.live.ari import Ari
from tests.live.people import NUMBER, agent, caller, carrier

pytestmark = pytest.mark.asterisk

ABROAD: Final = "00447700900123"
LOOPBACK: Final = "0100007F"
"""127.0.0.1 as /proc/net writes it."""


@pytest.mark.parametrize(
    "dialled",
    [ABROAD, "+447700900123", "s", "ivrengine-outbound", "PJSIP%2F447700900123%40trunk-out"],
)
async def test_a_call_that_comes_in_cannot_go_out(dialled: str) -> None:
    async with Ari.connect(access()) as ari, carrier() as exchange, caller(dialled) as call:
        arrived = asyncio.ensure_future(ari.arrival(within_s=1))
        refused = asyncio.ensure_future(call.refused(within_s=1))
        await asyncio.wait([arrived, refused], return_when=asyncio.FIRST_COMPLETED)
        arrived.cancel()
        refused.cancel()
        assert call.status == 404 or ari.events[0]["args"][0] == "inbound"
        assert exchange.calls == []


@pytest.mark.parametrize("dialled", [ABROAD, "112", "agent-102", "+902124440101"])
async def test_an_agent_s_phone_cannot_dial(dialled: str) -> None:
    account = ("agent-101", access().agent_password)
    async with (
        Ari.connect(access()) as ari,
        carrier() as exchange,
        agent("agent-102") as other,
        caller(dialled, number="agent-101", account=account) as call,
    ):
        assert await call.refused() in {403, 404, 603}
        assert exchange.calls == []
        assert other.calls == []
        assert ari.events == []


async def test_who_claims_to_be_an_agent_must_prove_it() -> None:
    wrong = ("agent-101", "not-the-password")
    async with caller(number="agent-101", account=wrong) as call:
        assert await call.refused() == 401


async def test_ari_wants_the_password_and_shows_nothing_else() -> None:
    async with aiohttp.ClientSession() as http:
        base = access().ari_url.removesuffix("/ari")
        wrong = {"Authorization": aiohttp.encode_basic_auth("ivrengine", "wrong")}
        for path, headers, status in [
            ("/ari/channels", {}, 401),
            ("/ari/channels", wrong, 401),
            ("/ari/api-docs/resources.json", {}, 401),
            ("/httpstatus", {}, 404),
            ("/static/index.html", {}, 404),
            ("/metrics", {}, 404),
        ]:
            async with http.get(base + path, headers=headers) as response:
                assert response.status == status, path


async def test_ari_lets_no_web_page_in() -> None:
    login = aiohttp.encode_basic_auth("ivrengine", access().ari_password)
    headers = {"Authorization": login, "Origin": "https://example.org"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.get(f"{access().ari_url}/channels") as response,
    ):
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("function", ["SHELL(id)", "FILE(/etc/passwd)", "DB(a/b)", "ENV(PATH)"])
async def test_ari_runs_no_dangerous_function(function: str) -> None:
    async with Ari.connect(access()) as ari:
        query = {"variable": function}
        async with ari.http.get(f"{access().ari_url}/asterisk/variable", params=query) as response:
            answer = await response.json()
        assert answer.get("value", "") == ""


async def test_the_engine_s_ami_user_can_neither_dial_nor_configure() -> None:
    actions = {
        "Originate": {"Channel": "PJSIP/1@trunk-out", "Application": "Hangup"},
        "Command": {"Command": "core show channels"},
        "GetConfig": {"Filename": "ari.conf"},
        "ModuleLoad": {"LoadType": "reload"},
        "Setvar": {"Variable": "A", "Value": "1"},
    }
    async with Ami.connect(access()) as ami:
        for action, fields in actions.items():
            await ami.send(action, ActionID=action, **fields)
            response = await ami.response(action)
            assert response["Response"] == "Error", action
            assert response["Message"] == "Permission denied", action


async def test_a_wrong_ami_secret_is_refused() -> None:
    async with Ami.connect(access(), secret="wrong") as ami:
        response = await ami.packet(lambda packet: "Response" in packet)
        assert response["Message"] == "Authentication failed"


async def test_ami_tells_of_phones_and_queues_but_never_of_calls_and_keys() -> None:
    async with Ami.connect(access()) as ami, agent("agent-101"):
        await ami.packet(lambda each: each.get("State") == "NOT_INUSE")
        async with Ari.connect(access()) as ari, caller(number=NUMBER) as call:
            channel = (await ari.arrival())["channel"]["id"]
            await ari.post(f"channels/{channel}/answer")
            await call.answered()
            await call.press("73918462")
            await ari.digits(channel, 8)
        kinds = {packet.get("Event") for packet in ami.packets} - {None}
        assert kinds <= {"FullyBooted", "PeerStatus", "DeviceStateChange"}
        # Trunks are in use by every call: nothing is sent for each call that the engine has.
        assert not any("trunk" in packet.get("Device", "") for packet in ami.packets)
        assert NUMBER[-7:] not in str(ami.packets)


def test_everything_listens_on_the_loopback_only() -> None:
    asked = {"tcp": {access().ami[1], int(access().ari_url.split(":")[2].split("/")[0])}}
    asked["udp"] = {access().sip[1]}
    for kind, ports in asked.items():
        with open(f"/proc/net/{kind}", encoding="ascii") as file:  # noqa: PTH123 (one line at a time)
            local = [line.split()[1].split(":") for line in file.readlines()[1:]]
        bound = {int(port, 16): host for host, port in local}
        assert {bound[port] for port in ports} == {LOOPBACK}


def test_only_the_listed_modules_are_loaded() -> None:
    with (access().root / "etc/asterisk/modules.conf").open(encoding="utf-8") as file:
        listed = set(re.findall(r"^(?:load|require) = (\S+)", file.read(), re.MULTILINE))
    loaded = set(re.findall(r"^(\S+\.so)", console("module show"), re.MULTILINE))
    assert loaded == listed
    for dangerous in ("app_dial", "app_system", "res_stasis_device_state", "res_pjsip_logger"):
        assert f"{dangerous}.so" not in loaded


def test_every_application_of_the_dialplan_is_there() -> None:
    shown = console("dialplan show")
    used = set(re.findall(r"^\s.*?\d+\. (\w+)\(", shown, re.MULTILINE))
    known = set(re.findall(r"^\s+(\w+):", console("core show applications"), re.MULTILINE))
    assert {"Stasis", "Queue", "Playback"} <= used
    assert used <= known


def test_every_function_of_the_dialplan_is_there() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)\(", console("dialplan show")))
    known = set(re.findall(r"^([A-Z_]+)\s", console("core show functions"), re.MULTILINE))
    assert {"FILTER", "CALLERID", "PJSIP_HEADER"} <= used
    assert used <= known


def test_no_context_leads_to_the_outbound_one() -> None:
    contexts = dict(
        re.findall(
            r"\[ Context '([\w-]+)'[^\n]*\n(.*?)(?=\n\[|\Z)", console("dialplan show"), re.DOTALL
        )
    )
    assert "ivrengine-outbound" in contexts
    for name, body in contexts.items():
        assert "ivrengine-outbound" not in body, name
        assert "Include" not in body, name
