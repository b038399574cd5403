"""Callers played by SIPp, many at a time and without media: they stand at a place of a flow until they are told to go on.

Each group is one SIPp. A caller is answered, presses the keys that lead to their place, and stands there; told to go on (a
MESSAGE with the caller's Call-ID) they press further keys, or put the receiver down. Whoever is not hung up on in the end
as they should be (a BYE before they were told to go on, no BYE at all, a refusal) is a caller who was lost.
"""

import asyncio
import contextlib
import dataclasses
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

from tests.live.access import Access
from tests.sip.message import Address

SOURCE: Final = "127.0.0.2"
"""The trunk whose keys come by SIP INFO."""
RATE_PER_S: Final = 20
PATIENCE_S: Final = 100
"""A caller who stands for longer than this was forgotten."""

_INVITE: Final = """
      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:+90532[call_number]@[local_ip]>;tag=[pid]c[call_number]
      To: <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:caller@[local_ip]:[local_port]>
      Max-Forwards: 70
      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=caller 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [local_ip]
      t=0 0
      m=audio 9 RTP/AVP 8
      a=rtpmap:8 PCMA/8000
      a=ptime:20
"""
_WITHIN: Final = """
      {method} [next_url] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:+90532[call_number]@[local_ip]>;tag=[pid]c[call_number]
      To: [$to]
      Call-ID: [call_id]
      CSeq: {cseq} {method}
      Max-Forwards: 70
{more}"""
_KEY: Final = """      Content-Type: application/dtmf-relay
      Content-Length: [len]

      Signal={key}
      Duration=80
"""
_AGAIN: Final = '  <recv response="200" optional="true"/>'
"""An answer that comes again, because a request was repeated, is no surprise."""
_OK: Final = """
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What the callers of a group do."""

    name: str
    keys: str = ""
    """What leads to their place."""
    then: str | None = None
    """What they press when told to go on; None: they wait for the end without a word."""
    leaves: bool = False
    """Whether, told to go on, they put the receiver down."""


def scenario(part: Part) -> str:
    """Return SIPp's scenario of a part."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'
        f'<scenario name="{part.name}">\n' + "\n".join(_steps(part)) + "\n</scenario>\n"
    )


def _steps(part: Part) -> Iterator[str]:
    patience = f'timeout="{PATIENCE_S * 1000}"'
    yield _send(_INVITE, again=True)
    yield from (f'  <recv response="{status}" optional="true"/>' for status in (100, 180, 183))
    yield f'  <recv response="200" rrs="true" {patience}>'
    yield '    <action><ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/></action>'
    yield "  </recv>"
    yield _send(_WITHIN.format(method="ACK", cseq=1, more="      Content-Length: 0\n"))
    yield '  <pause milliseconds="200"/>'
    yield from _pressed(part.keys, first=2)
    if part.leaves or part.then is not None:
        yield _AGAIN
        yield f'  <recv request="MESSAGE" {patience}/>'
        yield from _pressed(part.then or "", first=2 + len(part.keys))
    if part.leaves:
        yield _send(
            _WITHIN.format(method="BYE", cseq=90, more="      Content-Length: 0\n"), again=True
        )
        yield '  <recv response="200"/>'
    else:
        yield _AGAIN
        yield f'  <recv request="BYE" {patience}/>'
        yield _send(_OK)
        yield '  <timewait milliseconds="500"/>'


def _pressed(keys: str, first: int) -> Iterator[str]:
    for cseq, key in enumerate(keys, first):
        told = _WITHIN.format(method="INFO", cseq=cseq, more=_KEY.format(key=key))
        yield _send(told, again=True)
        yield '  <recv response="200"/>'


def _send(message: str, *, again: bool = False) -> str:
    repeated = ' retrans="500"' if again else ""
    return f"  <send{repeated}><![CDATA[{message}  ]]></send>"


class Group:
    """A running SIPp and its callers."""

    def __init__(
        self, part: Part, count: int, at: Address, process: asyncio.subprocess.Process, log: Path
    ) -> None:
        self.part = part
        self.count = count
        self._at = at
        self._process = process
        self._log = log

    @classmethod
    @contextlib.asynccontextmanager
    async def calling(
        cls,
        part: Part,
        did: str,
        *,
        count: int,
        access: Access,
        folder: Path,
        per_s: int = RATE_PER_S,
    ) -> AsyncIterator["Group"]:
        """Let so many call at once; whoever still calls at the end of the block is cut off."""
        here = folder / f"sipp-{part.name}-{secrets.token_hex(3)}"
        here.mkdir()
        (here / "scenario.xml").write_text(scenario(part), encoding="utf-8")
        port, log = _free_port(), here / "said"
        host, to = access.sip
        with log.open("wb") as said:
            process = await asyncio.create_subprocess_exec(
                *("sipp", f"{host}:{to}", "-sf", "scenario.xml", "-s", did),
                *("-i", SOURCE, "-p", str(port), "-cid_str", f"%u-{part.name}"),
                *("-m", str(count), "-l", str(count), "-r", str(per_s)),
                *("-nostdin", "-trace_err", "-timeout", "240"),
                cwd=here,
                env={**os.environ, "TERM": "dumb"},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        try:
            yield cls(part, count, (SOURCE, port), process, log)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    def go_on(self) -> None:
        """Tell each of them to go on.

        Once: SIPp answers to Asterisk whatever it is told, and takes a second one for a mistake.
        """
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.bind(("127.0.0.1", 0))
            for number in range(1, self.count + 1):
                line.sendto(_go_on(f"{number}-{self.part.name}", self._at, line), self._at)

    async def over(self, within_s: float = 60.0) -> None:
        """Wait until all of them were hung up on as they should; ``AssertionError`` tells of those who were lost."""
        try:
            async with asyncio.timeout(within_s):
                code = await self._process.wait()
        except TimeoutError:
            raise TimeoutError(f"{self.part.name}: some still call\n{self._errors()}") from None
        assert code == 0, f"{self.part.name}: callers were lost (SIPp: {code})\n{self._errors()}"

    def _errors(self) -> str:
        logs = sorted(self._log.parent.glob("*errors.log"))
        text = "\n".join(log.read_text(errors="replace") for log in logs)
        return text[:3000] or self._log.read_text(errors="replace")[-1500:]


def _go_on(call_id: str, to: Address, line: socket.socket) -> bytes:
    host, port = line.getsockname()
    lines = (
        f"MESSAGE sip:caller@{to[0]}:{to[1]} SIP/2.0",
        f"Via: SIP/2.0/UDP {host}:{port};branch=z9hG4bK{call_id}",
        f"From: <sip:trial@{host}>;tag=trial",
        f"To: <sip:caller@{to[0]}>",
        f"Call-ID: {call_id}",
        "CSeq: 1 MESSAGE",
        "Max-Forwards: 70",
        "Content-Length: 0",
        "",
        "",
    )
    return "\r\n".join(lines).encode()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((SOURCE, 0))
        port: int = probe.getsockname()[1]
        return port
