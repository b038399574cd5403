"""What can happen to a caller in a test, and what a test can expect to be heard."""

import dataclasses
from typing import Final

from ivrengine.core.call import Outcome
from ivrengine.sim.hearing import Heard

SHOWN_MAX: Final = 60
"""Characters of a prompt's text that a report quotes: enough to know which it is."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hears:
    """The caller hears a prompt."""

    prompt: str
    """Its name; empty if the words were composed for this call."""
    language: str
    text: str
    sound: Heard = dataclasses.field(compare=False, repr=False)

    @property
    def is_cut_short(self) -> bool:
        """Tell whether something ended it before it was over."""
        return self.sound.until_s is not None and not self.sound.to_end

    def __str__(self) -> str:
        words = " ".join(self.text.split())
        short = words if len(words) <= SHOWN_MAX else words[: SHOWN_MAX - 1] + "…"
        return f"hears {self.prompt}: “{short}”" if self.prompt else f"hears “{short}”"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TalksTo:
    """The caller talks with somebody at a phone."""

    phone: str

    def __str__(self) -> str:
        return f"talks with {self.phone}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RingsAt:
    """A phone rings of which nobody said beforehand what it does."""

    phone: str

    def __str__(self) -> str:
        return f"{self.phone} rings"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Asks:
    """A node asks another system, and nothing was given that it answers."""

    node: str

    def __str__(self) -> str:
        return f"the node {self.node} asks another system, of which nothing is given"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """The call is over for its caller."""

    outcome: Outcome | None
    error: str | None = None
    """What was wrong with the engine, if anything was."""

    def __str__(self) -> str:
        how = "" if self.outcome is None else f" ({self.outcome.replace('_', ' ')})"
        return f"the call is over{how}" + (f" by a fault: {self.error}" if self.error else "")


Seen = Hears | TalksTo | RingsAt | Asks | Over


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be heard: a prompt by its name, or words."""

    prompt: str = ""
    words: str = ""

    def __str__(self) -> str:
        return self.prompt or f"“{self.words}”"

    def is_in(self, heard: Hears) -> bool:
        """Tell whether this is what was heard; of words a part is enough, in capitals or not."""
        if self.prompt:
            return heard.prompt == self.prompt
        return plain(self.words) in plain(heard.text)


def plain(text: str) -> str:
    """Return a text as it is compared: without capitals, and with single blanks."""
    return " ".join(text.split()).casefold()
