"""A flow file read as far as it can be: the checks look at what is sound in it even when parts of it are broken."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, get_args

from pydantic import TypeAdapter, ValidationError

from ivrengine.core.ids import BrandId
from ivrengine.flow import defaults
from ivrengine.flow.fields import PromptUse
from ivrengine.flow.model import AnyNode, FlowSource, Variable
from ivrengine.flow.node import Expression, Node
from ivrengine.flow.problems import Data, Loc, Place, Problem
from ivrengine.flow.source import sentences
from ivrengine.flow.source.text import Document, value_at

_NODE: Final[TypeAdapter[Node]] = TypeAdapter(AnyNode)
_KEYS: Final[Mapping[str, frozenset[str]]] = {
    tag: frozenset(field.alias or name for name, field in kind.model_fields.items())
    for kind in get_args(get_args(AnyNode)[0])
    for tag in get_args(kind.model_fields["type"].annotation)
}
"""For each node type the keys that it has."""
EVENTS: Final = ("on_error", "on_hangup", "on_max_duration")
"""The keys of a flow that lead to nodes beside ``start``."""


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
    parameters: tuple[str, ...] = ()
    returns: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    max_duration_s: float | None = None
    timezone: str | None = None
    handlers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Where ``on_error``, ``on_hangup`` and ``on_max_duration`` lead, as far as they are given."""
    broken_variables: Collection[str] = ()
    broken_nodes: Collection[str] = ()
    whole: bool = True
    """Nothing was left out."""
    prompts: Mapping[str, tuple[tuple[Loc, str | PromptUse], ...]] = dataclasses.field(init=False)
    """For each node the prompts that it uses, and where it says so."""
    expressions: Mapping[str, tuple[Expression, ...]] = dataclasses.field(init=False)
    """For each node its expressions, those for the parameters of prompts among them."""

    def __post_init__(self) -> None:
        """Ask the nodes once what all checks want to know of them."""
        prompts = {name: tuple(node.prompts()) for name, node in self.nodes.items()}
        expressions = {
            name: (*node.expressions(), *_for_parameters(prompts[name]))
            for name, node in self.nodes.items()
        }
        object.__setattr__(self, "prompts", prompts)
        object.__setattr__(self, "expressions", expressions)

    @property
    def file(self) -> str:
        """The file's name in problems."""
        return self.document.file

    def place(self, *loc: str | int) -> Place:
        """Return the place of a value in the file; of what a node inherits, where the flow's defaults have it."""
        if len(loc) > 2 and loc[0] == "nodes" and not self._is_own(loc):  # noqa: PLR2004 - nodes, name, key
            return self.document.place(("defaults", *loc[2:]))
        return self.document.place(loc)

    def _is_own(self, loc: Loc) -> bool:
        """Tell whether a node says itself what stands there, or nobody does."""
        inherited = value_at(self.document.data, ("defaults", loc[2]))
        own = value_at(self.document.data, loc[:3])
        if isinstance(own, str) and loc[3:4] not in {(), ("to",)}:
            own = None  # only an exit: the rest of it is inherited
        elif isinstance(own, dict) and len(loc) > 3 and loc[3] not in own:  # noqa: PLR2004
            own = None
        return own is not None or inherited is None

    def place_in(self, loc: Loc, expression: Expression, inside: Place) -> Place:
        """Return the place of a character of an expression whose scalar is at ``loc``."""
        before = expression.before
        moved = Place(inside.line, inside.column + len(before)) if before else inside
        return self.document.place_inside(loc, before + expression.text, moved)

    def key_place(self, *loc: str | int) -> Place:
        """Return the place of a key in the file."""
        return self.document.key_place(loc)


def _for_parameters(uses: Iterable[tuple[Loc, str | PromptUse]]) -> Iterator[Expression]:
    """Yield the values given to parameters of prompts, which the checks hold against what those are said as."""
    for loc, use in uses:
        if isinstance(use, PromptUse):
            for name, text in use.with_.items():
                yield Expression(loc=(*loc, "with", name), text=text)


def read(document: Document) -> tuple[Draft, list[Problem]]:
    """Return the draft of a flow, and what of its file is not in the language."""
    data = _with_defaults(document.data)
    try:
        source = FlowSource.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        broken = {sentences.resolved(FlowSource, detail["loc"]).loc[:2] for detail in details}
        return _salvaged(document, data, broken), sentences.problems_of(error, document, FlowSource)
    draft = Draft(
        document=document,
        flow=source.flow,
        brand=BrandId(source.brand),
        languages=source.languages,
        start=source.start,
        variables=source.variables,
        nodes=source.nodes,
        parameters=source.parameters,
        returns=source.returns,
        max_duration_s=source.max_duration_s,
        timezone=source.timezone,
        handlers={key: to for key in EVENTS if (to := getattr(source, key)) is not None},
    )
    return draft, []


def _with_defaults(data: Data) -> Data:
    """Return the data of a flow's file with each node's own keys completed by the flow's defaults."""
    given = value_at(data, ("defaults",))
    nodes = value_at(data, ("nodes",))
    if not isinstance(data, dict) or not isinstance(given, dict) or not isinstance(nodes, dict):
        return data
    given = defaults.sound(given)
    completed: dict[str, Data] = {}
    for name, node in nodes.items():
        kind = node.get("type") if isinstance(node, dict) else None
        known = _KEYS.get(kind, frozenset()) if isinstance(kind, str) else frozenset()
        fitting = {key: value for key, value in given.items() if key in known and value is not None}
        completed[name] = defaults.applied(fitting, node) if fitting else node
    return {**data, "nodes": completed}


def _salvaged(document: Document, data: Data, broken: Collection[Loc]) -> Draft:
    """Return the parts of a flow's file under which nothing is broken."""
    brand = _text(document, broken, "brand")
    languages = value_at(document.data, ("languages",))
    listed = [languages] if isinstance(languages, str) else languages
    sound = isinstance(listed, list) and all(loc[0] != "languages" for loc in broken if loc)
    nodes = _members(data, broken, "nodes")
    variables = _members(data, broken, "variables")
    return Draft(
        document=document,
        flow=_text(document, broken, "flow"),
        brand=None if brand is None else BrandId(brand),
        languages=tuple(map(str, listed)) if sound and isinstance(listed, list) else (),
        start=_text(document, broken, "start"),
        timezone=_text(document, broken, "timezone"),
        variables={name: Variable.model_validate(data) for name, data in variables.items() if data},
        nodes={name: _NODE.validate_python(data) for name, data in nodes.items() if data},
        handlers={key: to for key in EVENTS if (to := _text(document, broken, key)) is not None},
        broken_variables=[name for name, data in variables.items() if not data],
        broken_nodes=[name for name, data in nodes.items() if not data],
        whole=False,
    )


def _text(document: Document, broken: Collection[Loc], key: str) -> str | None:
    value = value_at(document.data, (key,))
    return value if isinstance(value, str) and (key,) not in broken else None


def _members(data: Data, broken: Collection[Loc], key: str) -> dict[str, object]:
    """Return the members of a mapping at ``key``; those in which something is broken as None."""
    members = value_at(data, (key,))
    if not isinstance(members, dict):
        return {}
    return {name: None if (key, name) in broken else data for name, data in members.items()}
