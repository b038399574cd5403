"""SIP text is read and written as RFC 3261 and RFC 2617 say."""

import secrets

import pytest

from tests.sip import message
from tests.sip.message import Description, MalformedMessageError


def test_a_message_comes_back_as_it_was_written() -> None:
    data = message.render("OPTIONS sip:a SIP/2.0", [("Via", "x;branch=z1"), ("CSeq", "1 X")], b"hi")
    read = message.parse(data)
    assert (read.start, read.body, read.branch) == ("OPTIONS sip:a SIP/2.0", b"hi", "z1")
    assert read.is_request
    assert read["content-length"] == "2"


def test_a_response_copies_what_names_its_transaction() -> None:
    request = message.parse(
        message.render(
            "INVITE sip:a SIP/2.0",
            [
                ("Via", "one"),
                ("v", "two"),
                ("f", "<sip:b>;tag=1"),
                ("To", "<sip:a>"),
                ("Call-ID", "c"),
                ("CSeq", "5 INVITE"),
            ],
        )
    )
    answer = message.parse(message.respond(request, "180 Ringing", tag="us"))
    assert answer.all("via") == ("one", "two")
    assert (answer.status, answer.method, answer["to"]) == (180, "INVITE", "<sip:a>;tag=us")


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\r\n\r\n", b"HELLO\r\n\r\n", b"A b SIP/2.0\r\nx"])
def test_what_is_no_sip_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessageError):
        message.parse(data)


@pytest.mark.parametrize(
    ("value", "user", "tag"),
    [
        ('"A; B" <sip:+905@host:5060;x=y>;tag=q', "+905", "q"),
        ("sip:101@host;tag=r", "101", "r"),
        ("<sip:host>", "", None),
    ],
)
def test_addresses_are_taken_apart(value: str, user: str, tag: str | None) -> None:
    assert message.user_of(value) == user
    assert message.tag_of(value) == tag


def test_digest_answers_as_the_rfc_s_example(monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 2617, 3.5: "Mufasa" and the "Circle Of Life".
    monkeypatch.setattr(secrets, "token_hex", lambda _size: "0a4f113b")
    answer = message.credentials(
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
        method="GET",
        uri="/dir/index.html",
        user="Mufasa",
        password="Circle Of Life",
    )
    assert 'response="6629fae49393a05397450978507c4ef1"' in answer
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in answer


def test_sdp_comes_back_as_it_was_written() -> None:
    offer = Description(address=("127.0.0.1", 4000), codecs=(8, 0), events=101)
    assert Description.parse(offer.render()) == offer
