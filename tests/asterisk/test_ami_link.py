"""The link to AMI: one clear line about each trouble, and what it sees of phones, trunks and the fallback queue."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ivrengine.asterisk import ami, ami_link, backoff
from ivrengine.core.switching import FallbackSeen, SwitchEnding, TrunkSeen
from tests.asterisk.fake_ami import BOOTED, NOW, Sighted, hangs, running, says, served, sighted

pytestmark = pytest.mark.real_time


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.02)
    monkeypatch.setattr(backoff, "MOST_S", 0.05)
    monkeypatch.setattr(ami, "ANSWER_LIMIT_S", 0.3)
    monkeypatch.setattr(ami, "CONNECT_LIMIT_S", 0.3)


async def test_how_phones_stand_is_told_first_and_then_how_they_change() -> None:
    async with sighted() as (fake, seeing):
        assert seeing.phones() == {
            "agent-101": "free",
            "agent-102": "unreachable",
            "agent-103": "in_use",
        }
        fake.event("DeviceStateChange\r\nDevice: PJSIP/agent-102\r\nState: RINGING")
        fake.event("DeviceStateChange\r\nDevice: PJSIP/agent-101\r\nState: UNAVAILABLE")
        fake.event("DeviceStateChange\r\nDevice: Queue:ivrengine-fallback\r\nState: INUSE")
        fake.event("DeviceStateChange\r\nDevice: PJSIP/trunk-out\r\nState: INUSE")
        fake.event("DeviceStateChange\r\nDevice: PJSIP/agent-103\r\nState: NOT_INUSE")
        await seeing.until(lambda: seeing.phones()["agent-103"] == "free")
        assert seeing.phones() == {
            "agent-101": "unreachable",
            "agent-102": "ringing",
            "agent-103": "free",
        }


def _trunks(seeing: Sighted) -> list[tuple[str, bool, str]]:
    return [(e.trunk, e.up, e.reason) for e in seeing.told if isinstance(e, TrunkSeen)]


async def test_a_trunk_is_judged_by_qualify_and_by_registration() -> None:
    async with served() as fake:
        detail = "Event: OutboundRegistrationDetail\r\nObjectName: carrier\r\nEndpoint: trunk-out"
        fake.answers["PJSIPShowRegistrationsOutbound"] = says(
            "Response: Success\r\nEventList: start\r\nMessage: Following are Events",
            f"{detail}\r\nClientUri: sip:me@c\r\nServerUri: sip:c\r\nStatus: Registered",
            "Event: OutboundRegistrationDetailComplete\r\nEventList: Complete",
        )
        async with running(Sighted(fake)) as seeing:
            await seeing.until(lambda: len(seeing.phones()) == 3)
            # trunk-in has no contact that could be reached: nothing is said of it.
            assert _trunks(seeing) == [
                ("trunk-out", True, "Registered"),
                ("trunk-out", True, "Reachable"),
            ]
            fake.event("PeerStatus\r\nPeer: PJSIP/trunk-out\r\nPeerStatus: Unreachable")
            fake.event("PeerStatus\r\nPeer: PJSIP/agent-101\r\nPeerStatus: Unreachable")
            fake.event("Registry\r\nUsername: sip:me@c\r\nDomain: sip:c\r\nStatus: Rejected")
            fake.event("Registry\r\nUsername: sip:you@c\r\nDomain: sip:c\r\nStatus: Rejected")
            fake.event("PeerStatus\r\nPeer: PJSIP/trunk-out\r\nPeerStatus: Reachable")
            fake.event("Registry\r\nUsername: sip:me@c\r\nDomain: sip:c\r\nStatus: Registered")
            await seeing.until(lambda: len(_trunks(seeing)) == 6)
            assert _trunks(seeing)[2:] == [
                ("trunk-out", False, "Unreachable"),
                ("trunk-out", False, "Rejected"),
                ("trunk-out", False, "Reachable"),
                ("trunk-out", True, "Registered"),
            ]


async def test_a_registration_that_is_new_is_found_by_asking_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_link, "PING_EVERY_S", 0.05)
    async with sighted() as (fake, seeing):
        assert _trunks(seeing) == [("trunk-out", True, "Reachable")]
        detail = "Event: OutboundRegistrationDetail\r\nObjectName: trunk-out\r\nEndpoint: "
        fake.answers["PJSIPShowRegistrationsOutbound"] = says(
            "Response: Success\r\nEventList: start\r\nMessage: Following are Events",
            f"{detail}\r\nClientUri: sip:me@c\r\nServerUri: sip:c\r\nStatus: Rejected",
            "Event: OutboundRegistrationDetailComplete\r\nEventList: Complete",
        )
        fake.event("Registry\r\nUsername: sip:me@c\r\nDomain: sip:c\r\nStatus: Rejected")
        await seeing.until(lambda: len(_trunks(seeing)) == 2)
        assert _trunks(seeing)[1] == ("trunk-out", False, "Rejected")


async def test_the_fallback_queue_is_counted() -> None:
    async with sighted() as (fake, seeing):
        fake.event("QueueCallerJoin\r\nQueue: ivrengine-fallback\r\nCount: 3")
        fake.event("QueueCallerJoin\r\nQueue: another\r\nCount: 9")
        fake.event("QueueCallerLeave\r\nQueue: ivrengine-fallback\r\nCount: 2")
        await seeing.until(
            lambda: FallbackSeen(at=NOW, node=seeing.link.name, waiting=2) in seeing.told
        )
        waiting = [e.waiting for e in seeing.told if isinstance(e, FallbackSeen)]
        assert waiting == [0, 3, 2]


async def test_an_asterisk_that_restarts_says_so_and_is_found_again() -> None:
    async with sighted() as (fake, seeing):
        fake.event("Shutdown\r\nShutdown: Cleanly\r\nRestart: True")
        await seeing.until(
            lambda: SwitchEnding(at=NOW, node=seeing.link.name, again=True) in seeing.told
        )
        await fake.stop()
        await seeing.until(lambda: "cannot be reached" in (seeing.link.trouble or ""))
        await fake.start()
        await seeing.until(lambda: seeing.link.up)
        assert seeing.link.trouble is None


async def test_an_asterisk_that_answers_no_more_as_it_ends_is_heard_to_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_link, "PING_EVERY_S", 0.02)
    async with sighted() as (fake, seeing):
        dying = says("Response: Error\r\nMessage: Asterisk is shutting down")
        fake.answers = dict.fromkeys(fake.answers, dying)
        asked = len(fake.asked)
        await seeing.until(lambda: len(fake.asked) >= asked + 3)
        fake.event("Shutdown\r\nShutdown: Cleanly\r\nRestart: True")
        ending = SwitchEnding(at=NOW, node=seeing.link.name, again=True)
        await seeing.until(lambda: ending in seeing.told)
        assert fake.connections == 1


async def test_nothing_is_asked_before_asterisk_has_loaded_everything() -> None:
    async with served() as fake:
        fake.answers["Login"] = says("Response: Success")
        async with running(Sighted(fake)) as seeing:
            await seeing.until(lambda: fake.actions() == ["Login"])
            assert not seeing.link.up
            fake.raw(f"{BOOTED}\r\n\r\n".encode())
            await seeing.until(lambda: seeing.link.up)


async def _trouble(seeing: Sighted, attempts: int = 3) -> str:
    """Run into it several times; return the sentence, which must be the only one of the log."""
    with structlog.testing.capture_logs() as logs:
        async with running(seeing):
            await seeing.until(lambda: seeing.attempts >= attempts)
    assert not seeing.link.up
    (line,) = logs
    assert line["event"] == "ami not linked"
    assert line["reason"] == seeing.link.trouble
    return str(seeing.link.trouble).replace(str(seeing.link._access.port), "5038")


async def test_a_wrong_secret_or_a_refused_address_is_one_clear_line() -> None:
    async with served() as fake:
        fake.answers["Login"] = says("Response: Error\r\nMessage: Authentication failed")
        assert await _trouble(Sighted(fake)) == (
            "AMI at 127.0.0.1:5038 refuses the user 'ivrengine', the password, or where we come from; "
            "compare manager.conf"
        )


@pytest.mark.parametrize(
    "banner",
    [
        b"\r\n",
        b"Ast\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"A" * 200,
        b"\x16\x03\x01",
    ],
)
async def test_what_is_no_ami_is_told_no_secret(banner: bytes) -> None:
    async with served(banner) as fake:
        assert await _trouble(Sighted(fake)) == "AMI at 127.0.0.1:5038 answers, but not as AMI does"
        assert fake.asked == []


async def test_what_says_nothing_is_not_waited_for() -> None:
    async with served(b"") as fake:
        assert await _trouble(Sighted(fake), 2) == (
            "AMI at 127.0.0.1:5038 takes connections and says nothing: is it AMI, without TLS?"
        )


async def test_an_asterisk_that_is_full_is_one_clear_line() -> None:
    async with served(b"") as fake:
        seeing = Sighted(fake)
        async with running(seeing):
            await seeing.until(lambda: fake.connections == 1)
            fake.drop()
            await seeing.until(lambda: seeing.link.trouble is not None)
        assert "closes connections at once: too many of them, or no AMI" in str(seeing.link.trouble)


async def test_nobody_there_is_one_clear_line() -> None:
    async with served() as fake:
        pass
    assert "AMI at 127.0.0.1:5038 cannot be reached: " in await _trouble(Sighted(fake))


async def test_an_asterisk_that_never_answers_is_one_clear_line() -> None:
    async with served() as fake:
        fake.answers["Login"] = hangs
        assert await _trouble(Sighted(fake), 2) == (
            "AMI at 127.0.0.1:5038 failed: no answer within 0.3 s"
        )


async def test_an_asterisk_that_never_loads_is_one_clear_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ami_link, "BOOT_LIMIT_S", 0.05)
    async with served() as fake:
        fake.answers["Login"] = says("Response: Success")
        assert "has not loaded everything after 0.05 s" in await _trouble(Sighted(fake), 2)


def _certificate(folder: Path, *, good_for_days: int) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context with a certificate of its own making, and the file of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=30))
        .not_valid_after(now + dt.timedelta(days=good_for_days))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    return context, pem


async def test_tls_with_a_good_certificate_is_spoken(tmp_path: Path) -> None:
    context, pem = _certificate(tmp_path, good_for_days=30)
    async with served(context=context) as fake, running(Sighted(fake, tls=True, ca_file=pem)) as it:
        await it.until(lambda: len(it.phones()) == 3)


async def test_an_expired_certificate_is_one_clear_line(tmp_path: Path) -> None:
    context, pem = _certificate(tmp_path, good_for_days=-1)
    async with served(context=context) as fake:
        assert await _trouble(Sighted(fake, tls=True, ca_file=pem)) == (
            "AMI at 127.0.0.1:5038 has a certificate that is refused: certificate has expired"
        )
        assert fake.asked == []


async def test_a_strangers_certificate_is_one_clear_line(tmp_path: Path) -> None:
    context, _ = _certificate(tmp_path, good_for_days=30)
    async with served(context=context) as fake:
        sentence = await _trouble(Sighted(fake, tls=True))
        assert "has a certificate that is refused: self-signed certificate" in sentence
        assert fake.asked == []


async def test_tls_where_there_is_none_is_one_clear_line() -> None:
    async with served() as fake:
        sentence = await _trouble(Sighted(fake, tls=True))
        assert sentence == "AMI at 127.0.0.1:5038 does not speak TLS as we do; compare ami_tls"
