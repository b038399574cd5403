"""Scripted calls by telephones, on the real Asterisk: what the simulator lets its caller hear must be heard here, as sound."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final, assert_never

from ivrengine.core.effects import Spoken
from ivrengine.core.ids import BrandId
from ivrengine.flow.book import Book
from ivrengine.prompts.library import Library, PromptMissingError
from ivrengine.prompts.speech import Synthesiser
from ivrengine.testing import scripted
from ivrengine.testing.scripted import Scripted
from ivrengine.testing.seen import Hears
from tests.live.access import access
from tests.sip import hearing
from tests.sip.call import Call
from tests.sip.g711 import RATE, Samples
from tests.sip.phone import Answers, Behaviour, Busy, Declines, Phone, Rings
from tests.whole import people
from tests.whole.dialogue import Simulated
from tests.whole.engine import until

BEGINNING_S: Final = 1.2
"""So much of a prompt tells which one it is; whether it is heard to its end is looked at later."""
HEARD_WITHIN_S: Final = 30.0
"""The longest silence of these dialogues has a few seconds; but the machine is shared, and many calls speak at once."""
TRIES: Final = 4
"""A machine that many share may take its time to make words."""
OVERLAP_S: Final = 0.2
"""Where one sound ends and the next begins is known to a few packets."""
_LOOK_S: Final = 0.3
_PEOPLE: Final[Mapping[str, Behaviour]] = {
    "answers": Answers(after_s=0.3),
    "is busy": Busy(),
    "declines": Declines(),
    "does not answer": Rings(),
}
Speaks = tuple[str, str, str]
"""Language, name of a prompt (or nothing), text."""


class Voices:
    """The sound of all that a brand can say, from the files that Asterisk plays."""

    def __init__(self, book: Book, recordings: Path, synthesiser: Synthesiser | None) -> None:
        self._library = Library(book.prompts, recordings, access().prompts, synthesiser)
        self._prompts = book.prompts
        self._found: dict[tuple[BrandId, str, str, str], Samples] = {}

    async def sound(self, brand: BrandId, heard: Hears) -> Samples:
        """Return how something sounds; what is composed for a call is made if nobody has made it yet."""
        key = brand, heard.language, heard.prompt, heard.text
        if key not in self._found:
            media = await self._media(brand, heard)
            path = Path(media.removeprefix("sound:") + ".wav")
            self._found[key] = await asyncio.to_thread(hearing.read_wav, path)
        return self._found[key]

    async def _media(self, brand: BrandId, heard: Hears) -> str:
        texts = self._prompts[brand].get(heard.prompt)
        if texts is None or texts[heard.language] != heard.text:
            return await self._composed(brand, heard)
        await self._library.look()
        return self._library.media(brand, heard.prompt, heard.language)

    async def _composed(self, brand: BrandId, heard: Hears) -> str:
        for _ in range(TRIES - 1):
            with contextlib.suppress(PromptMissingError):  # not within five seconds
                return await self._library.speech(brand, Spoken(text=heard.text), heard.language)
        return await self._library.speech(brand, Spoken(text=heard.text), heard.language)


class Telephone:
    """One caller who does what a script says, and hears what the simulator's caller heard."""

    def __init__(
        self, call: Call, phones: Mapping[str, Phone], voices: Voices, brand: BrandId
    ) -> None:
        self._call, self._phones, self._voices, self._brand = call, phones, voices, brand
        self._talks: dict[str, Call] = {}
        self._from_s = 0.0
        """Where in the sound the next thing may begin."""

    async def play(self, simulated: Simulated) -> None:
        """Go through the dialogue to the call's end."""
        heard = iter(simulated.heard)
        await self._call.answered()
        async with asyncio.TaskGroup() as listening:
            for line in simulated.script.dialogue:
                if isinstance(line.deed, scripted.Hear):
                    said = next(heard)
                    sound = await self._voices.sound(self._brand, said)
                    begins_s = await self._hears(sound, said)
                    if not said.is_cut_short:
                        listening.create_task(self._hears_all(sound, said, begins_s))
                else:
                    await self._does(line.deed)
            if self._call.ended_by != "us":
                await self._call.hung_up(within_s=HEARD_WITHIN_S)

    async def _hears(self, sound: Samples, said: Hears) -> float:
        """Wait until the beginning of something is heard; return where it is."""
        found = await self._found(sound[: round(BEGINNING_S * RATE)], said, self._from_s)
        begins_s = self._from_s + found.offset_s
        length_s = BEGINNING_S if said.is_cut_short else len(sound) / RATE
        self._from_s = max(begins_s, begins_s + length_s - OVERLAP_S)
        return begins_s

    async def _hears_all(self, sound: Samples, said: Hears, begins_s: float) -> None:
        await self._found(sound, said, max(0.0, begins_s - OVERLAP_S))

    async def _found(self, sound: Samples, said: Hears, from_s: float) -> hearing.Match:
        found = hearing.NOTHING

        async def is_heard() -> bool:
            nonlocal found
            there = self._call.heard()[round(from_s * RATE) :]
            over = self._call.has_ended
            found = await asyncio.to_thread(hearing.match, sound, there)
            assert found.whole or not over, f"the call was over before it was heard: {said} {found}"
            return found.whole

        await until(is_heard, HEARD_WITHIN_S, lambda: f"{said} {found}", every_s=_LOOK_S)
        return found

    async def _does(self, deed: scripted.Deed) -> None:
        match deed:
            case scripted.Press(keys=keys):
                await self._call.press(keys, held_s=0.08, gap_s=0.08)
            case scripted.Wait(for_s=for_s):
                await asyncio.sleep(for_s)
            case scripted.Speak(for_s=for_s):
                self._call.hum(440)
                await asyncio.sleep(for_s)
                self._call.hum(None)
            case scripted.HangUp():
                await self._call.hang_up()
            case scripted.AtPhone(phone=phone, deed="hangs up"):
                await self._talks[phone].hang_up()
            case scripted.AtPhone(phone=phone, deed=does):
                await self._at_phone(phone, does)
            case scripted.SayNothing() | scripted.Hear():
                pass  # what follows is waited for
            case never:
                assert_never(never)

    async def _at_phone(self, phone: str, does: str) -> None:
        talk = await self._phones[phone].rung(within_s=HEARD_WITHIN_S)
        if does == "answers":
            await talk.answered()
            await people.talk(self._call, talk)
            self._talks[phone] = talk


async def play(simulated: Simulated, voices: Voices, brand_phones: Mapping[str, str]) -> None:
    """Let a telephone play a call that the simulator has played; ``brand_phones`` are endpoints by their names."""
    given = simulated.script.given
    async with (
        phones_of(simulated.script, brand_phones) as phones,
        people.dial(simulated.script.did, number=given.number) as call,
    ):
        await Telephone(call, phones, voices, simulated.script.flow.brand).play(simulated)


@contextlib.asynccontextmanager
async def phones_of(
    script: Scripted, brand_phones: Mapping[str, str]
) -> AsyncIterator[Mapping[str, Phone]]:
    """Put up the telephones at which somebody does something in a script."""
    deeds = [line.deed for line in script.dialogue if isinstance(line.deed, scripted.AtPhone)]
    does = {deed.phone: _PEOPLE[deed.deed] for deed in deeds if deed.deed in _PEOPLE}
    endpoints = {phone: brand_phones[phone].removeprefix("PJSIP/") for phone in does}
    async with people.phones({endpoints[phone]: each for phone, each in does.items()}) as up:
        yield dict(zip(does, up, strict=True))


async def call_angrily(did: str, number: str, keys: str, patience_s: float) -> None:
    """Key in something whatever is being said, and hang up when patience is over, wherever the call stands then."""
    async with people.dial(did, number=number) as call:
        await call.answered()
        await call.press(keys, held_s=0.06, gap_s=0.05)
        await asyncio.sleep(patience_s)
        if not call.has_ended:
            await call.hang_up()
