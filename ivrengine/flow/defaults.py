"""What a node that asks does about silence and wrong answers, and the defaults that a flow has for all of them.

As in VoiceXML 2.0 (5.2, event handlers with ``count``): silences and wrong answers are counted each for themselves, and
the first is met otherwise than the second.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ivrengine.flow.fields import Name, Prompt, Prompts, Seconds, one_or_many_prompts
from ivrengine.flow.problems import Data

ATTEMPTS_MAX: Final = 10
"""Nobody presses a right key at the eleventh asking; it bounds how long one node can hold a line without input."""


def _only_exit(value: object) -> object:
    """Read a single name as where to go."""
    return {"to": value} if isinstance(value, str) else value


Reprompts = Annotated[
    tuple[Prompts, ...],
    BeforeValidator(
        one_or_many_prompts, json_schema_input_type=Prompt | list[Prompt | list[Prompt]]
    ),
    Field(max_length=ATTEMPTS_MAX),
]
"""Prompts by the count of what they answer to: one, or a list of prompts (or of lists that are played as one)."""


class DefaultReaction(BaseModel):
    """What follows silence or a wrong answer at nodes that do not say it themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reprompts: Reprompts = Field(
        default=(),
        description="Played in place of the question: the first the first time, the second the second time, the last ever "
        "after. None: the question again.",
    )
    to: Name | None = Field(
        default=None, description="Where to go when it has been asked often enough."
    )


class Reaction(DefaultReaction):
    """What follows silence or a wrong answer."""

    to: Name = Field(description="Where to go when it has been asked often enough.")

    def reprompt(self, count: int) -> Prompts | None:
        """Return what is played in place of the question after the ``count``-th time; None for the question itself."""
        return self.reprompts[min(count, len(self.reprompts)) - 1] if self.reprompts else None


Reacting = Annotated[Reaction, BeforeValidator(_only_exit, json_schema_input_type=Name | Reaction)]
"""Where to go, or a mapping that also says what is played before that."""
DefaultReacting = Annotated[
    DefaultReaction, BeforeValidator(_only_exit, json_schema_input_type=Name | DefaultReaction)
]
"""The same in a flow's defaults."""


class Defaults(BaseModel):
    """What holds for every node of a flow that asks, unless the node says otherwise."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_s: Seconds | None = Field(
        default=None,
        alias="timeout",
        ge=0.5,
        le=60,
        description="How long to wait for the first key after the prompt.",
    )
    inter_digit_timeout_s: Seconds | None = Field(
        default=None,
        alias="inter_digit_timeout",
        ge=0.5,
        le=30,
        description="How long to wait for the next key before the entry counts as ended.",
    )
    attempts: int | None = Field(
        default=None, ge=1, le=ATTEMPTS_MAX, description="How often to ask before taking an exit."
    )
    invalid_prompt: Prompts | None = Field(
        default=None, description="Played before the question when an answer was not understood."
    )
    no_input: DefaultReacting | None = Field(
        default=None, description="What follows when nothing is pressed."
    )
    no_match: DefaultReacting | None = Field(
        default=None, description="What follows when what is pressed has no meaning."
    )


def sound(data: dict[str, Data]) -> dict[str, Data]:
    """Return the defaults of a file that are right in themselves: what is wrong with the others is not told at each node."""
    try:
        Defaults.model_validate(data)
    except ValidationError as error:
        broken = {detail["loc"][0] for detail in error.errors(include_url=False)}
        return {key: value for key, value in data.items() if key not in broken}
    return data


def applied(defaults: Mapping[str, Data], node: Data) -> Data:
    """Return the data of a node with the defaults for what it does not say itself; a reaction inherits key by key."""
    if not isinstance(node, dict):
        return node
    merged = {**defaults, **node}
    for key in ("no_input", "no_match"):
        given, own = defaults.get(key), node.get(key)
        if given is not None and own is not None:
            merged[key] = _merged(_only_exit(given), _only_exit(own))
    return merged


def _merged(given: object, own: object) -> Any:  # noqa: ANN401 - what it is, the models say
    return {**given, **own} if isinstance(given, dict) and isinstance(own, dict) else own
