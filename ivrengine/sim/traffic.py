"""A plausible crowd of callers, by seed: when they call, from where, what they press, how long they put up with it."""

import dataclasses
import itertools
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final, Self

from ivrengine.sim import chance as chances
from ivrengine.sim.script import HangUp, Hear, Press, Reflex, Say, Script, Step, Wait

KEYS: Final = "0123456789*#"
REMEMBERED: Final = 500
"""Repeat callers come from so many of the last ones."""
LEAST_PATIENCE_S: Final = 5.0
TONE_S: Final = 1.5
"""Between the end of a greeting and the first word of a message."""
HOUR_S: Final = 3600.0
_OFFICE_DAY: Final = (
    *(0.2, 0.1, 0.1, 0.1, 0.1, 0.3, 0.8, 2.0, 5.5, 9.0, 10.5, 10.0),
    *(7.5, 8.5, 9.5, 9.0, 8.0, 6.5, 4.5, 3.0, 2.0, 1.5, 0.9, 0.4),
)
"""Load by the hour of a help line that people call from work: two peaks, a lunch break, a quiet night."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many calls an hour are to be expected, hour by hour; after the last the first comes again."""

    hourly: tuple[float, ...]

    @classmethod
    def steady(cls, per_s: float) -> Self:
        """Return the load of so many calls a second, always."""
        return cls(hourly=(per_s * HOUR_S,))

    @classmethod
    def office_day(cls, calls: float) -> Self:
        """Return the load of a day, from midnight, with so many calls to be expected."""
        whole = sum(_OFFICE_DAY)
        return cls(hourly=tuple(calls * hour / whole for hour in _OFFICE_DAY))

    def per_s(self, at_s: float) -> float:
        """Return the calls a second to be expected at a second of the day."""
        return self.hourly[int(at_s // HOUR_S) % len(self.hourly)] / HOUR_S


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What callers are like; shares are between 0 and 1."""

    withheld: float = 0.08
    """Who hides their number."""
    repeat: float = 0.15
    """Who has called before."""
    silent: float = 0.04
    """Who never presses a key."""
    barge_in: float = 0.4
    """Questions that are answered before they are over."""
    hesitation: float = 0.06
    """Questions that are let pass once."""
    slip: float = 0.05
    """Answers that are a wrong key."""
    patience_s: float = 150.0
    """How long they put up with it beyond the first seconds, on average (exponential)."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One caller, ``at_s`` seconds after the beginning."""

    at_s: float
    did: str
    number: str | None = dataclasses.field(repr=False)
    """E.164, or None when withheld."""
    script: Script


def visits(
    seed: int,
    dids: Sequence[str],
    *,
    load: Load,
    answers: Mapping[str, Sequence[str]],
    invitations: Sequence[str] = (),
    habits: Habits = Habits(),
) -> Iterator[Visit]:
    """Yield callers in the order of their calls, without end.

    ``answers`` gives for each prompt that asks something the keys that are right answers to it; after ``invitations``
    messages are left.
    """
    chance = chances.source(seed, "traffic")
    known: deque[str] = deque(maxlen=REMEMBERED)
    for at_s in _arrivals(chance, load):
        yield Visit(
            at_s=at_s,
            did=chance.choice(dids),
            number=_number(chance, habits, known),
            script=_script(chance, habits, answers, invitations),
        )


def _arrivals(chance: Random, load: Load) -> Iterator[float]:
    """Yield the instants of a Poisson process by thinning one of the highest load."""
    most_per_s = max(load.hourly) / HOUR_S
    at_s = 0.0
    while True:
        at_s += chance.expovariate(most_per_s)
        if chance.random() * most_per_s < load.per_s(at_s):
            yield at_s


def _number(chance: Random, habits: Habits, known: deque[str]) -> str | None:
    if chance.random() < habits.withheld:
        return None
    if known and chance.random() < habits.repeat:
        return chance.choice(known)
    number = f"+905{chance.randrange(30, 60)}000{chance.randrange(10_000):04}"
    known.append(number)
    return number


def _script(
    chance: Random,
    habits: Habits,
    answers: Mapping[str, Sequence[str]],
    invitations: Sequence[str],
) -> Script:
    patience_s = LEAST_PATIENCE_S + chance.expovariate(1 / habits.patience_s)
    if chance.random() < habits.silent:
        return Script(patience_s=patience_s)
    reflexes = tuple(
        Reflex(prompt=prompt, does=tuple(_answer(chance, habits, prompt, keys) for _ in range(3)))
        for prompt, keys in answers.items()
    )
    reflexes += tuple(
        Reflex(prompt=prompt, does=(_message(chance, prompt),)) for prompt in invitations
    )
    return Script(reflexes=reflexes, patience_s=patience_s)


def _answer(chance: Random, habits: Habits, prompt: str, keys: Sequence[str]) -> tuple[Step, ...]:
    if chance.random() < habits.hesitation:
        return ()
    digits = chance.choice(keys)
    if chance.random() < habits.slip:
        digits = chance.choice(KEYS)
    key = Press(digits=digits, after_s=chance.uniform(0.4, 2.5), gap_s=chance.uniform(0.15, 0.5))
    if chance.random() < habits.barge_in:
        return (key,)
    return (Hear(prompt=prompt, to_end=True), key)


def _message(chance: Random, prompt: str) -> tuple[Step, ...]:
    """Speak after the tone; some end with a key, some hang up, and some have nothing to say."""
    hears, says = Hear(prompt=prompt, to_end=True), Say(for_s=chance.uniform(4, 15))
    match chance.choices(("key", "gone", "nothing"), (70, 20, 10))[0]:
        case "key":
            return (hears, Wait(for_s=TONE_S), says, Press(digits="#", after_s=0.5))
        case "gone":
            return (hears, Wait(for_s=TONE_S), says, HangUp(after_s=0.5))
        case _:
            return (hears, HangUp(after_s=1.0))


def until(end_s: float, callers: Iterator[Visit]) -> Iterator[Visit]:
    """Yield the callers who call before ``end_s``."""
    return itertools.takewhile(lambda visit: visit.at_s < end_s, callers)
