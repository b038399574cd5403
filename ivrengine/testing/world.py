"""The world of scripted calls for tests in Python: a caller and the phones of a brand, led step by step by a plain function.

Time is virtual and stands still between two steps. A step that goes otherwise than expected raises ``DivergenceError``.
"""

import asyncio
import functools
from collections.abc import Collection, Coroutine, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from ivrengine.core.call import Call, Value
from ivrengine.core.effects import SendMessage
from ivrengine.flow.book import Book
from ivrengine.flow.load import load_folder
from ivrengine.flow.model import Flow
from ivrengine.flow.problems import any_error, did_you_mean
from ivrengine.numbers import normal
from ivrengine.sim.clock import VirtualLoop
from ivrengine.testing.given import Given, Replies, behaviour, instant
from ivrengine.testing.playing import ground_of
from ivrengine.testing.reading import known_prompts
from ivrengine.testing.seen import Wanted
from ivrengine.testing.visit import UNROUTED, Ground, Visit, nodes_of

T = TypeVar("T")
DEFAULT_COUNTRY: Final = "TR"


class FlowsError(ValueError):
    """The flows of a test have errors, or not the flow that it calls."""


class World:
    """Flows with an engine, a switch and people for each call; to be closed, as by ``with``."""

    def __init__(self, folder: Path) -> None:
        """Take the flows of a folder; raises ``FlowsError`` if they have errors."""
        self._ground = _ground(folder)
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._visits: list[Visit] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all calls."""
        for visit in self._visits:
            self._run(visit.close())
        self._visits.clear()
        self._runner.close()

    def call(  # noqa: PLR0913 - what is given, each by its name
        self,
        flow: str,
        *,
        clock: str | None = None,
        caller: str | None = None,
        language: str | None = None,
        variables: Mapping[str, Value] | None = None,
        phones: Mapping[str, str] | None = None,
        http: Mapping[str, Replies] | None = None,
        asked: Mapping[str, timedelta] | None = None,
    ) -> "CallerOnTheLine":
        """Let somebody call a flow, by its name or a number, with what is given as in a script."""
        chosen, did = self._called(flow)
        changes: dict[str, Any] = {} if clock is None else {"at": instant(clock)}
        given = Given(
            number=self._number(caller, chosen),
            language=language,
            variables=variables or {},
            phones={name: behaviour(does) for name, does in (phones or {}).items()},
            http=http or {},
            asked=asked or {},
            **changes,
        )
        visit = self._run(_opened(self._ground, chosen, given, did))
        self._visits.append(visit)
        prompts = known_prompts(self._ground.book, chosen)
        return CallerOnTheLine(visit, self._run, prompts)

    def phone(self, name: str) -> "PhoneAtHand":
        """Return a phone of the brand that was called last."""
        if not self._visits:
            raise FlowsError("nobody has called yet: a phone is one of the brand that is called")
        return PhoneAtHand(name, self._visits[-1], self._run)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def _called(self, wanted: str) -> tuple[Flow, str]:
        book = self._ground.book
        routed = book.route(wanted)
        if routed is not None:
            return routed, wanted
        named = [flow for (_, name), flow in book.flows.items() if name == wanted]
        if len(named) != 1:
            known = [name for _, name in book.flows]
            raise FlowsError(f"there is no flow `{wanted}`{did_you_mean(wanted, known)}")
        key = named[0].brand, named[0].ref.name
        dids = (did for did, to in book.routes.exact.items() if to == key)
        return named[0], next(dids, UNROUTED)

    def _number(self, caller: str | None, flow: Flow) -> str | None:
        if caller is None:
            return None
        brand = self._ground.book.brands.get(flow.brand)
        number = normal.e164(caller, brand.country if brand else DEFAULT_COUNTRY)
        if number is None:
            raise ValueError(f"expected a phone number such as +90 532 123 45 67, found {caller!r}")
        return number


class CallerOnTheLine:
    """Somebody who calls, led by a test."""

    def __init__(self, visit: Visit, run: Any, prompts: Collection[str]) -> None:  # noqa: ANN401 - of any result
        self._visit = visit
        self._run = run
        self._prompts = prompts

    def hears(self, *wanted: str) -> None:
        """Hear these prompts (by name) or words, one after the other, and nothing else before."""
        for each in wanted:
            named = each in self._prompts
            self._run(self._visit.hears(Wanted(prompt=each) if named else Wanted(words=each)))

    def presses(self, keys: str) -> None:
        """Press keys."""
        self._run(self._visit.presses(keys))

    def waits(self, for_s: float) -> None:
        """Let time pass."""
        self._run(self._visit.waits(for_s))

    def speaks(self, for_s: float) -> None:
        """Say something of that length."""
        self._run(self._visit.speaks(for_s))

    def says_nothing(self) -> None:
        """Let the time pass in which the flow waits for a key."""
        self._run(self._visit.says_nothing())

    def hangs_up(self) -> None:
        """Put the receiver down."""
        self._run(self._visit.hangs_up())

    def ends(self) -> Call:
        """Wait until the call is over, and return it; nothing else may happen before."""
        call: Call = self._run(self._visit.ends())
        return call

    @property
    def nodes(self) -> list[str]:
        """The nodes that the call has reached; those of a sub-flow are written ``sub-flow/node``."""
        return nodes_of(self._visit.steps)

    @property
    def variables(self) -> Mapping[str, Value]:
        """What the variables of the flow that runs hold now."""
        return {} if self._visit.call is None else self._visit.call.variables

    @property
    def messages(self) -> list[str]:
        """The text messages that were sent so far."""
        return [e.text for e in self._visit.steps.decided() if isinstance(e, SendMessage)]


class PhoneAtHand:
    """A phone that rings, and what somebody there does."""

    def __init__(self, name: str, visit: Visit, run: Any) -> None:  # noqa: ANN401 - of any result
        self._name = name
        self._visit = visit
        self._run = run

    def answers(self) -> None:
        """Pick up when it rings, and talk with the caller."""
        self._run(self._visit.answers(self._name))

    def is_busy(self) -> None:
        """Be busy when it would ring."""
        self._run(self._visit.is_busy(self._name))

    def declines(self) -> None:
        """Turn the call away."""
        self._run(self._visit.declines(self._name))

    def does_not_answer(self) -> None:
        """Ring until the flow gives up."""
        self._run(self._visit.does_not_answer(self._name))

    def hangs_up(self) -> None:
        """End the talk."""
        self._run(self._visit.phone_hangs_up(self._name))


async def _opened(ground: Ground, flow: Flow, given: Given, did: str) -> Visit:
    visit = Visit(ground, flow, given, did)
    visit.begin()
    return visit


@functools.lru_cache(maxsize=8)
def _ground(folder: Path) -> Ground:
    """Return the flows of a folder, read once for all tests of a run."""
    book, problems = load_folder(folder)
    if any_error(problems):
        raise FlowsError("\n".join(str(problem) for problem in problems))
    return ground_of(_checked(book, folder), folder)


def _checked(book: Book, folder: Path) -> Book:
    if not book.flows:
        raise FlowsError(f"there is no flow in {folder}")
    return book
