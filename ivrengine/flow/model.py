"""A flow: its model as written in YAML, and the compiled form that ``step`` runs."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field

from ivrengine.core.call import FlowRef, Value
from ivrengine.core.ids import BrandId
from ivrengine.flow.expressions import CelType, Programs
from ivrengine.flow.fields import Language, Name, VariableName, one_or_many
from ivrengine.flow.node import Node
from ivrengine.flow.nodes.collect import Collect
from ivrengine.flow.nodes.goto import Goto
from ivrengine.flow.nodes.hangup import Hangup
from ivrengine.flow.nodes.language import Language as LanguageNode
from ivrengine.flow.nodes.menu import Menu
from ivrengine.flow.nodes.play import Play
from ivrengine.flow.nodes.set import Set
from ivrengine.flow.nodes.switch import Switch
from ivrengine.flow.nodes.transfer import Transfer

AnyNode = Annotated[
    Play | Menu | Collect | Switch | Set | LanguageNode | Transfer | Goto | Hangup,
    Discriminator("type"),
]
"""Every node type: a new one is its file in ``nodes/`` and its name here."""

ZERO: Mapping[CelType, Value] = {
    CelType.STRING: "",
    CelType.INT: 0,
    CelType.DOUBLE: 0.0,
    CelType.BOOL: False,
}
"""What a declared variable holds that has no default."""


class Variable(BaseModel):
    """A variable of a flow: its type, and what it holds when the call begins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: CelType = Field(description="string, int, double or bool.")
    default: str | None = Field(
        default=None, description="Its first value; empty, zero or false if none."
    )


class FlowSource(BaseModel):
    """A flow, as written in one YAML file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flow: Name = Field(description="The flow's name, unique within its brand.")
    brand: Name = Field(description="The brand (tenant) that the flow belongs to.")
    languages: Annotated[
        tuple[Language, ...], BeforeValidator(one_or_many), Field(min_length=1, max_length=16)
    ] = Field(description="The languages that the flow speaks; calls begin in the first.")
    variables: Annotated[dict[VariableName, Variable], Field(max_length=64)] = Field(
        default_factory=dict, description="The variables of the flow, with their types."
    )
    start: Name = Field(description="The node where calls begin.")
    nodes: Annotated[dict[Name, AnyNode], Field(min_length=1, max_length=1000)] = Field(
        description="The nodes by name."
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A flow version that has passed the compiler: what ``step`` runs."""

    ref: FlowRef
    brand: BrandId
    languages: tuple[str, ...]
    start: str
    nodes: Mapping[str, Node]
    exits: Mapping[str, Mapping[str, str | None]]
    """For each node its exits, worked out once."""
    initial: Mapping[str, Value]
    """Every declared variable with its first value."""
    programs: Programs
    text: str
    """The file as it stood, to be stored with the calls that ran on it."""
