"""A flow: its model as written in YAML, and the compiled form that ``step`` runs."""

import dataclasses
from collections.abc import Mapping
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
)

from ivrengine.core.call import Call, FlowRef, Value
from ivrengine.core.ids import BrandId
from ivrengine.flow.defaults import Defaults
from ivrengine.flow.expressions import CelType
from ivrengine.flow.fields import (
    Language,
    Name,
    Seconds,
    VariableName,
    Zone,
    contradiction,
    one_or_many,
)
from ivrengine.flow.node import Kit, Node
from ivrengine.flow.nodes.call import CallFlow
from ivrengine.flow.nodes.collect import Collect
from ivrengine.flow.nodes.goto import Goto
from ivrengine.flow.nodes.hangup import Hangup
from ivrengine.flow.nodes.hours import Hours
from ivrengine.flow.nodes.http import Http
from ivrengine.flow.nodes.language import Language as LanguageNode
from ivrengine.flow.nodes.menu import Menu
from ivrengine.flow.nodes.note import Note
from ivrengine.flow.nodes.play import Play
from ivrengine.flow.nodes.record import Record
from ivrengine.flow.nodes.return_ import ReturnNode
from ivrengine.flow.nodes.say import Say
from ivrengine.flow.nodes.set import Set
from ivrengine.flow.nodes.sms import Sms
from ivrengine.flow.nodes.split import Split
from ivrengine.flow.nodes.survey import Survey
from ivrengine.flow.nodes.switch import Switch
from ivrengine.flow.nodes.transfer import Transfer
from ivrengine.flow.nodes.voicemail import Voicemail
from ivrengine.flow.nodes.wait import Wait

AnyNode = Annotated[
    Play
    | Say
    | Menu
    | Collect
    | Switch
    | Hours
    | Split
    | Set
    | Wait
    | Voicemail
    | Record
    | LanguageNode
    | Survey
    | Sms
    | Note
    | Transfer
    | Http
    | CallFlow
    | ReturnNode
    | Goto
    | Hangup,
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


_ONE_OR_MANY = BeforeValidator(one_or_many, json_schema_input_type=str | list[str])
Returned = Annotated[tuple[VariableName, ...], _ONE_OR_MANY, Field(max_length=32)]
"""The variables that a sub-flow hands back."""


def _each_once(languages: tuple[str, ...]) -> tuple[str, ...]:
    for index, language in enumerate(languages):
        if language in languages[:index]:
            raise contradiction(index, f"`{language}` is listed twice")
    return languages


class FlowSource(BaseModel):
    """A flow, as written in one YAML file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flow: Name = Field(description="The flow's name, unique within its brand.")
    brand: Name = Field(description="The brand (tenant) that the flow belongs to.")
    languages: Annotated[
        tuple[Language, ...],
        _ONE_OR_MANY,
        Field(min_length=1, max_length=16),
        AfterValidator(_each_once),
    ] = Field(description="The languages that the flow speaks; calls begin in the first.")
    variables: Annotated[dict[VariableName, Variable], Field(max_length=64)] = Field(
        default_factory=dict, description="The variables of the flow, with their types."
    )
    parameters: Annotated[tuple[VariableName, ...], _ONE_OR_MANY, Field(max_length=32)] = Field(
        default=(),
        description="Of a sub-flow: the variables whose first values are given by the flow that calls it.",
    )
    returns: Annotated[dict[Name, Returned], Field(max_length=32)] = Field(
        default_factory=dict,
        description="Of a sub-flow: the ways in which it ends by name, each with the variables whose values go back.",
    )
    defaults: Defaults = Field(
        default=Defaults(),
        description="What holds for every node of the flow that asks, unless the node says otherwise.",
    )
    timezone: Zone | None = Field(
        default=None,
        description="Where the clock hangs by which the flow tells callers dates and times of instants: `Europe/Istanbul`.",
    )
    max_duration_s: Seconds | None = Field(
        default=None,
        alias="max_duration",
        ge=10,
        le=86_400,
        description="How long a call may be in this flow and its sub-flows; a talk is never cut, but the flow does not go on "
        "after it.",
    )
    on_max_duration: Name | None = Field(
        default=None,
        description="Where to go when that time is over, once; the flow's `on_error` if none is given.",
    )
    on_error: Name | None = Field(
        default=None,
        description="Where to go when a node without `error` fails; without it the caller hears an apology and goes to a person.",
    )
    on_hangup: Name | None = Field(
        default=None,
        description="Where to go on without the caller when the caller hangs up; for nodes that nobody listens to.",
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
    kit: Kit
    text: str
    """The file as it stood, to be stored with the calls that ran on it."""
    parameters: tuple[str, ...] = ()
    returns: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    max_duration_s: float | None = None
    on_max_duration: str | None = None
    on_error: str | None = None
    on_hangup: str | None = None
    subflows: "Mapping[str, Flow]" = dataclasses.field(default_factory=dict)
    """Every flow that this one calls, or that those call, by name; each at the version that this one was compiled with."""

    def running(self, call: Call) -> "Flow":
        """Return the flow that a call which began with this one is in now."""
        return self.subflows[call.subflow] if call.subflow else self
