"""The traps of panoramisk and of AMI itself, each in a test, and whatever a hostile value may hold."""

import asyncio
import logging

import pytest
import structlog

from ivrengine.asterisk import ami, ami_eye, ami_link, backoff, wire
from ivrengine.core.switching import PhoneSeen, PhoneState, SightLost
from tests.asterisk.fake_ami import (
    SECRET,
    Packet,
    Sighted,
    hangs,
    running,
    says,
    served,
    sighted,
)

pytestmark = pytest.mark.real_time

BUSY = "DeviceStateChange\r\nDevice: PJSIP/agent-101\r\nState: INUSE"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.02)
    monkeypatch.setattr(backoff, "MOST_S", 0.05)
    monkeypatch.setattr(ami, "ANSWER_LIMIT_S", 0.3)
    monkeypatch.setattr(ami, "CONNECT_LIMIT_S", 0.5)


def held_of(seeing: Sighted) -> bytes:
    """Return what has come and is no whole message yet."""
    assert seeing.link._line is not None
    return bytes(seeing.link._line._protocol._frames._held)


async def test_a_letter_split_between_two_pieces_of_tcp_is_not_lost() -> None:
    async with sighted() as (fake, seeing):
        line = "1|Şükrü|0"
        event = f"Event: UserEvent\r\nUserEvent: IvrMissed\r\nLine: {line}\r\n\r\n".encode()
        at = event.index("Ş".encode()) + 1
        fake.raw(event[:at])
        await seeing.until(lambda: held_of(seeing) == event[:at])
        fake.raw(event[at:])
        await seeing.until(lambda: seeing.rung == [line])


async def test_every_byte_may_come_alone() -> None:
    async with sighted() as (fake, seeing):
        for byte in f"Event: {BUSY}\r\n\r\n".encode():
            fake.raw(bytes([byte]))
            await asyncio.sleep(0)
        await seeing.until(lambda: seeing.phones()["agent-101"] == "in_use")


@pytest.mark.parametrize("value", ["a\r\nAction: Originate", "a\nb", "a\rb", "\x00", "\x1b[31m"])
async def test_a_control_character_in_a_value_is_never_sent(value: str) -> None:
    async with sighted() as (fake, seeing):
        before = len(fake.asked)
        with pytest.raises(ValueError, match="control character"):
            await seeing.link.ask("QueueStatus", Queue=value)
        await seeing.link.ask("Ping")
        assert "Originate" not in fake.actions()
        assert [each for each in fake.actions()[before:] if each != "Ping"] == []


async def test_a_turkish_value_goes_out_as_utf_8() -> None:
    async with sighted() as (fake, seeing):
        await seeing.link.ask("Ping", City="Çankaya")
        assert fake.asked[-1]["city"] == "Çankaya".encode().decode("latin-1")


async def test_a_link_that_breaks_is_made_again_and_what_was_seen_is_forgotten_meanwhile() -> None:
    async with sighted() as (fake, seeing):
        fake.drop()
        await seeing.until(lambda: any(isinstance(each, SightLost) for each in seeing.told))
        await seeing.until(lambda: len(seeing.phones()) == 3)
        assert seeing.link.up
        assert seeing.meter.ami_links == [True, False, True]


async def test_an_action_that_was_not_answered_is_not_sent_again_on_the_next_connection() -> None:
    async with sighted() as (fake, seeing):
        fake.answers["QueueWithdrawCaller"] = hangs
        asking = asyncio.ensure_future(seeing.link.ask("QueueWithdrawCaller", Queue="q"))
        await seeing.until(lambda: "QueueWithdrawCaller" in fake.actions())
        fake.drop()
        with pytest.raises(wire.NoAnswerError, match="broke off"):
            await asking
        await seeing.until(lambda: fake.connections == 2 and seeing.link.up)
        await seeing.link.ask("Ping")
        assert fake.actions().count("QueueWithdrawCaller") == 1


async def test_an_action_is_waited_for_no_longer_than_its_limit() -> None:
    async with sighted() as (fake, seeing):
        fake.answers["QueueSummary"] = hangs
        with pytest.raises(wire.NoAnswerError, match=r"no answer within 0\.3 s"):
            await seeing.link.ask("QueueSummary")
        assert seeing.link.up


async def test_a_connection_that_died_without_a_word_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_link, "PING_EVERY_S", 0.05)
    async with sighted() as (fake, seeing):
        fake.answers["Ping"] = hangs
        await seeing.until(lambda: fake.connections >= 2)
        assert "no answer within 0.3 s" in (seeing.link.trouble or "") or seeing.link.up


HOSTILE = {
    "a megabyte in one value": b"Event: UserEvent\r\nUserEvent: " + b"A" * 1_000_000 + b"\r\n\r\n",
    "a million headers": b"Event: X\r\n" + b"A: b\r\n" * 1_000_000 + b"\r\n",
    "13,000 headers of one name": b"Event: X\r\n" + b"A:\r\n" * 13_000 + b"\r\n",
    "an event twice in one": b"Event: Shutdown\r\nEvent: Shutdown\r\n\r\n",
    "an id twice": b"Event: Shutdown\r\nActionID: 1\r\nActionID: 2\r\n\r\n",
    "nothing": b"\r\n\r\n\r\n\r\n",
    "no colon": b"Event\r\nno colon at all\r\n\r\n",
    "no value": b"Event: \r\n\r\n",
    "no utf-8": b"Event: DeviceStateChange\r\nDevice: PJSIP/\xff\xfe\xc3\r\nState: \xf0\x9f\r\n\r\n",
    "zeros": b"\0" * 1000 + b"\r\n\r\n",
    "a phone of a megabyte": b"Event: DeviceStateChange\r\nDevice: PJSIP/"
    + b"9" * 60_000
    + b"\r\n\r\n",
    "escapes": b"Event: PeerStatus\r\nPeer: PJSIP/trunk-out\r\nPeerStatus: \x1b[2J\x1b]0;x\x07\r\n\r\n",
    "an escape that panoramisk unquotes": b"Event: UserEvent\r\nResult: %0d%0aEvent: Shutdown\r\n\r\n",
    "a count that is none": b"Event: QueueCallerJoin\r\nQueue: ivrengine-fallback\r\nCount: 9e9\r\n\r\n",
    "a count in another script": (
        "Event: QueueCallerJoin\r\nQueue: ivrengine-fallback\r\nCount: ٣\r\n\r\n".encode()
    ),
    "an answer to nobody": b"Response: Success\r\nActionID: action/none\r\n\r\n",
}


@pytest.mark.parametrize("what", HOSTILE)
async def test_whatever_comes_is_survived(what: str) -> None:
    async with sighted() as (fake, seeing):
        with structlog.testing.capture_logs() as logs:
            fake.raw(HOSTILE[what])
            fake.event(BUSY)
            await seeing.until(lambda: seeing.phones()["agent-101"] == "in_use")
        assert seeing.link.up
        assert fake.connections == 1
        assert all(str(value).isprintable() for entry in logs for value in entry.values())
        assert set(seeing.meter.drops) <= {"too long", "not an event", "garbled"}


async def test_an_event_without_an_end_ends_the_link_by_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_link, "PING_EVERY_S", 0.05)
    async with sighted() as (fake, seeing):
        for _ in range(10):
            fake.raw(b"A: b\r\n" * 20_000)
            await asyncio.sleep(0)
        await seeing.until(lambda: fake.connections >= 2)
        assert seeing.meter.drops.count("too long") == 1


async def test_an_answer_without_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami, "ANSWERS_MAX", 50)
    async with sighted() as (fake, seeing):
        begins = "Response: Success\r\nEventList: start\r\nMessage: will follow"
        fake.answers["QueueStatus"] = says(begins, *["Event: QueueEntry"] * 200)
        with pytest.raises(wire.NoAnswerError, match="broke off"):
            await seeing.link.ask("QueueStatus")
        await seeing.until(lambda: fake.connections == 2)


async def test_more_phones_than_there_can_be_are_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_eye, "PHONES_MAX", 10)
    async with sighted() as (fake, seeing):
        for number in range(50):
            fake.event(f"DeviceStateChange\r\nDevice: PJSIP/x{number}\r\nState: INUSE")
        fake.event(BUSY)
        await seeing.until(lambda: seeing.phones()["agent-101"] == "in_use")
        assert len(seeing.phones()) == 10
        assert seeing.meter.drops.count("too many phones") == 43


async def test_the_secret_is_in_no_log_whatever_fails(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        async with served() as fake:
            fake.answers["Login"] = says("Response: Error\r\nMessage: Authentication failed")
            async with running(Sighted(fake)) as seeing:
                await seeing.until(lambda: seeing.attempts >= 3)
        async with running(Sighted(fake)) as seeing:
            await seeing.until(lambda: seeing.attempts >= 1)
    assert SECRET not in str(logs)
    assert SECRET not in caplog.text
    assert SECRET not in repr(seeing.link._access)


async def test_what_was_told_while_a_list_was_made_is_newer_than_the_list() -> None:
    async with served() as fake:
        lists = fake.answers["PJSIPShowRegistrationsOutbound"]

        def lists_late(action: Packet) -> list[str]:
            fake.event(BUSY)
            return lists(action)

        fake.answers["PJSIPShowRegistrationsOutbound"] = lists_late
        async with running(Sighted(fake)) as seeing:
            await seeing.until(lambda: len(seeing.phones()) == 3)
            told = [
                event.state
                for event in seeing.told
                if isinstance(event, PhoneSeen) and event.endpoint == "PJSIP/agent-101"
            ]
            assert told == [PhoneState.IN_USE]
