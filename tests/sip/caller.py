"""Somebody who calls a number, the way a carrier's trunk delivers it.

    async with Caller.dial("+902124440101", at=("127.0.0.1", 5060), number="+905321234567") as call:
        await call.answered()
        await call.press("1")
        await call.hears(prompt)
        await call.hung_up()

Leaving the block puts the receiver down, whatever state the call is in.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Final

from tests.sip.call import Call, Keys
from tests.sip.line import Line, NoAnswerError, Transaction
from tests.sip.message import (
    Address,
    Description,
    Headers,
    Message,
    credentials,
    respond,
    tag_of,
)
from tests.sip.rtp import Voice

ANONYMOUS: Final = '"Anonymous" <sip:anonymous@anonymous.invalid>'
_GONE_S: Final = 2.0


class Caller:
    """The telephone of one caller; ``dial`` is the way to make one."""

    def __init__(self, did: str, at: Address, *, account: tuple[str, str] | None = None) -> None:
        self._uri = f"sip:{did}@{at[0]}:{at[1]}"
        self._at = at
        self._account = account
        self._line: Line
        self._call: Call
        self._inviting: Transaction | None = None
        self._watching: asyncio.Task[None] | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def dial(
        cls,
        did: str,
        *,
        at: Address,
        number: str | None = "+905321234567",
        withheld: bool = False,
        asserted: str | None = None,
        name: str = "",
        headers: Headers = (),
        keys: Keys = "rfc4733",
        codecs: tuple[int, ...] = (0, 8),
        source: str = "127.0.0.1",
        account: tuple[str, str] | None = None,
    ) -> AsyncIterator[Call]:
        """Call ``did`` on the switch ``at``; the block begins when the INVITE is out.

        ``number`` stands in From, in any form; None: the trunk says nothing. ``withheld``: From is anonymous, the number in
        P-Asserted-Identity, and Privacy asks to hide it. ``asserted``: a P-Asserted-Identity that differs from From.
        ``name``: the display name in From.
        ``keys="info"``: digits go by SIP INFO, and no telephone-event is offered. ``account``: user and password of a
        telephone that calls by itself, not through the trunk.
        """
        caller = cls(did, at, account=account)
        caller._line = await Line.open(source, caller)
        voice = await Voice.open(source)
        call = Call(caller._line, voice, call_id=secrets.token_hex(12), keys=keys)
        caller._call = call
        if withheld or number is None:
            sender = ANONYMOUS
            identity = number if withheld else None
        else:
            display = f'"{name}" ' if name else ""
            sender, identity = f"{display}<sip:{number}@{source}>", asserted
        extra = [("P-Asserted-Identity", f"<sip:{identity}@{source}>")] if identity else []
        extra += [("Privacy", "id")] if withheld else []
        caller._invite(sender, [*extra, *headers], codecs)
        try:
            yield call
        finally:
            await caller._close()

    def _invite(self, sender: str, headers: Headers, codecs: tuple[int, ...]) -> None:
        call = self._call
        call.local, call.remote = f"{sender};tag={call.tag}", f"<{self._uri}>"
        call.target, call.peer = self._uri, self._at
        offer = Description(
            address=call.voice.address, codecs=codecs, events=call.described().events
        )
        self._send_invite([*headers, ("Content-Type", "application/sdp")], offer.render())
        self._watching = asyncio.get_running_loop().create_task(
            self._watch(headers, offer.render())
        )

    def _send_invite(self, headers: Headers, body: bytes) -> None:
        ours = [*self._call.dialogue(f"{self._call.sequence} INVITE"), *headers]
        self._inviting = self._line.request("INVITE", self._uri, self._at, ours, body)
        self._call.invite = self._inviting.request

    async def _watch(self, headers: Headers, body: bytes) -> None:
        """Follow the INVITE to its end, proving who we are when asked."""
        assert self._inviting is not None
        proved = False
        while not self._call.has_ended:
            try:
                response = await self._inviting.response()
            except NoAnswerError:
                self._call.end("them")
                return
            if response.status in {401, 407} and self._account and not proved:
                proved = True
                self._call.sequence += 1
                self._send_invite(
                    [*headers, self._proof(response), ("Content-Type", "application/sdp")], body
                )
            else:
                self._heard(response)

    def _proof(self, challenge: Message) -> tuple[str, str]:
        assert self._account is not None
        asked, name = challenge.get("www-authenticate"), "Authorization"
        if asked is None:
            asked, name = challenge["proxy-authenticate"], "Proxy-Authorization"
        user, password = self._account
        answer = credentials(asked, method="INVITE", uri=self._uri, user=user, password=password)
        return name, answer

    def _heard(self, response: Message) -> None:
        call = self._call
        match response.status:
            case 100:
                pass
            case 180 | 183:
                call.rang()
                if response.body:  # early media
                    described = Description.parse(response.body)
                    call.voice.start(described.address, described.codecs[0], described.events)
            case 200:
                call.status = 200
                call.up(Description.parse(response.body))
            case status if status >= 300:
                call.ended_with(response)
            case _:
                call.rang()

    def request_came(self, request: Message, source: Address) -> None:
        if self._call.is_named_by(request):
            self._call.request_came(request, source)
        elif request.method != "ACK":
            self._line.answer(request, respond(request, "481 No such call", tag="none"), source)

    def final_again(self, response: Message, source: Address) -> None:
        """Acknowledge: an answer within its dialogue, a refusal within its transaction (RFC 3261, 13.2.2.4, 17.1.1.3)."""
        call = self._call
        if response.status < 300:
            if not tag_of(call.remote):
                call.learn(response, remote=response["to"])
            call.answer_was_heard(response)
            return
        cseq = response["cseq"].split()[0]
        headers = [
            ("From", response["from"]),
            ("To", response["to"]),
            ("Call-ID", call.call_id),
            ("CSeq", f"{cseq} ACK"),
        ]
        self._line.acknowledge(self._uri, source, headers, branch=response.branch)

    async def _close(self) -> None:
        call = self._call
        try:
            async with asyncio.timeout(_GONE_S):
                if call.is_up:
                    await call.hang_up()
                elif not call.has_ended:
                    await self._cancel()
        except (TimeoutError, NoAnswerError):
            pass  # the switch is gone; so are we
        finally:
            if self._watching is not None:
                self._watching.cancel()
            call.close()
            self._line.close()

    async def _cancel(self) -> None:
        """Give up before the answer; an answer that crosses the CANCEL is hung up."""
        inviting, call = self._inviting, self._call
        assert inviting is not None
        headers = [
            (name, value)
            for name, value in inviting.request.headers
            if name in {"from", "to", "call-id"}
        ]
        cseq = inviting.request["cseq"].split()[0]
        await self._line.request(
            "CANCEL",
            self._uri,
            self._at,
            [*headers, ("CSeq", f"{cseq} CANCEL")],
            branch=inviting.request.branch,
        ).final()
        ended = asyncio.ensure_future(call._ended.wait())
        answered = asyncio.ensure_future(call._answered.wait())
        await asyncio.wait([ended, answered], return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        answered.cancel()
        if call.is_up:
            await call.hang_up()
        else:
            call.ended_by = "us"
