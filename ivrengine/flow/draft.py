"""A flow file read as far as it can be: the checks look at what is sound in it even when parts of it are broken."""

import dataclasses
from collections.abc import Collection, Mapping
from typing import Final

from pydantic import TypeAdapter, ValidationError

from ivrengine.core.ids import BrandId
from ivrengine.flow import sentences
from ivrengine.flow.model import AnyNode, FlowSource, Variable
from ivrengine.flow.node import Node
from ivrengine.flow.problems import Place, Problem
from ivrengine.flow.text import Document, Loc

_NODE: Final[TypeAdapter[Node]] = TypeAdapter(AnyNode)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A flow on its way through the compiler; a part that is broken is None or left out."""

    document: Document
    flow: str | None
    brand: BrandId | None
    languages: tuple[str, ...]
    start: str | None
    variables: Mapping[str, Variable]
    nodes: Mapping[str, Node]
    broken_variables: Collection[str] = ()
    broken_nodes: Collection[str] = ()
    whole: bool = True
    """Nothing was left out."""

    @property
    def file(self) -> str:
        """The file's name in problems."""
        return self.document.file

    def place(self, *loc: str | int) -> Place:
        """Return the place of a value in the file."""
        return self.document.place(loc)

    def key_place(self, *loc: str | int) -> Place:
        """Return the place of a key in the file."""
        return self.document.key_place(loc)


def read(document: Document) -> tuple[Draft, list[Problem]]:
    """Return the draft of a flow, and what of its file is not in the language."""
    try:
        source = FlowSource.model_validate(document.data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        broken = {sentences.resolved(FlowSource, detail["loc"]).loc[:2] for detail in details}
        return _salvaged(document, broken), sentences.problems_of(error, document, FlowSource)
    draft = Draft(
        document=document,
        flow=source.flow,
        brand=BrandId(source.brand),
        languages=source.languages,
        start=source.start,
        variables=source.variables,
        nodes=source.nodes,
    )
    return draft, []


def _salvaged(document: Document, broken: Collection[Loc]) -> Draft:
    """Return the parts of a flow's file under which nothing is broken."""
    brand = _text(document, broken, "brand")
    languages = sentences.value_at(document.data, ("languages",))
    listed = [languages] if isinstance(languages, str) else languages
    sound = isinstance(listed, list) and all(loc[0] != "languages" for loc in broken if loc)
    nodes = _members(document, broken, "nodes")
    variables = _members(document, broken, "variables")
    return Draft(
        document=document,
        flow=_text(document, broken, "flow"),
        brand=None if brand is None else BrandId(brand),
        languages=tuple(map(str, listed)) if sound and isinstance(listed, list) else (),
        start=_text(document, broken, "start"),
        variables={name: Variable.model_validate(data) for name, data in variables.items() if data},
        nodes={name: _NODE.validate_python(data) for name, data in nodes.items() if data},
        broken_variables=[name for name, data in variables.items() if not data],
        broken_nodes=[name for name, data in nodes.items() if not data],
        whole=False,
    )


def _text(document: Document, broken: Collection[Loc], key: str) -> str | None:
    value = sentences.value_at(document.data, (key,))
    return value if isinstance(value, str) and (key,) not in broken else None


def _members(document: Document, broken: Collection[Loc], key: str) -> dict[str, object]:
    """Return the members of a mapping at ``key``; those in which something is broken as None."""
    members = sentences.value_at(document.data, (key,))
    if not isinstance(members, dict):
        return {}
    return {name: None if (key, name) in broken else data for name, data in members.items()}
