"""A file of scripted calls, as written: what is given, a dialogue, and what is expected of each call."""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ivrengine.core.call import Outcome
from ivrengine.core.effects import RecordingKind
from ivrengine.flow.fields import (
    Language,
    Name,
    Seconds,
    VariableName,
    contradiction,
    matching,
    unexpected,
)
from ivrengine.flow.problems import closest
from ivrengine.flow.source.routing import Did

SILENT: Final = "says_nothing"
HANGS_UP: Final = "hangs_up"
BY_PHONE: Final = ("answers", "is busy", "declines", "does not answer", "hangs up")
"""What somebody at a phone may do."""
A_STEP: Final = "a step such as `hears: welcome`, `presses: 1`, `waits: 10s`, says_nothing, hangs_up, or `reception answers`"
_KEYS: Final = re.compile(r"[0-9*#]{1,64}")
_NODE: Final = re.compile(r"(?:[a-z][a-z0-9_-]*/)?[a-z][a-z0-9_-]*")


def _by_name(value: object) -> object:
    """Read a step that is a word or a sentence, as ``says_nothing`` or ``reception answers``."""
    if isinstance(value, dict) and value.keys() & {"phone", "deed"}:  # ours, not the language's
        raise unexpected(A_STEP)
    if isinstance(value, dict) and (words := value.keys() & {SILENT, HANGS_UP}):
        raise unexpected(f"the step {words.pop()} without a value")
    if not isinstance(value, str):
        return value
    if value in {SILENT, HANGS_UP}:
        return {"deed": value}
    phone, _, deed = value.partition(" ")
    if deed not in BY_PHONE:
        near = closest(value.replace(" ", "_"), (SILENT, HANGS_UP))
        raise unexpected(A_STEP if near is None else f"{near}, in one word")
    return {"phone": phone, "deed": deed}


NodePath = Annotated[
    str,
    AfterValidator(matching(_NODE, "the name of a node, of a sub-flow's node as `sub-flow/node`")),
]
"""A node by its name; one of a sub-flow with the sub-flow's name before it."""


class StepSource(BaseModel):
    """One step of a dialogue: exactly one of these keys, or a sentence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hears: Annotated[str, Field(min_length=1)] | None = Field(
        default=None, description="A prompt by its name, or words that it contains."
    )
    presses: (
        Annotated[
            str, AfterValidator(matching(_KEYS, "keys of a telephone: 0 to 9, * and # (in quotes)"))
        ]
        | None
    ) = Field(default=None, description="The keys that the caller presses.")
    waits_s: Seconds | None = Field(
        default=None, alias="waits", ge=0.1, le=86_400, description="How long the caller waits."
    )
    speaks_s: Seconds | None = Field(
        default=None, alias="speaks", ge=0.1, le=3600, description="How long the caller speaks."
    )
    phone: str = Field(default="", exclude=True)
    deed: str = Field(default="", exclude=True)

    @model_validator(mode="after")
    def _one(self) -> Self:
        told = [self.hears, self.presses, self.waits_s, self.speaks_s, self.deed or None]
        if sum(each is not None for each in told) != 1:
            raise unexpected(A_STEP)
        return self


Fails = Literal["timeout", "unreachable", "not_json", "too_big", "refused"]
"""Why another system brings nothing; what its JSON lacks is found out by itself."""


class HttpSource(BaseModel):
    """What another system answers to an ``http`` node."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    content: Any = Field(
        default=None,
        alias="json",
        description="The JSON that it answers; what stands in quotes is a text, as in JSON.",
    )
    status: int = Field(default=200, ge=100, le=599, description="Its HTTP status.")
    fails: Fails | None = Field(
        default=None, description="Why there is no answer: `timeout`, `unreachable`, `not_json`, …"
    )
    after_s: Seconds = Field(
        default=0.0, alias="after", le=60, description="How long the answer takes."
    )


class HistorySource(BaseModel):
    """What happened in the caller's earlier calls."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    asked: dict[Name, Seconds] = Field(
        default_factory=dict,
        description="Surveys of which the caller was asked a question, and how long ago: `{after-call: 20d}`.",
    )


class GivenSource(BaseModel):
    """What holds when a call begins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clock: str | None = Field(
        default=None,
        description="When the call begins: `2026-11-23 10:30 Europe/Istanbul`; a Monday at noon UTC if none is given.",
    )
    caller: str | None = Field(
        default=None, description="The number of the caller, or `withheld`, as without it."
    )
    language: Language | None = Field(
        default=None, description="What the call begins in; the flow's first language if none."
    )
    variables: dict[VariableName, str] = Field(
        default_factory=dict, description="First values of the flow's variables."
    )
    phones: dict[Name, str] = Field(
        default_factory=dict,
        description="What phones do by themselves: `answers after 3s`, `is busy`, `declines`, `does not answer`, "
        "`is unreachable`. Any other phone rings until the dialogue says what becomes of it.",
    )
    http: dict[NodePath, HttpSource] = Field(
        default_factory=dict,
        description="What other systems answer, by the `http` node that asks; any other request is a failure.",
    )
    history: HistorySource = Field(
        default=HistorySource(), description="What happened in the caller's earlier calls."
    )


class ExpectSource(BaseModel):
    """What must have been so when a call is over."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcome: Outcome | None = Field(
        default=None,
        description="How the call ended; without it any end will do but the hand-over of a flow that cannot go on.",
    )
    nodes: tuple[NodePath, ...] | None = Field(
        default=None, description="Every node that the call reached, in order."
    )
    passes: tuple[NodePath, ...] = Field(
        default=(), description="Nodes that the call reached in this order, with others between."
    )
    language: Language | None = Field(default=None, description="What was spoken in the end.")
    variables: dict[VariableName, str] = Field(
        default_factory=dict, description="What variables of the flow hold in the end."
    )
    messages: tuple[str, ...] = Field(
        default=(),
        description="The text messages that were sent, in order: words of each. Any other message is a failure.",
    )
    notes: dict[str, str] = Field(
        default_factory=dict,
        description="What was noted about the call. Any other note is a failure.",
    )
    answers: dict[str, int] = Field(
        default_factory=dict,
        description="What was answered to questions of a survey. Any other answer is a failure.",
    )
    recordings: tuple[RecordingKind, ...] = Field(
        default=(), description="The recordings that were kept. Any other is a failure."
    )

    @model_validator(mode="after")
    def _nodes_or_passes(self) -> Self:
        if self.nodes is not None and self.passes:
            raise contradiction("passes", "expected either `nodes` or `passes`")
        return self


class CallSource(BaseModel):
    """One scripted call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="What the call shows, in a few words."
    )
    given: GivenSource = Field(
        default=GivenSource(),
        description="What holds for this call, beside the file's own `given`.",
    )
    dialogue: Annotated[
        tuple[Annotated[StepSource, BeforeValidator(_by_name)], ...],
        Field(min_length=1, max_length=500),
    ] = Field(description="What is heard and done, step by step; anything else is a failure.")
    expect: ExpectSource = Field(
        default=ExpectSource(), description="What must have been so when the call is over."
    )


class ScriptSource(BaseModel):
    """A file of scripted calls."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flow: Name | None = Field(default=None, description="The flow that is called.")
    did: Did | None = Field(
        default=None, description="Instead of `flow`: the number that is called."
    )
    brand: Name | None = Field(
        default=None, description="The flow's brand, if several brands have a flow of that name."
    )
    given: GivenSource = Field(
        default=GivenSource(), description="What holds for every call of the file."
    )
    calls: Annotated[tuple[CallSource, ...], Field(min_length=1, max_length=1000)] = Field(
        description="The calls."
    )

    @model_validator(mode="after")
    def _flow_or_did(self) -> Self:
        if (self.flow is None) == (self.did is None):
            raise contradiction("flow", "expected either `flow` or `did`")
        return self
