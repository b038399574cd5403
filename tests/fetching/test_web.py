"""What other systems can answer to a flow, each come to what it should; on real sockets of this machine."""

import asyncio
import contextlib
import json
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
import structlog
from pydantic import SecretStr
from structlog.testing import capture_logs

from ivrengine.core import effects, events
from ivrengine.core.asking import Inquiry
from ivrengine.core.effects import Header, Wanted
from ivrengine.core.events import Unanswered
from ivrengine.core.ids import RequestId
from ivrengine.engine.inquiring import Answer, Inquirer
from ivrengine.fetching import web
from ivrengine.fetching.web import Web
from ivrengine.flow.outside import Outside, allowed_by
from ivrengine.telemetry import metrics
from tests.asterisk.test_tls import certificate
from tests.fetching.elsewhere import Elsewhere, elsewhere, endlessly, says, sends

pytestmark = pytest.mark.real_time

SECRET: Final = "tok-5329-gizli"
REQUEST: Final = RequestId("01a1fdfa-4600-7022-b847-26afb03aba14-q3")
OWES: Final = Wanted(variable="owes", path=("balance", "amount"), kind="float")
FOUND: Final = says('{"balance": {"amount": 12}, "more": [1, 2]}')


def get(url: str, **changes: Any) -> effects.Fetch:
    fields: Mapping[str, Any] = {"wants": (OWES,), "deadline_s": 5.0, **changes}
    return effects.Fetch(request_id=REQUEST, url=f"{url}/flats/4%202?of=a%26b", **fields)


def post(url: str, **changes: Any) -> effects.Submit:
    fields: Mapping[str, Any] = {"deadline_s": 5.0, **changes}
    return effects.Submit(request_id=REQUEST, url=f"{url}/reminders", body={"flat": 7}, **fields)


@contextlib.asynccontextmanager
async def a_web(*allow: str, ca_file: Path | None = None) -> AsyncIterator[Inquirer]:
    """Return the door behind the engine's deadlines."""
    allowed = [origin for entry in allow for origin in allowed_by(entry)]
    secrets = {"erp-token": SecretStr(SECRET)}
    outside = Outside(allowed=allowed, secrets=secrets.keys())
    async with Web(outside, secrets, chance=lambda: 0.5, ca_file=ca_file) as door:
        yield Inquirer(
            door,
            metrics=metrics.new(),
            now=lambda: datetime(2026, 11, 22, tzinfo=UTC),
            log=structlog.get_logger(),
        )


async def asked(there: Elsewhere, inquiry: Inquiry, **how: Any) -> Answer:
    async with a_web(there.url.partition("://")[2], **how) as door:
        return await door.ask(inquiry)


def why(answer: Answer) -> tuple[Unanswered, int | None]:
    assert isinstance(answer, events.FetchFailed)
    return answer.reason, answer.status


async def test_a_get_shows_the_secret_to_whom_it_is_for_and_takes_what_is_wanted() -> None:
    header = Header(name="Authorization", text="Bearer ", secret="erp-token")
    async with elsewhere(FOUND) as there:
        answer = await asked(there, get(there.url, headers=(header,)))
    assert isinstance(answer, events.Fetched)
    assert answer.values == {"owes": 12.0}
    [request] = there.asked
    assert request.startswith("GET /flats/4%202?of=a%26b HTTP/1.1\r\n")
    assert f"Authorization: Bearer {SECRET}\r\n" in request
    assert "User-Agent: ivrengine/" in request
    assert "Accept-Encoding: identity" in request


async def test_a_post_is_json_with_a_name_by_which_it_is_known_again() -> None:
    async with elsewhere(says("thanks", status="201 Created")) as there:
        answer = await asked(there, post(there.url))
    assert isinstance(answer, events.Fetched)
    assert (answer.status, answer.values) == (201, {})
    [request] = there.asked
    assert f"Idempotency-Key: {REQUEST}" in request
    assert "Content-Type: application/json" in request
    assert json.loads(request.partition("\r\n\r\n")[2]) == {"flat": 7}


@pytest.mark.parametrize(
    ("answer", "reason", "status"),
    [
        (says("<html>", headers="Content-Type: text/html\r\n"), Unanswered.NOT_JSON, 200),
        (says(b"\xff\xfe{}"), Unanswered.NOT_JSON, 200),
        (says('{"balance": {"amount": NaN}}'), Unanswered.NOT_JSON, 200),
        (says("[" * 100_000), Unanswered.NOT_JSON, 200),
        (says(""), Unanswered.NOT_JSON, 200),
        (says('{"balance": {"amount": "12"}}'), Unanswered.WRONG_SHAPE, 200),
        (says("[]"), Unanswered.WRONG_SHAPE, 200),
        (says("no", status="404 Not Found"), Unanswered.STATUS, 404),
        (says("oops", status="500 Internal Server Error"), Unanswered.STATUS, 500),
        (
            says("", status="302 Found", headers="Location: http://127.0.0.1:9/\r\n"),
            Unanswered.STATUS,
            302,
        ),
        (says(b"1" * (web.BODY_BYTES_MAX + 1)), Unanswered.TOO_BIG, 200),
        (endlessly, Unanswered.TOO_BIG, 200),
        (
            sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
            Unanswered.UNREACHABLE,
            None,
        ),
        (sends(b"SSH-2.0-OpenSSH_9.2\r\n"), Unanswered.UNREACHABLE, None),
        (sends(b""), Unanswered.UNREACHABLE, None),
        (sends(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000), Unanswered.UNREACHABLE, None),
    ],
    ids=lambda value: str(value) if isinstance(value, Unanswered | int) else "",
)
async def test_an_answer_of_no_use_is_told_by_its_reason(
    answer: Any, reason: Unanswered, status: int | None
) -> None:
    async with elsewhere(answer) as there:
        assert why(await asked(there, get(there.url))) == (reason, status)


async def test_a_packed_answer_is_not_unpacked() -> None:
    packed = says(b"\x1f\x8b" + b"\0" * 50, headers="Content-Encoding: gzip\r\n")
    async with elsewhere(packed) as there:
        assert why(await asked(there, get(there.url))) == (Unanswered.NOT_JSON, 200)


async def test_a_slow_answer_is_given_up_at_the_deadline() -> None:
    async with elsewhere(sends(b"HTTP/1.1 200 OK\r\n", then_s=5)) as there:
        assert why(await asked(there, get(there.url, deadline_s=0.2))) == (
            Unanswered.TIMEOUT,
            None,
        )


async def test_a_port_at_which_nobody_listens_is_unreachable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with a_web(f"127.0.0.1:{port}") as door:
            answer = await door.ask(get(f"http://127.0.0.1:{port}"))
    assert why(answer) == (Unanswered.UNREACHABLE, None)


async def test_a_get_is_tried_again_while_it_may_pass() -> None:
    busy = says("", status="503 Service Unavailable")
    async with elsewhere(busy, sends(b""), FOUND) as there:
        answer = await asked(there, get(there.url, retries=2))
    assert isinstance(answer, events.Fetched)
    assert len(there.asked) == 3


async def test_a_get_is_tried_again_as_often_as_it_says_and_an_answer_is_one() -> None:
    busy = says("", status="503 Service Unavailable")
    async with elsewhere(busy) as there:
        assert why(await asked(there, get(there.url, retries=1))) == (Unanswered.STATUS, 503)
        assert len(there.asked) == 2
    async with elsewhere(says("", status="404 Not Found")) as there:
        assert why(await asked(there, get(there.url, retries=3))) == (Unanswered.STATUS, 404)
        assert len(there.asked) == 1


async def test_a_post_is_never_tried_again() -> None:
    async with elsewhere(sends(b"")) as there:
        assert why(await asked(there, post(there.url))) == (Unanswered.UNREACHABLE, None)
        assert len(there.asked) == 1


async def test_retries_end_with_the_deadline() -> None:
    async with elsewhere(sends(b"")) as there:
        began = asyncio.get_running_loop().time()
        inquiry = get(there.url, retries=5, deadline_s=0.3)
        assert why(await asked(there, inquiry)) == (Unanswered.TIMEOUT, None)
        assert len(there.asked) > 1
        assert asyncio.get_running_loop().time() - began < 1.0


async def test_whom_the_settings_do_not_allow_is_not_asked() -> None:
    async with elsewhere(FOUND) as there, a_web("erp.example.com", "127.0.0.1:1") as door:
        assert why(await door.ask(get(there.url))) == (Unanswered.REFUSED, None)
        assert not there.asked


async def test_a_secret_that_is_not_there_is_not_asked_without() -> None:
    header = Header(name="Authorization", secret="gone")
    async with elsewhere(FOUND) as there:
        answer = await asked(there, get(there.url, headers=(header,)))
        assert why(answer) == (Unanswered.REFUSED, None)
        assert not there.asked


@pytest.mark.parametrize(
    ("address", "trusted", "good"),
    [("127.0.0.1", True, True), ("127.0.0.1", False, False), ("127.0.0.9", True, False)],
)
async def test_only_who_proves_to_be_the_host_is_told_anything(
    tmp_path: Path, address: str, trusted: bool, good: bool
) -> None:
    pem = certificate(tmp_path, address=address, begins=-1, ends=30)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    async with elsewhere(FOUND, tls=tls) as there:
        answer = await asked(there, get(there.url), ca_file=pem if trusted else None)
    assert isinstance(answer, events.Fetched) is good
    assert bool(there.asked) is good
    assert good or why(answer) == (Unanswered.UNREACHABLE, None)


async def test_nothing_that_goes_wrong_tells_the_secret(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    header = Header(name="Authorization", text="Bearer ", secret="erp-token")
    wrong = (sends(b"rubbish\r\n"), says("", status="500 No"), says("{"), sends(b""))
    told: list[str] = []
    with capture_logs() as lines:
        for each in wrong:
            async with elsewhere(each) as there:
                told.append(repr(await asked(there, get(there.url, headers=(header,)))))
    assert len(lines) >= 2
    assert SECRET not in f"{told} {lines} {caplog.text}"


async def test_that_a_system_is_away_is_said_once() -> None:
    async with elsewhere(sends(b"?"), sends(b"?"), FOUND) as there:
        with capture_logs() as lines:
            async with a_web(there.url.partition("://")[2]) as door:
                for _ in range(3):
                    await door.ask(get(there.url))
    assert [line["event"] for line in lines] == ["other system not reached", "other system back"]
