"""The prompt files: what each prompt of a brand says, in each language."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ivrengine.core.ids import BrandId
from ivrengine.flow import sentences
from ivrengine.flow.book import PromptTexts
from ivrengine.flow.fields import Language, Name
from ivrengine.flow.problems import Code, Place, Problem, problem
from ivrengine.flow.text import Document

TEXT_MAX: Final = 4_000
"""Characters of one prompt: five minutes of speech, and nobody listens to more."""

Spoken = Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]
"""What a prompt says."""


class PromptsSource(BaseModel):
    """A file of prompts, as written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brand: Name = Field(description="The brand whose prompts these are.")
    prompts: Annotated[
        dict[Name, Annotated[dict[Language, Spoken], Field(min_length=1)]], Field(max_length=10_000)
    ] = Field(description="For each prompt by name its text in each language.")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A prompt's texts and where they stand."""

    texts: PromptTexts
    file: str
    place: Place


Prompts = Mapping[BrandId, Mapping[str, Entry]]
"""Every prompt that has texts, by brand and name."""


def read(document: Document) -> tuple[PromptsSource | None, list[Problem]]:
    """Return a file of prompts, and what is not in its language."""
    try:
        return PromptsSource.model_validate(document.data), []
    except ValidationError as error:
        return None, sentences.problems_of(error, document, PromptsSource)


def merged(files: Iterable[tuple[Document, PromptsSource]]) -> tuple[Prompts, list[Problem]]:
    """Return the prompts of all files, and those that two files of one brand have."""
    prompts: dict[BrandId, dict[str, Entry]] = {}
    found: list[Problem] = []
    for document, source in files:
        known = prompts.setdefault(BrandId(source.brand), {})
        for name, texts in source.prompts.items():
            place = document.key_place(("prompts", name))
            if name in known:
                first = known[name]
                sentence = f"prompt `{name}` is there already, in {first.file}:{first.place.line}"
                found.append(problem(document.file, place, Code.TWICE, sentence))
                continue
            known[name] = Entry(texts=texts, file=document.file, place=place)
    return prompts, found
