"""What a node type is made of: a model of its YAML, and pure functions, ``enter``, ``on``, ``resume``, that answer with a move.

A node sees a *turn* (the call, the instant, the compiled expressions) and answers with a *move*: stay, leave by a named
exit, or finish the call. ``step.py`` does the rest, so that a node type is one small file.
"""

import abc
import dataclasses
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo

from pydantic import BaseModel, ConfigDict, Field

from ivrengine.core import ids
from ivrengine.core.call import Call, Cursor, DigitMode, Outcome, Phase, Value
from ivrengine.core.effects import Effect
from ivrengine.core.events import CallEvent, Resumed
from ivrengine.flow.expressions import CelType, Programs
from ivrengine.flow.fields import Name, PromptUse
from ivrengine.flow.problems import Loc
from ivrengine.flow.schedules import Schedule
from ivrengine.flow.templates import Template


def timer_id(call: Call) -> ids.TimerId:
    """Return the id of the timer that a call may start in the turn that comes next: one a turn, unique in the call."""
    return ids.TimerId(f"t{call.serial + 1}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What the compiler made of everything that a flow's nodes name: nodes find it by the text that is written there."""

    programs: Programs
    templates: Mapping[str, Template] = dataclasses.field(default_factory=dict)
    """The prompts of the flow that have parameters, by name."""
    zone: tzinfo | None = None
    """Where the clock hangs by which the flow tells the time."""
    schedules: Mapping[str, Schedule] = dataclasses.field(default_factory=dict)
    """By name."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a node may look at when it decides; ids that it chooses have the number that the call's serial comes to by it."""

    call: Call
    at: datetime
    kit: Kit

    def evaluate(self, text: str) -> Value:
        """Return the value of a compiled CEL expression; raises ``ExpressionError`` if it has none (division by zero)."""
        return self.kit.programs.evaluate(text, self.call, self.at)

    def speakable(self, text: str) -> Value | datetime | timedelta:
        """Return the value of an expression that is to be spoken; raises ``ExpressionError`` if it has none."""
        return self.kit.programs.speakable(text, self.call, self.at)

    def holds(self, condition: str) -> bool:
        """Return whether a compiled CEL condition is true; raises ``ExpressionError`` if it is neither true nor false."""
        return self.kit.programs.holds(condition, self.call, self.at)

    def playback_id(self) -> ids.PlaybackId:
        """Return the id for the playback that this turn may start."""
        return ids.PlaybackId(self._fresh("p"))

    def leg_id(self) -> ids.ChannelId:
        """Return the id for the channel that this turn may dial."""
        return ids.ChannelId(self._fresh("l"))

    def bridge_id(self) -> ids.BridgeId:
        """Return the id for the bridge that this turn may create."""
        return ids.BridgeId(self._fresh("b"))

    def timer_id(self) -> ids.TimerId:
        """Return the id for the timer that this turn may start."""
        return timer_id(self.call)

    def recording_id(self) -> ids.RecordingId:
        """Return the id for the part of the call's recording that this turn may begin."""
        return ids.RecordingId(self._fresh("r"))

    def monitor_id(self) -> ids.ChannelId:
        """Return the id for the channel through which this turn may let the call be recorded."""
        return ids.ChannelId(self._fresh("m"))

    def voicemail_id(self) -> ids.RecordingId:
        """Return the id for the message that this turn may begin to record."""
        return ids.RecordingId(self._fresh("v"))

    def request_id(self) -> ids.RequestId:
        """Return the id for the inquiry that this turn may make."""
        return ids.RequestId(f"{self.call.call_id}-q{self.call.serial + 1}")

    def message_id(self) -> ids.MessageId:
        """Return the id for the message that this turn may send."""
        return ids.MessageId(f"{self.call.call_id}-m{self.call.serial + 1}")

    def _fresh(self, letter: str) -> str:
        local = f"{ids.OURS}{self.call.call_id}-{letter}{self.call.serial + 1}"
        return ids.on_node(ids.node_of(self.call.channel_id), local)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """The node goes on waiting, with this cursor; ``digits`` says what a key means meanwhile."""

    cursor: Cursor
    effects: tuple[Effect, ...] = ()
    digits: DigitMode = DigitMode.BUFFER
    phase: Phase = Phase.IN_FLOW


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """The node is done and the call leaves by the named exit; ``assign`` gives variables their new values.

    A value that is not of its variable's declared type ends the flow as an expression without a value does.
    """

    exit: str
    effects: tuple[Effect, ...] = ()
    assign: Mapping[str, Value] = dataclasses.field(default_factory=dict)
    language: str | None = None
    """What the call speaks from now on; None: as before."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The flow is over: the caller's channel is hung up, and the call closes with this outcome when it is gone."""

    outcome: Outcome
    effects: tuple[Effect, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """The node cannot do its work: the call takes the node's ``error``, else its flow's ``on_error``, else goes to a person."""

    reason: str
    """A few words that never depend on what a caller keyed."""
    effects: tuple[Effect, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Descend:
    """The call goes through a sub-flow; ``assign`` gives the sub-flow's parameters their values."""

    subflow: str
    assign: Mapping[str, Value]
    limit_s: float | None = None
    """How long it may take at most, if the node says so."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """The sub-flow is done; the flow that called it goes on by the named return."""

    by: str
    values: tuple[str, ...] = ()
    """The variables whose values go along."""


Move = Stay | Leave | Finish | Fail | Descend | Return


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A CEL expression of a node, for the compiler: where it stands, and what it must evaluate to.

    Either ``expects`` names the type, or ``accepts`` several by CEL's names, or ``assigns`` the variable whose declared
    type it must have.
    """

    loc: Loc
    text: str
    expects: CelType | None = None
    assigns: str | None = None
    before: str = ""
    """What stands before it in its scalar, if that is more than the expression."""
    accepts: tuple[str, ...] = ()
    instead: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """For types that people give it although it does not accept them, what to write."""


class Node(BaseModel, abc.ABC):
    """A node of a flow, as written in YAML; the docstring of a node type is its text in the language reference."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)

    type: str

    @abc.abstractmethod
    def enter(self, turn: Turn) -> Move:
        """Decide what happens when the call reaches this node."""

    @abc.abstractmethod
    def on(self, turn: Turn, event: CallEvent) -> Move | None:
        """Decide what an event means to a call that stands here; None if it means nothing."""

    def resume(self, turn: Turn, event: Resumed) -> Move:
        """Decide how a call that stands here goes on after a gap: as if it had just come, unless a node knows better."""
        return self.enter(turn)

    def abandoned(self, turn: Turn) -> tuple[Effect, ...]:
        """Return what is still to be kept when the call is taken from this node: the caller left, or the flow cannot go on."""
        return ()

    @abc.abstractmethod
    def exits(self) -> Mapping[str, str | None]:
        """Return every exit by name with the node it leads to; None is an exit that ends the call politely."""

    @property
    def needs_caller(self) -> bool:
        """Tell whether the node is of no use once the caller has left: ``on_hangup`` cannot lead to it."""
        return True

    def exit_locs(self) -> Mapping[str, Loc]:
        """Return where each exit's target stands in the node's YAML, for exits that are not keys of the node itself."""
        return {}

    def prompts(self) -> Iterator[tuple[Loc, str | PromptUse]]:
        """Yield the prompts that the node may play, by their names or with values for their parameters, and their places."""
        yield from ()

    def expressions(self) -> Iterator[Expression]:
        """Yield the node's CEL expressions."""
        yield from ()

    def assigns(self) -> Iterator[tuple[Loc, str]]:
        """Yield the variables that the node gives a value, with their places."""
        yield from ()

    def phones(self) -> Iterator[tuple[Loc, str]]:
        """Yield the phones of the brand's directory that the node may ring, with their places."""
        yield from ()

    def languages(self) -> Iterator[tuple[Loc, str]]:
        """Yield the languages that the node switches to, with their places."""
        yield from ()

    def texts(self) -> Iterator[tuple[Loc, Mapping[str, str]]]:
        """Yield the node's own texts, each by language, with their places: there must be one in every language of the flow."""
        yield from ()

    def addresses(self) -> Iterator[tuple[Loc, str]]:
        """Yield the addresses of other systems that the node asks, with their places."""
        yield from ()

    def secrets(self) -> Iterator[tuple[Loc, str]]:
        """Yield the names of the secrets that the node shows to them, with their places."""
        yield from ()

    def subflow(self) -> str | None:
        """Return the name of the sub-flow that the node calls, if it does."""
        return None

    def idle_exits(self) -> Collection[str]:
        """Return the exits that a call can take although nobody does anything: a loop of them alone never ends."""
        return self.exits().keys()

    @property
    def decides(self) -> bool:
        """Tell whether the flow's own data chooses the exit, so that a loop through the node can be counted and left."""
        return False


class MayFail(Node):
    """A node whose work may fail for reasons that lie outside the call."""

    error: Name | None = Field(
        default=None,
        description="Where to go when the node fails; the flow's `on_error` if none is given, else to a person.",
    )

    def failing(self, exits: Mapping[str, str | None]) -> Mapping[str, str | None]:
        """Return the exits, and ``error`` with them if it leads somewhere."""
        return exits if self.error is None else {**exits, "error": self.error}
