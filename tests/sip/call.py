"""One call as a telephone sees it, whoever began it: its SIP dialogue, its voice, and what a test may do and await.

Each wait ends by itself, with ``TimeoutError`` or, when the call has ended meanwhile, with ``CallEndedError`` that says how.
"""

import asyncio
import dataclasses
import re
import secrets
from typing import Final, Literal

from tests.sip import hearing
from tests.sip.g711 import Samples
from tests.sip.line import Line, Repeated
from tests.sip.message import (
    Address,
    Description,
    Headers,
    Message,
    address_of,
    respond,
    tag_of,
    uri_of,
    user_of,
)
from tests.sip.rtp import FRAME_S, Voice

Keys = Literal["rfc4733", "info"]

EVENTS: Final = 96
"""RTP type that we offer for telephone events (SIPp's ``play_dtmf`` uses the same)."""


class CallEndedError(Exception):
    """A call ended before what a test waited for came to pass."""


class Call:
    """A call; made by ``Caller.dial`` or handed out by ``Phone.rung``."""

    def __init__(self, line: Line, voice: Voice, *, call_id: str, keys: Keys) -> None:
        self.line, self.voice, self.keys = line, voice, keys
        self.call_id = call_id
        self.tag = secrets.token_hex(6)
        self.local = self.remote = ""
        """From and To of our requests, with their tags."""
        self.target = ""
        """Where our requests within the call go (the other side's Contact)."""
        self.peer: Address = ("", 0)
        self.takes: tuple[int, ...] = (0, 8)
        """The codecs that we accept when we are called."""
        self.sequence = 1
        self.invite: Message | None = None
        """The INVITE that began the call (theirs, when they called)."""
        self.status: int | None = None
        """The final status of the INVITE."""
        self.cause: int | None = None
        """Q.850 cause that the other side gave when it ended the call."""
        self.ended_by: Literal["us", "them"] | None = None
        self.info_digits = ""
        self._forgotten = 0
        self._ringing = asyncio.Event()
        self._answered = asyncio.Event()
        self._ended = asyncio.Event()
        self._reliable: Repeated | None = None

    async def ringing(self, within_s: float = 5.0) -> None:
        """Wait until the other side says that it rings (180, or 183 with early media)."""
        await self._reached(self._ringing, "it rang", within_s)

    async def answered(self, within_s: float = 5.0) -> None:
        """Wait until the call is up."""
        await self._reached(self._answered, "it was answered", within_s)

    async def refused(self, within_s: float = 5.0) -> int:
        """Wait until the call ends without an answer; return the SIP status."""
        async with asyncio.timeout(within_s):
            await self._ended.wait()
        assert not self._answered.is_set(), "the call was answered"
        assert self.status is not None
        return self.status

    async def hung_up(self, within_s: float = 5.0) -> int | None:
        """Wait until the other side ends the call; return the Q.850 cause it gave."""
        async with asyncio.timeout(within_s):
            await self._ended.wait()
        assert self.ended_by == "them", f"the call was ended by {self.ended_by}"
        return self.cause

    async def hears(self, prompt: Samples, within_s: float = 10.0) -> hearing.Match:
        """Wait until a prompt has been heard to its end, in all that came so far."""
        match = hearing.NOTHING
        try:
            async with asyncio.timeout(within_s):
                while not match.whole:
                    over = self.has_ended
                    # In a thread: the packets that come meanwhile must not wait.
                    match = await asyncio.to_thread(hearing.match, prompt, self.heard())
                    if over and not match.whole:
                        raise CallEndedError(f"the call ended before the prompt was heard: {match}")
                    if not match.whole:
                        # Half a second of new sound between looks: each correlates all of it.
                        await self._hears_more(packets=25)
        except TimeoutError:
            raise TimeoutError(f"the prompt was not heard within {within_s} s: {match}") from None
        return match

    async def hears_keys(self, digits: str, within_s: float = 5.0) -> None:
        """Wait until the other side has pressed these keys, and no others."""
        try:
            async with asyncio.timeout(within_s):
                while self.digits != digits:
                    if self.has_ended:
                        raise CallEndedError(f"the call ended, and the keys were {self.digits!r}")
                    await self._hears_more(packets=1)
        except TimeoutError:
            raise TimeoutError(f"within {within_s} s the keys were {self.digits!r}") from None

    async def _hears_more(self, packets: int) -> None:
        """Wait for so many packets, or for as long as they would take: the last ones may have come meanwhile."""
        ended = asyncio.ensure_future(self._ended.wait())
        more = asyncio.ensure_future(self.voice.more(packets))
        try:
            await asyncio.wait(
                [ended, more],
                timeout=2 * packets * FRAME_S,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            ended.cancel()
            more.cancel()

    async def hears_tone(self, hertz: float, within_s: float = 5.0) -> None:
        """Wait until a tone (``hum`` of the other side) is heard."""
        async with asyncio.timeout(within_s):
            while not hearing.holds_tone(self.heard(last_s=0.2), hertz):
                if self.has_ended:
                    raise CallEndedError("the call ended before the tone was heard")
                await self._hears_more(packets=2)

    @property
    def is_up(self) -> bool:
        return self._answered.is_set() and not self._ended.is_set()

    @property
    def has_ended(self) -> bool:
        return self._ended.is_set()

    async def _reached(self, event: asyncio.Event, what: str, within_s: float) -> None:
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(self._ended.wait())]
        try:
            async with asyncio.timeout(within_s):
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not event.is_set():
            raise CallEndedError(f"the call ended before {what}: SIP {self.status}")

    async def press(self, digits: str, *, held_s: float = 0.1, gap_s: float = 0.1) -> None:
        """Press keys one after the other, as RFC 4733 events or by SIP INFO; return after the last gap."""
        for digit in digits:
            if self.keys == "info":
                await self._inform(digit, held_s)
                await asyncio.sleep(held_s + gap_s)  # a person's finger, not a wait for something
            else:
                await self.voice.press(digit, held_s=held_s, gap_s=gap_s)

    async def _inform(self, digit: str, held_s: float) -> None:
        body = f"Signal={digit}\r\nDuration={round(held_s * 1000)}\r\n".encode()
        headers = [("Content-Type", "application/dtmf-relay")]
        response = await self._within("INFO", headers, body)
        assert response.status == 200, f"INFO was answered with {response.start}"

    def say(self, speech: Samples) -> None:
        """Speak."""
        self.voice.say(speech)

    def hum(self, hertz: float | None) -> None:
        """Sound a tone until told otherwise."""
        self.voice.hum(hertz)

    def heard(self, last_s: float | None = None) -> Samples:
        """Return all that was heard so far and not forgotten, or what was heard in the last seconds."""
        return self.voice.heard(last_s) if last_s else self.voice.heard()[self._forgotten :]

    def forget(self) -> None:
        """Take what was heard so far for nothing: what is to be heard is to be heard from now on."""
        self._forgotten = len(self.voice.heard())

    @property
    def digits(self) -> str:
        """The keys that the other side pressed."""
        return self.voice.digits + self.info_digits

    @property
    def shown(self) -> str | None:
        """The number that a display would show for this call; None when it is withheld."""
        assert self.invite is not None
        user = user_of(self.invite["from"])
        return None if user in {"", "anonymous"} else user

    async def hang_up(self) -> None:
        """Put the receiver down: BYE when the call is up. Nothing happens when it has ended."""
        if self.is_up:
            self.end("us")
            await self._within("BYE")

    async def _within(self, method: str, headers: Headers = (), body: bytes = b"") -> Message:
        """Send a request within the dialogue and return its final response."""
        self.sequence += 1
        ours = [*self.dialogue(f"{self.sequence} {method}"), *headers]
        return await self.line.request(method, self.target, self.peer, ours, body).final()

    def dialogue(self, cseq: str) -> list[tuple[str, str]]:
        """Return the headers that name this dialogue in a request of ours."""
        host, port = self.line.address
        return [
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", cseq),
            ("Contact", f"<sip:{user_of(self.local) or 'anonymous'}@{host}:{port}>"),
        ]

    def rang(self) -> None:
        self._ringing.set()

    def up(self, description: Description) -> None:
        """Begin to speak: the call is answered and its media agreed."""
        codec = description.codecs[0]
        self.voice.start(description.address, codec, description.events)
        self._ringing.set()
        self._answered.set()

    def end(self, who: Literal["us", "them"]) -> None:
        if self._reliable is not None:
            self._reliable.stop()
        self.voice.stop()
        if self.ended_by is None:
            self.ended_by = who
        self._ended.set()

    def close(self) -> None:
        """Free the port of the voice."""
        self.end("us")
        self.voice.close()

    def request_came(self, request: Message, source: Address) -> None:
        """Obey a request within the call."""
        match request.method:
            case "ACK":
                if self._reliable is not None:
                    self._reliable.stop()
            case "BYE":
                self.note_cause(request)
                self.line.answer(request, respond(request, "200 OK"), source)
                self.end("them")
            case "INVITE":  # a new offer within the call: same answer, perhaps another address
                self.accept(request, source)
            case "INFO":
                found = re.search(rb"Signal=\s*([0-9A-D*#])", request.body)
                self.info_digits += found[1].decode() if found else ""
                self.voice.wake()
                self.line.answer(request, respond(request, "200 OK"), source)
            case _:  # UPDATE, OPTIONS, NOTIFY: agreed
                self.line.answer(request, respond(request, "200 OK"), source)

    def described(self) -> Description:
        """Return what we offer: both laws of G.711, and telephone events unless keys go by SIP INFO."""
        events = EVENTS if self.keys == "rfc4733" else None
        return Description(address=self.voice.address, codecs=(0, 8), events=events)

    def accept(self, request: Message, source: Address) -> None:
        """Answer an INVITE (again: the same) with 200 and our media, repeated until its ACK comes."""
        offer = Description.parse(request.body)
        codec = next(each for each in offer.codecs if each in self.takes)
        ours = Description(address=self.voice.address, codecs=(codec,), events=offer.events)
        host, port = self.line.address
        headers = [("Contact", f"<sip:{host}:{port}>"), ("Content-Type", "application/sdp")]
        answer = respond(request, "200 OK", tag=self.tag, headers=headers, body=ours.render())
        self.line.answer(request, answer, source)
        if self._reliable is not None:
            self._reliable.stop()
        self._reliable = Repeated(self.line, answer, source, lambda: self.end("them"))
        self.up(dataclasses.replace(offer, codecs=(codec,)))

    def learn(self, message: Message, *, remote: str) -> None:
        """Take the other side's tag and Contact from a message that makes the dialogue."""
        self.remote = remote
        contact = message.get("contact")
        if contact:
            self.target = uri_of(contact)
            self.peer = address_of(self.target)

    def answer_was_heard(self, response: Message) -> None:
        """Acknowledge an answer to our INVITE, the first time and each time it comes again."""
        cseq = response["cseq"].split()[0]
        self.line.acknowledge(self.target, self.peer, self.dialogue(f"{cseq} ACK"), branch=None)

    def note_cause(self, message: Message) -> None:
        found = re.search(r"Q\.850\s*;\s*cause=(\d+)", message.get("reason") or "")
        if found:
            self.cause = int(found[1])

    def ended_with(self, response: Message) -> None:
        """End the call: its INVITE was refused."""
        self.status = response.status
        self.note_cause(response)
        self.end("them")

    def is_named_by(self, message: Message) -> bool:
        tag = tag_of(message["to"] if message.is_request else message["from"])
        return message["call-id"] == self.call_id and tag == self.tag
