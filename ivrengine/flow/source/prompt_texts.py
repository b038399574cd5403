"""The prompt files: what each prompt of a brand says, in each language."""

import dataclasses
import re
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError

from ivrengine.core.ids import BrandId
from ivrengine.flow.book import PromptTexts
from ivrengine.flow.fields import Currency, Language, Name, VariableName, unexpected
from ivrengine.flow.problems import Code, Data, Place, Problem, any_error, did_you_mean, problem
from ivrengine.flow.source import sentences
from ivrengine.flow.source.text import Document, value_at
from ivrengine.flow.spoken.words import Kind
from ivrengine.flow.templates import Parameter, Template, pieces

TEXT_MAX: Final = 4_000
"""Characters of one prompt: five minutes of speech, and nobody listens to more."""

CUT: Final = (
    "the text ends before this `#`, and the rest of the line is a comment; put the text in quotes"
)
"""What is said where a comment begins behind a text."""
_SUFFIX: Final = re.compile(r"(\{[^{}]*\})['’]\w+")

Spoken = Annotated[str, Field(min_length=1, max_length=TEXT_MAX)]
"""What a prompt says."""


_PARAMETERS: Final = "parameters"
_RECORDED: Final = "recorded"
_BESIDE: Final = frozenset({_PARAMETERS, _RECORDED})
"""The keys of a prompt that are not languages."""
_CURRENCIES: Final = typing.get_args(Currency)
_KIND: Final = re.compile(
    r"(?P<kind>text|number|ordinal|digits|date|time|duration)|(?P<money>money) (?P<currency>[A-Z]{3})"
    r"|(?P<date>date) with weekday"
)
_KINDS: Final = "text, number, ordinal, digits, date, date with weekday, time, duration, or money with a currency such as TRY"


def _parameter(value: object) -> Parameter:
    """Read ``money TRY``, ``date``, ``date with weekday``."""
    found = _KIND.fullmatch(" ".join(value.split())) if isinstance(value, str) else None
    if found is None:
        raise unexpected(_KINDS)
    if found["currency"] not in {None, *_CURRENCIES}:
        raise unexpected(f"a currency of {', '.join(_CURRENCIES)}")
    kind = Kind(found["kind"] or found["money"] or found["date"])
    return Parameter(kind=kind, currency=found["currency"] or "", weekday=bool(found["date"]))


ParameterKind = Annotated[Parameter, PlainValidator(_parameter, json_schema_input_type=str)]
"""As what the value of a prompt's parameter is said: ``money TRY``, ``date``."""


class BesideSource(BaseModel):
    """What a prompt has beside its texts."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    parameters: Annotated[dict[VariableName, ParameterKind], Field(min_length=1, max_length=16)] = (
        Field(default_factory=dict)
    )
    recorded: Annotated[tuple[Language, ...], Field(min_length=1, max_length=16)] = Field(
        default_factory=tuple
    )


class _AllBeside(BaseModel):
    """A file of prompts, for all but their texts."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    prompts: dict[str, BesideSource]


def _beside_texts(schema: dict[str, Any]) -> None:
    """Add what else a prompt can have to its JSON Schema, where it stands beside the texts."""
    schema["properties"] = {
        _PARAMETERS: {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": f"For each parameter what it is said as: {_KINDS}.",
        },
        _RECORDED: {
            "type": "array",
            "items": {"type": "string"},
            "description": "The languages in which there must be a recording.",
        },
    }


Texts = Annotated[dict[Language, Spoken], Field(min_length=1, json_schema_extra=_beside_texts)]
"""What a prompt says in each language."""


class PromptsSource(BaseModel):
    """A file of prompts, as written; of what stands beside texts ``BesideSource`` is the model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    brand: Name = Field(description="The brand whose prompts these are.")
    prompts: Annotated[dict[Name, Texts], Field(max_length=10_000)] = Field(
        description="For each prompt by name its text in each language, its `parameters` if it has any, and in `recorded` the "
        "languages in which there must be a recording."
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A prompt's texts and where they stand."""

    texts: PromptTexts
    template: Template | None
    """What is made of the texts of one that has parameters."""
    file: str
    place: Place
    recorded: Mapping[str, Place] = dataclasses.field(default_factory=dict)
    """The languages in which there must be a recording, and where that is said."""


Prompts = Mapping[BrandId, Mapping[str, Entry]]
"""Every prompt that has texts, by brand and name."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PromptFile:
    """A file of prompts that was read."""

    document: Document
    source: PromptsSource
    beside: Mapping[str, BesideSource]
    """What stands beside the texts of each prompt that has anything there."""

    def parameters(self, name: str) -> Mapping[str, Parameter]:
        """Return the parameters of a prompt."""
        return self.beside[name].parameters if name in self.beside else {}

    def recorded(self, name: str) -> Mapping[str, Place]:
        """Return the languages in which a prompt must be recorded, and where that is said."""
        languages = self.beside[name].recorded if name in self.beside else ()
        return {
            language: self.document.place(("prompts", name, _RECORDED, index))
            for index, language in enumerate(languages)
        }


def read(document: Document) -> tuple[PromptFile | None, list[Problem]]:
    """Return a file of prompts, and what is not in its language."""
    beside, found = _beside(document)
    try:
        source = PromptsSource.model_validate(_texts_alone(document.data))
    except ValidationError as error:
        return None, [*found, *sentences.problems_of(error, document, PromptsSource)]
    if any_error(found):
        return None, found
    file = PromptFile(document=document, source=source, beside=beside)
    found += [misfit for name in source.prompts for misfit in _misfits(file, name)]
    return file, [*found, *_cut(file), *_suffixes(file)]


def _texts_alone(data: Data) -> Data:
    """Return the data of a file of prompts without what stands beside the texts."""
    prompts = value_at(data, ("prompts",))
    if not isinstance(data, dict) or not isinstance(prompts, dict):
        return data
    return {**data, "prompts": {name: _texts_of(each) for name, each in prompts.items()}}


def _texts_of(prompt: Data) -> Data:
    if not isinstance(prompt, dict) or _BESIDE.isdisjoint(prompt):
        return prompt
    return {key: text for key, text in prompt.items() if key not in _BESIDE}


def _beside(document: Document) -> tuple[Mapping[str, BesideSource], list[Problem]]:
    """Return what the prompts of a file have beside their texts, and what is wrong with it."""
    prompts = value_at(document.data, ("prompts",))
    with_more = {
        name: each
        for name, each in (prompts.items() if isinstance(prompts, dict) else ())
        if isinstance(each, dict) and not _BESIDE.isdisjoint(each)
    }
    found = [
        problem(
            document.file, document.key_place(("prompts", name)), Code.WRONG_VALUE, _no_text(each)
        )
        for name, each in with_more.items()
        if _BESIDE.issuperset(each)
    ]
    try:
        source = _AllBeside.model_validate({"prompts": with_more})
    except ValidationError as error:
        return {}, [*found, *sentences.problems_of(error, document, _AllBeside)]
    return source.prompts, found


def _no_text(keys: Iterable[str]) -> str:
    beside = "the parameters" if _PARAMETERS in keys else f"`{_RECORDED}`"
    return f"expected a text beside {beside}, found none"


def _misfits(file: PromptFile, name: str) -> Iterator[Problem]:
    """Yield what does not fit between a prompt's parameters and the placeholders of its texts."""
    document, parameters, used = file.document, file.parameters(name), set[str]()
    for language, text in file.source.prompts[name].items():
        for placeholder in pieces(text)[1::2]:
            used.add(placeholder)
            if placeholder not in parameters:
                near = did_you_mean(placeholder, parameters)
                sentence = f"prompt `{name}` declares no parameter `{placeholder}`{near}"
                place = document.place(("prompts", name, language))
                yield problem(document.file, place, Code.PROMPT_PARAMETERS, sentence)
    for parameter in parameters:
        if parameter not in used:
            sentence = f"no text of the prompt `{name}` says its parameter `{parameter}`"
            place = document.key_place(("prompts", name, _PARAMETERS, parameter))
            yield problem(document.file, place, Code.PROMPT_PARAMETERS, sentence)


def _cut(file: PromptFile) -> Iterator[Problem]:
    """Yield the texts behind which a comment begins: mostly the key # was meant to be heard."""
    if "#" not in file.document.text:
        return
    for name, texts in file.source.prompts.items():
        for language in texts:
            place = file.document.comment_behind(("prompts", name, language))
            if place is not None:
                yield problem(file.document.file, place, Code.TEXT_CUT, CUT)


def _suffixes(file: PromptFile) -> Iterator[Problem]:
    """Yield the values that have a Turkish suffix: it would have to follow the sound of the word before it."""
    for name, texts in file.source.prompts.items():
        for found in _SUFFIX.finditer(texts.get("tr", "")) if file.parameters(name) else ():
            text, loc = texts["tr"], ("prompts", name, "tr")
            line, start = text.count("\n", 0, found.start()), text.rfind("\n", 0, found.start()) + 1
            place = file.document.place_inside(
                loc, text, Place(line + 1, found.start() - start + 1)
            )
            sentence = f"`{found[0]}` fits only some values; write the sentence so that `{found[1]}` stands alone"
            yield problem(file.document.file, place, Code.VALUE_SUFFIX, sentence)


def merged(files: Iterable[PromptFile]) -> tuple[Prompts, list[Problem]]:
    """Return the prompts of all files, and those that two files of one brand have."""
    prompts: dict[BrandId, dict[str, Entry]] = {}
    found: list[Problem] = []
    for file in files:
        document, source = file.document, file.source
        known = prompts.setdefault(BrandId(source.brand), {})
        for name, texts in source.prompts.items():
            place = document.key_place(("prompts", name))
            if name in known:
                first = known[name]
                sentence = f"prompt `{name}` is there already, in {first.file}:{first.place.line}"
                found.append(problem(document.file, place, Code.TWICE, sentence))
                continue
            known[name] = Entry(
                texts=texts,
                template=_template(texts, file.parameters(name)),
                file=document.file,
                place=place,
                recorded=file.recorded(name),
            )
    return prompts, found


def _template(texts: PromptTexts, parameters: Mapping[str, Parameter]) -> Template | None:
    if not parameters:
        return None
    return Template(
        parameters=parameters,
        pieces={language: pieces(" ".join(text.split())) for language, text in texts.items()},
    )
