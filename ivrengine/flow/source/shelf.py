"""What is known of the prompts of all brands while a folder is loaded: their texts, their parameters, their recordings."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ivrengine.core.ids import BrandId
from ivrengine.flow.book import PromptTexts
from ivrengine.flow.problems import Code, Problem, problem
from ivrengine.flow.source import recordings
from ivrengine.flow.source.prompt_texts import PromptFile, Prompts, merged
from ivrengine.flow.source.recordings import Recording
from ivrengine.flow.templates import Template

Recorded = Mapping[BrandId, Collection[tuple[str, str]]]
"""Language and name of each recorded prompt, by brand."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The prompts of a folder."""

    prompts: Prompts = dataclasses.field(default_factory=dict)
    texts: Mapping[BrandId, Mapping[str, PromptTexts]] = dataclasses.field(default_factory=dict)
    """Of all prompts, with parameters or without."""
    templates: Mapping[BrandId, Mapping[str, Template]] = dataclasses.field(default_factory=dict)
    """Those with parameters."""
    recorded: Recorded = dataclasses.field(default_factory=dict)
    recordings: Sequence[Recording] = ()
    """All of them, also those that are never played."""
    complete: bool = True
    """False if a file of prompts said nothing that could be understood."""

    def texts_of(self, brand: BrandId | None) -> Mapping[str, PromptTexts]:
        """Return the texts of a brand's prompts."""
        return self.texts.get(brand, {}) if brand else {}

    def templates_of(self, brand: BrandId | None) -> Mapping[str, Template]:
        """Return a brand's prompts with parameters."""
        return self.templates.get(brand, {}) if brand else {}

    def without_parameters(self) -> Mapping[BrandId, Mapping[str, PromptTexts]]:
        """Return the texts of the prompts that are the same in every call."""
        return {
            brand: {name: each for name, each in texts.items() if name not in self.templates[brand]}
            for brand, texts in self.texts.items()
        }

    def has_all(self, brand: BrandId, prompts: Iterable[str], languages: Collection[str]) -> bool:
        """Tell whether each of the prompts is there in each of the languages."""
        texts, recorded = self.texts_of(brand), self.recorded.get(brand, ())
        return all(
            language in texts.get(prompt, {}) or (language, prompt) in recorded
            for prompt in prompts
            for language in languages
        )


def shelf(
    files: Iterable[PromptFile], folder: Path, *, complete: bool
) -> tuple[Shelf, list[Problem]]:
    """Return the prompts of all files, and what is wrong between them and the folder of recordings."""
    prompts, found = merged(files)
    templates = {
        brand: {name: entry.template for name, entry in entries.items() if entry.template}
        for brand, entries in prompts.items()
    }
    there, misplaced = recordings.find(folder)
    recorded = _recorded(there)
    found += misplaced
    found += _never_played(prompts, recorded)
    found += _missing(prompts, recorded, folder)
    found += _unfit(prompts, there)
    return Shelf(
        prompts=prompts,
        texts={
            brand: {name: entry.texts for name, entry in entries.items()}
            for brand, entries in prompts.items()
        },
        templates=templates,
        recorded={
            brand: {each for each in found_there if each[1] not in templates.get(brand, {})}
            for brand, found_there in recorded.items()
        },
        recordings=there,
        complete=complete,
    ), found


def _recorded(there: Iterable[Recording]) -> Recorded:
    recorded: dict[BrandId, set[tuple[str, str]]] = {}
    for each in there:
        recorded.setdefault(each.brand, set()).add((each.language, each.name))
    return recorded


def _missing(prompts: Prompts, recorded: Recorded, folder: Path) -> Iterator[Problem]:
    """Yield the prompts that a file says are recorded, and are not."""
    for brand, entries in prompts.items():
        for name, entry in entries.items():
            for language, place in entry.recorded.items():
                if entry.template is not None:
                    sentence = f"prompt `{name}` has parameters: a recording is never played"
                    yield problem(entry.file, place, Code.PROMPT_RECORDING, sentence)
                elif (language, name) not in recorded.get(brand, ()):
                    path = folder / brand / language / f"{name}{recordings.SUFFIX}"
                    sentence = f"prompt `{name}` is to be recorded in `{language}`, but there is no file `{path}`"
                    yield problem(entry.file, place, Code.RECORDING_MISSING, sentence)


def _unfit(prompts: Prompts, there: Iterable[Recording]) -> Iterator[Problem]:
    """Yield the recordings that callers cannot be played, or should not."""
    for each in there:
        entry = prompts.get(each.brand, {}).get(each.name)
        if entry is None or entry.template is None:
            is_spoken = entry is not None and each.language in entry.texts
            yield from recordings.judged(each, is_spoken=is_spoken)


def _never_played(prompts: Prompts, recorded: Recorded) -> Iterator[Problem]:
    for brand, found in recorded.items():
        for language, name in sorted(found):
            entry = prompts.get(brand, {}).get(name)
            if entry is not None and entry.template is not None:
                sentence = (
                    f"prompt `{name}` has parameters: its recording in `{language}` is never played"
                )
                yield problem(entry.file, entry.place, Code.PROMPT_RECORDING, sentence)
