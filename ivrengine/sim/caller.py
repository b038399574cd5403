"""A simulated caller: a person who calls a number and follows a script, or is led by hand."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from ivrengine.sim import script as intentions
from ivrengine.sim.hearing import TALK, Heard
from ivrengine.sim.party import Receiver

if TYPE_CHECKING:
    from ivrengine.sim.exchange import Exchange


class Caller(Receiver):
    """One caller and their call."""

    __slots__ = ("_heard_before", "_runs", "_script", "_timers", "did", "number")

    def __init__(
        self, exchange: "Exchange", *, did: str, number: str | None, script: intentions.Script
    ) -> None:
        super().__init__(exchange)
        self.did = did
        self.number = number
        self._script = script
        self._timers: list[asyncio.TimerHandle] = []
        self._runs: list[_Run] = []
        self._heard_before: dict[str, int] = {}

    @property
    def name(self) -> str:
        """Say who it is to those they talk with."""
        return "caller"

    def call(self) -> None:
        """Dial; the script begins to run."""
        self.channel = self.exchange.arrive(self, self.did, self.number)
        if self._script.patience_s is not None:
            self._later(self._script.patience_s, self._have_enough)
        if self._script.steps or self._script.reflexes:
            self.ear.listen(self._on_sound)
        self._follow(self._script.steps)

    def sent_on(self) -> None:
        """Wait for a person of the fallback, for a while."""
        super().sent_on()
        self._later(self._script.fallback_s, self.hang_up)

    def ended(self, cause: int) -> None:
        """Forget all intentions."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._runs.clear()
        super().ended(cause)

    def _have_enough(self) -> None:
        if not self.ear.hears_sound(TALK):
            self.hang_up()

    def _later(self, delay_s: float, act: Callable[[], None]) -> None:
        now_s = asyncio.get_running_loop().time()
        self._timers = [timer for timer in self._timers if timer.when() > now_s]
        self._timers.append(asyncio.get_running_loop().call_later(delay_s, act))

    def _follow(self, steps: tuple[intentions.Step, ...]) -> None:
        if steps:
            run = _Run(self, steps)
            self._runs.append(run)
            run.go_on()

    def _on_sound(self, heard: Heard) -> None:
        for run in tuple(self._runs):
            run.hear(heard)
        if heard.until_s is not None:
            return
        for reflex in self._script.reflexes:
            if heard.names(reflex.prompt):
                before = self._heard_before.get(reflex.prompt, 0)
                self._heard_before[reflex.prompt] = before + 1
                self._follow(reflex.does[min(before, len(reflex.does) - 1)])


class _Run:
    """Steps under way; several may be, for a reflex does not wait for what else the caller intends."""

    __slots__ = ("_caller", "_steps", "_waits_for")

    def __init__(self, caller: Caller, steps: tuple[intentions.Step, ...]) -> None:
        self._caller = caller
        self._steps = list(steps)
        self._waits_for: intentions.Hear | None = None

    def go_on(self) -> None:
        """Do the next step, if the line is still up."""
        if self._caller.cause is not None:
            return
        if not self._steps:
            self._caller._runs.remove(self)  # noqa: SLF001 - a caller and its runs are one thing
            return
        match self._steps.pop(0):
            case intentions.Wait(for_s=for_s):
                self._after(for_s, self.go_on)
            case intentions.Say(for_s=for_s):
                self._caller.say(for_s)
                self._after(for_s, self.go_on)
            case intentions.HangUp(after_s=after_s):
                self._after(after_s, self._caller.hang_up)
            case intentions.Press() as step:
                self._press(step)
            case intentions.Hear() as step:
                self._listen(step)
            case never:
                assert_never(never)

    def hear(self, heard: Heard) -> None:
        """Go on if this is what the run waits for."""
        step = self._waits_for
        if step is None or not heard.names(step.prompt):
            return
        if step.to_end is (heard.until_s is not None):
            self._waits_for = None
            self.go_on()

    def _listen(self, step: intentions.Hear) -> None:
        if not step.to_end and self._caller.ear.hears(step.prompt):
            self.go_on()
        else:
            self._waits_for = step

    def _press(self, step: intentions.Press) -> None:
        def key() -> None:
            self._caller.press(step.digits[0])
            rest = step.digits[1:]
            if rest:
                self._steps.insert(
                    0, intentions.Press(digits=rest, after_s=step.gap_s, gap_s=step.gap_s)
                )
            self.go_on()

        self._after(step.after_s, key)

    def _after(self, delay_s: float, act: Callable[[], None]) -> None:
        if delay_s > 0:
            self._caller._later(delay_s, act)  # noqa: SLF001
        else:
            act()
