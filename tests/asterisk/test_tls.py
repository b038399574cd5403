"""What a certificate can have wrong with it, each said in its own words; and one that is right."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.asterisk.fake_ari import Door, FakeAri, running

pytestmark = pytest.mark.real_time

DAY = dt.timedelta(days=1)
NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "asterisk.test")])


def certificate(folder: Path, *, address: str, begins: int, ends: int) -> Path:
    """Write a certificate that signs itself, with its key; its days are counted from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(NAME)
        .issuer_name(NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins * DAY)
        .not_valid_after(now + ends * DAY)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "asterisk.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.parametrize(
    ("address", "begins", "ends", "trusted", "words"),
    [
        ("127.0.0.1", -30, -1, True, "its TLS certificate has expired"),
        ("127.0.0.1", 1, 30, True, "its TLS certificate is not valid yet; is the clock right?"),
        ("127.0.0.9", -1, 30, True, "its TLS certificate is for another address"),
        ("127.0.0.1", -1, 30, False, "is signed by nobody whom this machine trusts"),
        ("127.0.0.1", -1, 30, True, None),
    ],
    ids=["expired", "not yet", "another's", "unknown", "right"],
)
async def test_a_certificate_is_judged_and_what_is_wrong_with_it_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    begins: int,
    ends: int,
    trusted: bool,
    words: str | None,
) -> None:
    pem = certificate(tmp_path, address=address, begins=begins, ends=ends)
    if trusted:
        monkeypatch.setattr(
            "aiohttp.connector._SSL_CONTEXT_VERIFIED", ssl.create_default_context(cafile=pem)
        )
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(pem)
    fake = FakeAri()
    await fake.start(tls=serving)
    door = Door(fake, url=fake.url.replace("http:", "https:"))
    try:
        async with running(door):
            await door.until(lambda: bool(door.switch.trouble or door.switch.up))
            assert door.switch.up is (words is None)
            assert (words or "") in (door.switch.trouble or "")
    finally:
        await fake.stop()
