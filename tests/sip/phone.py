"""A telephone on a desk: registers as an agent, and does what its behaviour says when it is rung.

async with Phone.register("agent-101", at=sip, password=password, behaviour=Answers(after_s=0.3)) as phone:
    call = await phone.rung()
    await call.answered()
"""

import asyncio
import contextlib
import dataclasses
import secrets
from collections.abc import AsyncIterator
from typing import Final, assert_never

from tests.sip.call import Call, Keys
from tests.sip.line import Line, NoAnswerError
from tests.sip.message import (
    Address,
    Headers,
    Message,
    credentials,
    respond,
)
from tests.sip.rtp import Voice

_GONE_S: Final = 2.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Rings, is picked up, and perhaps put down again by its person."""

    after_s: float = 0.2
    hang_up_after_s: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rings:
    """Rings until ``pick_up`` or for ever."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Busy:
    """486 at once."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Declines:
    """Rings, then its person presses the red key: 603."""

    after_s: float = 0.2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """Is registered and answers OPTIONS, but says nothing to an INVITE."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refuses:
    """Answers an INVITE with any status: ``Refuses(status="404 Not Found")``."""

    status: str


Behaviour = Answers | Rings | Busy | Declines | Silent | Refuses


class RegistrationRefusedError(Exception):
    """The switch did not take the registration."""


class Phone:
    """The telephone; ``register`` is the way to make one, or ``listen`` for one that nobody knows."""

    def __init__(self, name: str, behaviour: Behaviour, *, keys: Keys) -> None:
        self.name = name
        self.behaviour = behaviour
        """What it does next time; may be changed."""
        self.takes: tuple[int, ...] = (0, 8)
        """The codecs that it accepts, by their RTP types; may be changed."""
        self.qualified = 0
        """How many OPTIONS it answered."""
        self.calls: list[Call] = []
        self._keys: Keys = keys
        self._line: Line
        self._rung: asyncio.Queue[Call] = asyncio.Queue()
        self._invites: dict[str, tuple[Message, Address]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._registered_at: tuple[Address, str] | None = None
        self._sequence = 0
        self._call_id = secrets.token_hex(12)

    @classmethod
    @contextlib.asynccontextmanager
    async def listen(
        cls,
        *,
        name: str = "phone",
        behaviour: Behaviour | None = None,
        source: str = "127.0.0.1",
        port: int = 0,
        keys: Keys = "rfc4733",
    ) -> AsyncIterator["Phone"]:
        """Put up a telephone that can be called at its ``address``."""
        phone = cls(name, behaviour or Answers(), keys=keys)
        phone._line = await Line.open(source, phone, port=port)
        try:
            yield phone
        finally:
            await phone._close()

    @classmethod
    @contextlib.asynccontextmanager
    async def register(
        cls,
        name: str,
        *,
        at: Address,
        password: str,
        behaviour: Behaviour | None = None,
        source: str = "127.0.0.1",
        keys: Keys = "rfc4733",
    ) -> AsyncIterator["Phone"]:
        """Put up a telephone and register it with the switch ``at``; taken down again at the end."""
        async with cls.listen(name=name, behaviour=behaviour, source=source, keys=keys) as phone:
            phone._registered_at = (at, password)
            await phone._register(expires_s=600)
            yield phone

    @property
    def address(self) -> Address:
        return self._line.address

    async def rung(self, within_s: float = 5.0) -> Call:
        """Wait until the phone is called; return the next call, each one once."""
        async with asyncio.timeout(within_s):
            return await self._rung.get()

    def pick_up(self, call: Call) -> None:
        """Answer a ringing call by hand."""
        request, source = self._invites[call.call_id]
        if call.has_ended or call.is_up:
            return
        call.status = 200
        call.accept(request, source)

    def refuse(self, call: Call, status: str) -> None:
        """Answer a ringing call with a final refusal (``603 Decline``)."""
        request, source = self._invites[call.call_id]
        if call.has_ended or call.is_up:
            return
        call.status = int(status.split(maxsplit=1)[0])
        self._line.answer(request, respond(request, status, tag=call.tag), source)
        call.end("us")

    def pull_the_plug(self) -> None:
        """Neither hear nor speak from now on."""
        self._line.dead = True

    def request_came(self, request: Message, source: Address) -> None:
        known = next((call for call in self.calls if call.is_named_by(request)), None)
        if known is not None:
            known.request_came(request, source)
            return
        match request.method:
            case "OPTIONS":
                self.qualified += 1
                self._line.answer(request, respond(request, "200 OK", tag=self.name), source)
            case "INVITE" if not isinstance(self.behaviour, Silent):
                self._line.answer(request, respond(request, "100 Trying"), source)
                self._ring_soon(request, source)
            case "CANCEL":
                self._cancelled(request, source)
            case "ACK" | "INVITE":
                pass  # of a refusal: the transaction is over; to a silent phone: nothing
            case _:
                answer = respond(request, "481 No such call", tag=self.name)
                self._line.answer(request, answer, source)

    def final_again(self, response: Message, source: Address) -> None:
        """Nothing: this telephone sends no INVITE."""

    def _ring_soon(self, request: Message, source: Address) -> None:
        task = asyncio.get_running_loop().create_task(self._ring(request, source))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ring(self, request: Message, source: Address) -> None:
        """Be called: make the call's voice, then do what the behaviour says."""
        voice = await Voice.open(self._line.address[0])
        call = Call(self._line, voice, call_id=request["call-id"], keys=self._keys)
        call.takes = self.takes
        call.invite = request
        call.learn(request, remote=request["from"])
        call.local = f"{request['to']};tag={call.tag}"
        self._invites[call.call_id] = (request, source)
        self.calls.append(call)
        if not isinstance(self.behaviour, Busy | Refuses):
            ringing = respond(request, "180 Ringing", tag=call.tag)
            self._line.answer(request, ringing, source)
            call.rang()
        self._rung.put_nowait(call)
        await self._behave(call)

    async def _behave(self, call: Call) -> None:
        # Sleeps: a person takes that long.
        match self.behaviour:
            case Answers(after_s=after_s, hang_up_after_s=hang_up_after_s):
                await asyncio.sleep(after_s)
                self.pick_up(call)
                if hang_up_after_s is not None:
                    await asyncio.sleep(hang_up_after_s)
                    await call.hang_up()
            case Busy():
                self.refuse(call, "486 Busy Here")
            case Declines(after_s=after_s):
                await asyncio.sleep(after_s)
                self.refuse(call, "603 Decline")
            case Refuses(status=status):
                self.refuse(call, status)
            case Rings() | Silent():
                pass
            case _ as unknown:
                assert_never(unknown)

    def _cancelled(self, request: Message, source: Address) -> None:
        self._line.answer(request, respond(request, "200 OK", tag=self.name), source)
        call = next((each for each in self.calls if each.call_id == request["call-id"]), None)
        if call is None or call.has_ended or call.is_up:
            return
        invite, _ = self._invites[call.call_id]
        ended = respond(invite, "487 Request Terminated", tag=call.tag)
        self._line.answer(invite, ended, source)
        call.status = 487
        call.note_cause(request)
        call.end("them")

    async def _register(self, *, expires_s: int) -> None:
        """Register, proving who we are when asked (0 s: take the registration away)."""
        assert self._registered_at is not None
        _, password = self._registered_at
        response = await self._ask_to_register(expires_s, ())
        if response.status == 401:
            proof = credentials(
                response["www-authenticate"],
                method="REGISTER",
                uri=self._registrar,
                user=self.name,
                password=password,
            )
            response = await self._ask_to_register(expires_s, [("Authorization", proof)])
        if response.status != 200:
            raise RegistrationRefusedError(f"{self.name}: {response.start}")

    @property
    def _registrar(self) -> str:
        assert self._registered_at is not None
        host, port = self._registered_at[0]
        return f"sip:{host}:{port}"

    async def _ask_to_register(self, expires_s: int, headers: Headers) -> Message:
        assert self._registered_at is not None
        at, _ = self._registered_at
        host, port = self._line.address
        self._sequence += 1
        who = f"<sip:{self.name}@{at[0]}>"
        ours = [
            ("From", f"{who};tag={secrets.token_hex(6)}"),
            ("To", who),
            ("Call-ID", self._call_id),
            ("CSeq", f"{self._sequence} REGISTER"),
            ("Contact", f"<sip:{self.name}@{host}:{port}>"),
            ("Expires", str(expires_s)),
            *headers,
        ]
        return await self._line.request("REGISTER", self._registrar, at, ours).final()

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(_GONE_S):
                for call in self.calls:
                    if not call.has_ended and not call.is_up and call.call_id in self._invites:
                        self.refuse(call, "480 Temporarily Unavailable")
                    await call.hang_up()
                if self._registered_at is not None and not self._line.dead:
                    await self._register(expires_s=0)
        except (TimeoutError, NoAnswerError):
            pass  # the switch is gone; so are we
        finally:
            for task in self._tasks:
                task.cancel()
            for call in self.calls:
                call.close()
            self._line.close()
