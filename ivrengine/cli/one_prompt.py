"""One prompt by its name: whose it is, in which languages, and its audio, made if it is not there yet."""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from ivrengine.cli import complaints, voices
from ivrengine.core.effects import Spoken
from ivrengine.core.ids import BrandId
from ivrengine.flow.book import Book
from ivrengine.flow.load import RECORDINGS_FOLDER
from ivrengine.flow.problems import did_you_mean
from ivrengine.flow.source import recordings
from ivrengine.flow.spoken.grammar import UnspeakableError
from ivrengine.flow.spoken.words import ACCEPTED, Speakable
from ivrengine.flow.templates import Template
from ivrengine.prompts.library import CONVERSION_LIMIT_S, Library, PromptMissingError
from ivrengine.settings.model import Settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OnePrompt:
    """A prompt, and the languages it has a text or a recording in; the first one is spoken if none is named."""

    brand: BrandId
    name: str
    languages: Sequence[str]
    template: Template | None

    def language(self, wanted: str | None) -> str:
        """Return the language to hear it in; exits with 2 if it has no such one."""
        if wanted is None:
            return self.languages[0]
        if wanted not in self.languages:
            known = ", ".join(self.languages)
            complaints.bad_usage(f"the prompt {self.name} is there in {known}, not in {wanted}")
        return wanted

    def sentence(self, language: str, given: Sequence[str]) -> str | None:
        """Return what it says with values filled in, None if it has no parameters; exits with 2 on values that do not fit."""
        if self.template is None:
            if given:
                complaints.bad_usage(f"the prompt {self.name} has no parameters")
            return None
        try:
            return self.template.sentence(language, self._values(self.template, given), None)
        except UnspeakableError as error:
            complaints.bad_usage(f"a value of the prompt {self.name} cannot be said: {error}")

    def _values(self, template: Template, given: Sequence[str]) -> Mapping[str, Speakable]:
        values: dict[str, Speakable] = {}
        for each in given:
            name, sign, value = each.partition("=")
            if not sign or name not in template.parameters:
                near = did_you_mean(name, template.parameters)
                known = ", ".join(template.parameters)
                complaints.bad_usage(
                    f"expected --with NAME=VALUE with a parameter of {self.name} ({known}), found {each}{near}"
                )
            values[name] = _value(value, ACCEPTED[template.parameters[name].kind])
        lacking = [name for name in template.parameters if name not in values]
        if lacking:
            needed = " ".join(f"--with {name}=…" for name in lacking)
            complaints.bad_usage(f"the prompt {self.name} needs {needed}")
        return values


def _value(text: str, accepted: Sequence[str]) -> Speakable:
    """Return a value as the prompt's parameter takes it; what is no number stays a text, and is complained of when said."""
    if "string" in accepted:
        return text
    try:
        return int(text)
    except ValueError:
        return text


def find(book: Book, settings: Settings, name: str, brand: str | None) -> OnePrompt:
    """Return the prompt of this name; exits with 2 if there is none, or if several brands have one."""
    known = _known(book, settings)
    brands = sorted({each for each, found in known if found == name and brand in {None, each}})
    if not brands:
        near = did_you_mean(name, {found for each, found in known if brand in {None, each}})
        whose = f" of the brand {brand}" if brand else ""
        complaints.bad_usage(f"there is no prompt {name}{whose}{near}")
    if len(brands) > 1:
        complaints.bad_usage(
            f"the brands {', '.join(brands)} have a prompt {name}: choose one with --brand"
        )
    owner = brands[0]
    return OnePrompt(
        brand=owner,
        name=name,
        languages=known[owner, name],
        template=book.templates.get(owner, {}).get(name),
    )


def _known(book: Book, settings: Settings) -> Mapping[tuple[BrandId, str], list[str]]:
    known: dict[tuple[BrandId, str], list[str]] = {}
    for brand, texts in book.prompts.items():
        for name, by_language in texts.items():
            known[brand, name] = list(by_language)
    for brand, templates in book.templates.items():
        for name, template in templates.items():
            known[brand, name] = list(template.pieces)
    there, _ = recordings.find(settings.flows_dir / RECORDINGS_FOLDER)
    for each in there:
        languages = known.setdefault((each.brand, each.name), [])
        if each.language not in languages:
            languages.append(each.language)
    return known


def audio(
    book: Book, settings: Settings, folder: Path, prompt: OnePrompt, language: str, said: str | None
) -> Path:
    """Return the WAV file of the prompt, or of what it says with values, made if need be; exits with 1 if it cannot be."""
    return asyncio.run(_audio(book, settings, folder, prompt, language, said))


async def _audio(
    book: Book, settings: Settings, folder: Path, prompt: OnePrompt, language: str, said: str | None
) -> Path:
    synthesiser = await voices.found(settings.speech)
    library = Library(book.prompts, settings.flows_dir / RECORDINGS_FOLDER, folder, synthesiser)
    try:
        if said is not None:
            spoken = Spoken(text=said, prompt=prompt.name)
            media = await library.speech(
                prompt.brand, spoken, language, limit_s=settings.speech.limit_s + CONVERSION_LIMIT_S
            )
        else:
            key = (prompt.brand, prompt.name, language)
            await library.build(only=key)
            entry = next(each for each in library.entries if each.key == key)
            if entry.media is None:
                complaints.failed(f"{prompt.name} cannot be played: {entry.problem}")
            media = entry.media
    except PromptMissingError as error:
        complaints.failed(str(error))
    return Path(f"{media.removeprefix('sound:')}.wav")
