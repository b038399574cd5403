"""What a simulated caller is going to do: steps one after the other, and reflexes on what is heard."""

import dataclasses
from typing import Final

KEY_GAP_S: Final = 0.2
"""Between two keys of a practised finger."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """Press keys, ``after_s`` seconds from now and ``gap_s`` apart."""

    digits: str
    after_s: float = 0.0
    gap_s: float = KEY_GAP_S


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Do nothing for a while."""

    for_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Speak for a while, and then go on."""

    for_s: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hear:
    """Wait until a prompt begins (or lasts already), or with ``to_end`` until it is over."""

    prompt: str
    to_end: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    """Put the receiver down, ``after_s`` seconds from now."""

    after_s: float = 0.0


Step = Press | Wait | Say | Hear | HangUp


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reflex:
    """What the caller does when a prompt begins: the first steps the first time, …, the last ones ever after."""

    prompt: str
    does: tuple[tuple[Step, ...], ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A caller's intentions; one with no steps listens and says nothing."""

    steps: tuple[Step, ...] = ()
    reflexes: tuple[Reflex, ...] = ()
    patience_s: float | None = None
    """After so long without anybody to talk to the caller has had enough; None: never."""
    fallback_s: float = 30.0
    """How long the caller stays once the dialplan's fallback has the call."""


SILENT: Final = Script()
"""A caller who does nothing."""


def press(digits: str, *, after_s: float = 0.0, gap_s: float = KEY_GAP_S) -> Press:
    """Press keys."""
    return Press(digits=digits, after_s=after_s, gap_s=gap_s)


def wait(for_s: float) -> Wait:
    """Do nothing for a while."""
    return Wait(for_s=for_s)


def say(for_s: float) -> Say:
    """Speak for a while."""
    return Say(for_s=for_s)


def hear(prompt: str, *, to_end: bool = False) -> Hear:
    """Wait for a prompt."""
    return Hear(prompt=prompt, to_end=to_end)


def hang_up(*, after_s: float = 0.0) -> HangUp:
    """Put the receiver down."""
    return HangUp(after_s=after_s)


def on(prompt: str, *does: Step) -> Reflex:
    """Do this whenever the prompt begins."""
    return Reflex(prompt=prompt, does=(does,))


def script(
    *parts: Step | Reflex, patience_s: float | None = None, fallback_s: float = 30.0
) -> Script:
    """Return a script of steps and reflexes."""
    return Script(
        steps=tuple(part for part in parts if not isinstance(part, Reflex)),
        reflexes=tuple(part for part in parts if isinstance(part, Reflex)),
        patience_s=patience_s,
        fallback_s=fallback_s,
    )
