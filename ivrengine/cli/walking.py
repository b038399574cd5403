"""One call that a person makes from the terminal: engine, simulated switch, and what is printed of it."""

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from ivrengine.cli.keypad import HANG_UP, Typing
from ivrengine.core.call import Caller as KnownCaller
from ivrengine.core.call import DigitMode
from ivrengine.core.ids import BrandId, NumberId, PlaybackId
from ivrengine.core.rows import EventRow, NumberRow
from ivrengine.engine.clock import EngineClock
from ivrengine.engine.engine import Engine
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_reading import Reader, Recovered
from ivrengine.flow.book import Book
from ivrengine.flow.load import RECORDINGS_FOLDER
from ivrengine.numbers.normal import mask
from ivrengine.sim.caller import Caller
from ivrengine.sim.hearing import MUSIC, TALK, Heard
from ivrengine.sim.phones import Answers, Behaviour, Busy, Phone, PhoneCall, Rings
from ivrengine.sim.read_aloud import ReadAloud
from ivrengine.sim.script import Script
from ivrengine.sim.switch import SimSwitch
from ivrengine.telemetry import metrics

DIGITS: Final = "0123456789*#"
NAME_CHARS: Final = 20
"""Room for the names of most prompts, so that what is heard stands in one column."""
ROWS_MAX: Final = 100_000
"""A call of a day has fewer events."""
SETTLED_S: Final = 0.05
"""After a prompt the node decides whether it waits for keys; longer than all delays of the simulated switch."""
ANSWERED: Final = "a"
BUSY: Final = "b"
NOBODY: Final = "n"
OTHER_HANGS_UP: Final = "o"
_BEHAVIOURS: Final[dict[str, Behaviour]] = {
    "answer": Answers(after_s=2.0),
    "busy": Busy(),
    "no-answer": Rings(),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """What a person wants to walk through."""

    book: Book
    flows_dir: Path
    did: str
    number: str | None
    at: datetime | None = None
    """When the call begins, on the clock of its time zone; None: now."""
    phones: str | None
    """``answer``, ``busy`` or ``no-answer``; None asks each time that a phone rings."""


async def walk(wanted: Walk, journal_folder: Path, keys: Typing) -> None:
    """Make the call, and print what is heard, the path and the outcome."""
    clock = _clock(wanted.at)
    journal = Journal(journal_folder)
    journal.begin(Recovered(), clock.now())
    with contextlib.closing(journal):
        engine = Engine(
            journal=journal,
            book=wanted.book,
            recognise=_recognise,
            now=clock.now,
            metrics=metrics.new(),
        )
        sounds = ReadAloud(wanted.book.prompts, wanted.flows_dir / RECORDINGS_FOLDER)
        switch = SimSwitch(
            listener=engine.listen,
            now=clock.now,
            duration_s=sounds.duration_s,
            phones=_phones(wanted),
        )
        engine.attach(switch, sounds)
        switch.start()
        person = _Person(engine, switch, sounds, keys)
        await person.call(wanted)
        await engine.stop()
        _print_path(journal_folder, journal)


def _clock(at: datetime | None) -> EngineClock:
    monotonic = asyncio.get_running_loop().time
    if at is None:
        return EngineClock.starting_now(monotonic)
    return EngineClock(at.astimezone(UTC), monotonic)


def _recognise(
    brand: BrandId, number: str | None, at: datetime, number_id: NumberId | None = None
) -> tuple[KnownCaller, NumberRow | None]:
    """Make nothing of a number but its mask: a walk leaves no trace."""
    del brand, at, number_id
    return KnownCaller(withheld=number is None, mask=mask(number), key=None, number_id=None), None


def _phones(wanted: Walk) -> list[Phone]:
    behaviour = Rings() if wanted.phones is None else _BEHAVIOURS[wanted.phones]
    endpoints = {
        phone.endpoint: phone.name
        for brand in wanted.book.brands.values()
        for phone in brand.phones.values()
    }
    return [Phone(endpoint, behaviour) for endpoint in endpoints]


class _Person:
    """The person at the terminal: their ear, their keys, and the hands of whoever they are put through to."""

    def __init__(self, engine: Engine, switch: SimSwitch, aloud: ReadAloud, keys: Typing) -> None:
        self._engine = engine
        self._switch = switch
        self._aloud = aloud
        self._keys = keys
        self._caller: Caller | None = None
        self._ringing: PhoneCall | None = None
        self._question: PlaybackId | None = None
        self._asked: PlaybackId | None = None

    async def call(self, wanted: Walk) -> None:
        for phone in self._switch.phones.values():
            if wanted.phones is None:
                phone.on_ring = self._rung
        when = "" if wanted.at is None else f", {wanted.at:%A %Y-%m-%d %H:%M} {wanted.at.tzinfo}"
        _say("calls", f"{wanted.did} from {mask(wanted.number)}{when}; h hangs up", dim=True)
        # the line is prepared before the call begins: nothing is heard unnoticed
        self._caller = self._switch.prepare(
            wanted.did, number=wanted.number, script=Script(fallback_s=0.0)
        )
        self._caller.ear.listen(self._hears)
        self._keys.attach(self._typed)
        try:
            self._caller.call()
            await self._caller.gone()
        finally:
            self._keys.detach()

    def _hears(self, heard: Heard) -> None:
        spoken = self._aloud.spoken(heard.sound)
        if spoken is not None:
            asyncio.get_running_loop().call_later(SETTLED_S, self._ask_if_waited_for)
        if heard.until_s is not None:
            return
        if spoken is not None:
            _say(spoken.name, spoken.text)
        elif heard.sound.startswith(MUSIC):
            _say("music", heard.sound.removeprefix(MUSIC), dim=True)
        elif heard.sound.startswith(TALK):
            other = heard.sound.removeprefix(TALK)
            _say("talks", f"with {other}; h hangs up, o lets the other side hang up", dim=True)
            asyncio.get_running_loop().call_soon(self._keys.asked)

    def _ask_if_waited_for(self) -> None:
        """Ask for keys once for each question, as soon as the flow would take them."""
        for call in self._engine.calls():
            self._question = call.cursor.playback_id or self._question
            if (
                call.digit_mode in {DigitMode.TAKE, DigitMode.HIDE}
                and self._question != self._asked
            ):
                self._asked = self._question
                self._keys.asked()

    def _rung(self, call: PhoneCall) -> None:
        self._ringing = call
        _say("rings", f"{call.name}: a answers, b is busy, n does not answer", dim=True)
        asyncio.get_running_loop().call_soon(self._keys.asked)

    def _typed(self, key: str) -> None:
        caller = self._caller
        if caller is None:
            return
        if key == HANG_UP:
            _say("you", "hang up", dim=True)
            caller.hang_up()
        elif key in DIGITS:
            _say("you", f"press {key}", dim=True)
            caller.press(key)
        elif self._ringing is not None:
            self._answer_for_phone(self._ringing, key)

    def _answer_for_phone(self, call: PhoneCall, key: str) -> None:
        if call.up and key == OTHER_HANGS_UP:
            call.hang_up()
        elif not call.up and key == ANSWERED:
            call.pick_up()
        elif not call.up and key == BUSY:
            call.turn_busy()
        elif not call.up and key == NOBODY:
            _say("phone", "nobody answers", dim=True)


def _print_path(folder: Path, journal: Journal) -> None:
    reader = Reader(folder, lambda: journal.segment, lambda: None)
    with contextlib.closing(reader):
        rows = [row for row in reader.read(ROWS_MAX).rows if isinstance(row, EventRow)]
    last = rows[-1].call if rows else None
    if last is None or last.ended_at is None:
        return
    lasted_s = (last.ended_at - last.arrived_at).total_seconds()
    outcome = (last.outcome or "").replace("_", " ")
    typer.echo()
    _say("path", " → ".join(_path(rows)))
    _say("outcome", f"{outcome}, after {lasted_s:.1f} s")


def _path(rows: Sequence[EventRow]) -> Iterator[str]:
    """Yield each node with the exit by which it was left: ``menu [1]``."""
    entered = ""
    for row in rows:
        for kind, fields in json.loads(row.payload)["effects"]:
            if kind == "EnterNode":
                entered = fields["node"]
            elif kind == "LeaveNode":
                yield f"{entered} [{fields['exit']}]"


def _say(who: str, what: str, *, dim: bool = False) -> None:
    typer.secho(f"  {who:<{NAME_CHARS}}  ", fg=typer.colors.CYAN, dim=dim, nl=False)
    typer.secho(what, dim=dim)
