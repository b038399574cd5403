"""SIP messages as bytes and as headers (RFC 3261), with digest credentials (RFC 7616, MD5) and the SDP of one audio stream.

Only what a telephone on the loopback needs: no compact forms but Via's, no line folding, one media line.
"""

import dataclasses
import hashlib
import re
import secrets
from collections.abc import Sequence
from typing import Final

Headers = Sequence[tuple[str, str]]
Address = tuple[str, int]

_COMPACT: Final = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}


class MalformedMessageError(Exception):
    """A datagram is no SIP message."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One request or response."""

    start: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @property
    def is_request(self) -> bool:
        return not self.start.startswith("SIP/2.0 ")

    @property
    def method(self) -> str:
        """The method of a request; of a response, that of the request it answers."""
        return self.start.split(" ", 1)[0] if self.is_request else self["cseq"].split()[1]

    @property
    def status(self) -> int:
        return int(self.start.split(" ", 2)[1])

    @property
    def branch(self) -> str:
        """What names the transaction: the branch of the topmost Via."""
        found = re.search(r";\s*branch=([^;,\s]+)", self["via"])
        return found[1] if found else ""

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise MalformedMessageError(f"no {name} header in {self.start!r}")
        return value

    def get(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for key, value in self.headers if key == name.lower())


def parse(data: bytes) -> Message:
    """Read one datagram."""
    head, _, body = data.partition(b"\r\n\r\n")
    try:
        start, *lines = head.decode().split("\r\n")
    except UnicodeDecodeError as error:
        raise MalformedMessageError("not UTF-8") from error
    if "SIP/2.0" not in start:
        raise MalformedMessageError(f"no SIP start line: {start[:40]!r}")
    headers = []
    for line in lines:
        key, colon, value = line.partition(":")
        if not colon:
            raise MalformedMessageError(f"no header: {line[:40]!r}")
        key = key.strip().lower()
        headers.append((_COMPACT.get(key, key), value.strip()))
    return Message(start=start, headers=tuple(headers), body=body)


def render(start: str, headers: Headers, body: bytes = b"") -> bytes:
    """Write one datagram; Content-Length is added here."""
    lines = [start, *(f"{key}: {value}" for key, value in headers), f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def respond(
    request: Message,
    status: str,
    *,
    tag: str | None = None,
    headers: Headers = (),
    body: bytes = b"",
) -> bytes:
    """Write the response to a request: ``status`` is code and phrase, ``tag`` our side's when the request has none."""
    to = request["to"]
    if tag and ";tag=" not in to:
        to = f"{to};tag={tag}"
    copied = [("Via", via) for via in request.all("via")]
    copied += [("From", request["from"]), ("To", to), ("Call-ID", request["call-id"])]
    copied += [("CSeq", request["cseq"])]
    return render(f"SIP/2.0 {status}", [*copied, *headers], body)


def tag_of(value: str) -> str | None:
    """Return the tag of a From or To header."""
    found = re.search(r";\s*tag=([^;,\s]+)", value)
    return found[1] if found else None


def uri_of(value: str) -> str:
    """Return the URI of a header such as ``"name" <sip:…>;tag=…``."""
    found = re.search(r"<([^>]+)>", value)
    return found[1] if found else value.partition(";")[0].strip()


def user_of(value: str) -> str:
    """Return the user part of a header's URI, empty when there is none."""
    address = uri_of(value).partition(":")[2]
    return address.partition("@")[0] if "@" in address else ""


def address_of(uri: str) -> Address:
    """Return host and port of a SIP URI."""
    host = uri.partition(":")[2].rpartition("@")[2].partition(";")[0]
    name, _, port = host.partition(":")
    return name, int(port or 5060)


def credentials(challenge: str, *, method: str, uri: str, user: str, password: str) -> str:
    """Answer a WWW-Authenticate or Proxy-Authenticate challenge (MD5, with qop=auth when it is offered)."""
    asked = {
        key.lower(): quoted or plain
        for key, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', challenge)
    }

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    realm, nonce = asked["realm"], asked["nonce"]
    secret, what = md5(f"{user}:{realm}:{password}"), md5(f"{method}:{uri}")
    parts = [f'username="{user}"', f'realm="{realm}"', f'nonce="{nonce}"', f'uri="{uri}"']
    if "auth" in asked.get("qop", "").split(","):
        cnonce = secrets.token_hex(8)
        response = md5(f"{secret}:{nonce}:00000001:{cnonce}:auth:{what}")
        parts += ["qop=auth", "nc=00000001", f'cnonce="{cnonce}"']
    else:
        response = md5(f"{secret}:{nonce}:{what}")
    parts += [f'response="{response}"', "algorithm=MD5"]
    if "opaque" in asked:
        parts.append(f'opaque="{asked["opaque"]}"')
    return "Digest " + ", ".join(parts)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """One audio stream of an SDP (RFC 8866): where it wants its RTP, its codecs in order, its telephone-event type."""

    address: Address
    codecs: tuple[int, ...]
    events: int | None
    direction: str = "sendrecv"

    @staticmethod
    def parse(body: bytes) -> "Description":
        text = body.decode()
        host = re.search(r"^c=IN IP4 (\S+)", text, re.MULTILINE)
        media = re.search(r"^m=audio (\d+) RTP/AVP ([\d ]+)", text, re.MULTILINE)
        if host is None or media is None:
            raise MalformedMessageError("no audio stream in the SDP")
        events = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", text, re.MULTILINE)
        direction = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", text, re.MULTILINE)
        number = int(events[1]) if events else None
        return Description(
            address=(host[1], int(media[1])),
            codecs=tuple(int(each) for each in media[2].split() if int(each) != number),
            events=number,
            direction=direction[1] if direction else "sendrecv",
        )

    def render(self) -> bytes:
        host, port = self.address
        names = {0: "PCMU/8000", 8: "PCMA/8000", 9: "G722/8000"}
        types = [*self.codecs, *([] if self.events is None else [self.events])]
        lines = [
            "v=0",
            f"o=- 1 1 IN IP4 {host}",
            "s=-",
            f"c=IN IP4 {host}",
            "t=0 0",
            f"m=audio {port} RTP/AVP {' '.join(map(str, types))}",
            *(f"a=rtpmap:{codec} {names[codec]}" for codec in self.codecs),
        ]
        if self.events is not None:
            lines += [f"a=rtpmap:{self.events} telephone-event/8000", f"a=fmtp:{self.events} 0-15"]
        lines += ["a=ptime:20", f"a={self.direction}", ""]
        return "\r\n".join(lines).encode()
