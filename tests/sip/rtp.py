"""The voice of a telephone: sends RTP every 20 ms, keys as RFC 4733 events, and keeps all that it hears.

What was heard is laid out on one time line by RTP timestamp, so that jitter and order on the way do not matter; where the
other side changes its source or pauses, arrival time decides.
"""

import asyncio
import dataclasses
import random
import struct
from collections import deque
from types import TracebackType
from typing import Final, Self, cast

import numpy as np

from tests.sip import g711
from tests.sip.g711 import RATE, Samples
from tests.sip.message import Address

FRAME: Final = RATE // 50
FRAME_S: Final = 0.02
G722: Final = 9
"""Its type in RTP (RFC 3551)."""
KEYS: Final = "0123456789*#ABCD"
"""Their places are the event codes of RFC 4733."""
_HEADER: Final = struct.Struct("!BBHII")
_EVENT: Final = struct.Struct("!BBH")
_END: Final = 0x80
_VOLUME: Final = 10
_KEPT: Final = 50 * 60 * 20
"""Packets kept of what was heard: 20 minutes; no test listens longer."""
_STRAY: Final = RATE
"""A packet that comes a second away from where its time stamp says belongs to a new piece of sound; less than that may
be this process, held up by another."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Packet:
    arrived_at: float
    source: int
    timestamp: int
    codec: int
    payload: bytes


@dataclasses.dataclass(slots=True)
class _Press:
    """A key on its way: ``ticks`` frames held, then ``rest`` frames of nothing."""

    code: int
    ticks: int
    rest: int
    sent: asyncio.Future[None]
    started: int = 0
    done: int = 0


class Voice(asyncio.DatagramProtocol):
    """One RTP stream each way, on a UDP port of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.DatagramTransport | None = None
        self._remote: Address | None = None
        self._codec = g711.PCMU
        self._events: int | None = None
        self._sequence = random.getrandbits(15)
        self._clock = random.getrandbits(30)
        self._source = random.getrandbits(32)
        self._next_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._presses: deque[_Press] = deque()
        self._speech = np.zeros(0, dtype=np.int16)
        self._tone: Samples | None = None
        self._packets: deque[_Packet] = deque(maxlen=_KEPT)
        self._arrived = asyncio.Event()
        self._digits: list[tuple[int, str]] = []
        self.wideband = b""
        """What was heard of G.722, as it came."""

    @classmethod
    async def open(cls, host: str) -> Self:
        voice = cls()
        await voice._loop.create_datagram_endpoint(lambda: voice, local_addr=(host, 0))
        return voice

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self.stop()
        if self._transport is not None:
            self._transport.close()

    @property
    def address(self) -> Address:
        assert self._transport is not None
        host, port = self._transport.get_extra_info("sockname")
        return host, port

    def start(self, remote: Address, codec: int, events: int | None) -> None:
        """Begin to send (silence, until told otherwise); again with other values after a new offer."""
        self._remote, self._codec, self._events = remote, codec, events
        if self._timer is None:
            self._next_at = self._loop.time()
            self._tick()

    def stop(self) -> None:
        """Send no more; what is heard is kept."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._presses:
            self._presses.popleft().sent.cancel()

    async def press(self, key: str, *, held_s: float, gap_s: float) -> None:
        """Hold a key down and let go; return after the gap."""
        assert self._events is not None, "the other side offered no telephone-event"
        sent: asyncio.Future[None] = self._loop.create_future()
        ticks, rest = round(held_s / FRAME_S), round(gap_s / FRAME_S)
        self._presses.append(_Press(KEYS.index(key), max(1, ticks), rest, sent))
        await sent

    def say(self, speech: Samples) -> None:
        """Speak once, after what is being spoken already."""
        self._speech = np.concatenate([self._speech, speech])

    def hum(self, hertz: float | None) -> None:
        """Sound one tone until told otherwise; None: silence."""
        if hertz is None:
            self._tone = None
        else:
            second = np.sin(2 * np.pi * hertz * np.arange(RATE) / RATE)
            self._tone = (8000 * second).astype(np.int16)

    def _tick(self) -> None:
        late = self._loop.time() - self._next_at
        if late > 1.0:  # the machine stood still: go on from here rather than send a burst
            self._next_at += late
        if self._presses:
            self._send_key(self._presses[0])
        elif self._codec != G722:  # a wideband phone of these tests only listens
            self._send(self._codec, self._clock, g711.encode(self._codec, self._frame()))
        self._clock = (self._clock + FRAME) & 0xFFFFFFFF
        self._next_at += FRAME_S
        self._timer = self._loop.call_at(self._next_at, self._tick)

    def _frame(self) -> Samples:
        if len(self._speech):
            frame, self._speech = self._speech[:FRAME], self._speech[FRAME:]
            return np.pad(frame, (0, FRAME - len(frame)))
        if self._tone is not None:
            at = self._clock % RATE
            return np.roll(self._tone, -at)[:FRAME]
        return np.zeros(FRAME, dtype=np.int16)

    def _send_key(self, press: _Press) -> None:
        """Send this tick of the first key waiting: its event, its last event three times, or the pause after it."""
        if press.done == 0:
            press.started = self._clock
        press.done += 1
        if press.done <= press.ticks:
            last = press.done == press.ticks
            flags = (_END if last else 0) | _VOLUME
            payload = _EVENT.pack(press.code, flags, press.done * FRAME)
            assert self._events is not None
            for _ in range(3 if last else 1):  # RFC 4733, 2.5.1.4: the end is sent three times
                self._send(self._events, press.started, payload, marker=press.done == 1)
        if press.done >= press.ticks + press.rest:
            self._presses.popleft()
            if not press.sent.done():
                press.sent.set_result(None)

    def _send(self, kind: int, timestamp: int, payload: bytes, *, marker: bool = False) -> None:
        assert self._transport is not None
        second = kind | (0x80 if marker else 0)
        header = _HEADER.pack(0x80, second, self._sequence, timestamp, self._source)
        self._sequence = (self._sequence + 1) & 0xFFFF
        if self._remote is not None and not self._transport.is_closing():
            self._transport.sendto(header + payload, self._remote)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport is one without saying so.
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        del addr
        if len(data) < _HEADER.size:
            return
        first, second, _, timestamp, source = _HEADER.unpack_from(data)
        payload = data[_HEADER.size + 4 * (first & 15) :]
        kind = second & 0x7F
        if kind == G722:
            self.wideband += payload
            self.wake()
        elif kind in (g711.PCMU, g711.PCMA):
            arrived = self._loop.time()
            self._packets.append(_Packet(arrived, source, timestamp, kind, payload))
            self.wake()
        elif kind == self._events and len(payload) >= _EVENT.size:
            code, flags, _ = _EVENT.unpack_from(payload)
            ended = (timestamp, KEYS[code]) if flags & _END and code < len(KEYS) else None
            if ended and ended not in self._digits[-1:]:  # the three copies of the end are one key
                self._digits.append(ended)
                self.wake()

    @property
    def digits(self) -> str:
        """The keys that the other side pressed, as RFC 4733 events."""
        return "".join(digit for _, digit in self._digits)

    def wake(self) -> None:
        """Let those go on who wait for more."""
        self._arrived.set()

    async def more(self, packets: int = 1) -> None:
        """Wait for the next packets of sound, or keys."""
        for _ in range(packets):
            self._arrived.clear()
            await self._arrived.wait()

    def heard(self, last_s: float | None = None) -> Samples:
        """Return what was heard since the first packet, or in the last seconds before now; gaps are silence."""
        pieces = _on_time_line(list(self._packets))
        end = max((at + len(piece) for at, piece in pieces), default=0)
        sound = np.zeros(end, dtype=np.int16)
        for at, piece in pieces:
            sound[at : at + len(piece)] = piece
        if last_s is None or not self._packets:
            return sound
        now = round((self._loop.time() - self._packets[0].arrived_at) * RATE)
        begin = max(0, now - round(last_s * RATE))
        return np.pad(sound, (0, max(0, now - end)))[begin:]


def _on_time_line(packets: list[_Packet]) -> list[tuple[int, Samples]]:
    """Give each packet its place, in samples after the first one."""
    placed: list[tuple[int, Samples]] = []
    source, offset, end = -1, 0, 0
    for packet in packets:
        arrived = round((packet.arrived_at - packets[0].arrived_at) * RATE)
        at = packet.timestamp + offset
        if packet.source != source or abs(at - arrived) > _STRAY:
            source, at = packet.source, max(arrived, end)
            offset = at - packet.timestamp
        piece = g711.decode(packet.codec, packet.payload)
        placed.append((max(0, at), piece))
        end = max(end, at + len(piece))
    return placed
