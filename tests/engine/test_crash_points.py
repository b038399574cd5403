"""The engine dies at every point of every example flow and is started again: each kind of effect comes to what its row says.

A point is before and after each write of the journal, and before and after each request. To repeat one, name it:
``pytest "tests/engine/test_crash_points.py::test_whatever_the_point_every_caller_goes_on[broken off]"`` says which failed.
"""

import asyncio
import contextlib
import dataclasses
import itertools
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, assert_never, get_args

import pytest

from ivrengine.core import effects, events
from ivrengine.core.after_crash import AFTER_CRASH, AfterCrash
from ivrengine.core.call import Call, Phase
from ivrengine.core.effects import Effect
from ivrengine.core.events import LegSeen
from ivrengine.engine.performing import subject_of
from ivrengine.engine.reconciling import STRANGE_S
from ivrengine.sim.caller import Caller
from tests.engine.a_house import House, a_house
from tests.engine.books import check_the_books, check_the_switch, kinds_of
from tests.engine.crash_paths import PATHS, CrashPath, examples
from tests.engine.elsewhere import Elsewhere
from tests.engine.law import ONCE
from tests.engine.tapping import Asked, Seen, Written

GAP_S: Final = 0.3
SETTLED_S: Final = 0.1
"""Nothing takes any time in this house but prompts, keys and phones."""
ENDS_WITHIN_S: Final = 600.0
SILENT_STAGES: Final = frozenset({"listen", "over"})
"""In which a node waits for keys, or for the word that the caller has gone."""
ANOTHER_PART: Final = frozenset({"StopMonitoring", "KeepRecording", "StartMonitoring"})
BOOK: Final = examples()


class Fuse:
    """Lets the engine die at the n-th point, if there are so many; remembers what it saw."""

    def __init__(self, blows_at: int | None = None) -> None:
        self.points: list[Seen] = []
        self.asked: list[Asked] = []
        """All requests, of both engines."""
        self.steps: list[Written] = []
        """All that is in the journal."""
        self.house: House
        self.blown = asyncio.Event()
        self._blows_at = blows_at

    def __call__(self, seen: Seen) -> None:
        if isinstance(seen, Asked) and seen.when == "before":
            self.asked.append(seen)
        if isinstance(seen, Written) and seen.when == "after":
            self.steps.append(seen)
        if self.blown.is_set():
            return
        self.points.append(seen)
        if self._blows_at == len(self.points) - 1:
            if seen.when == "before" and isinstance(seen, Asked):
                self.asked.pop()  # it never was
            self.house.kill()
            self.blown.set()
            raise asyncio.CancelledError


class Run:
    """One call, with a death in it or without."""

    def __init__(self, house: House, fuse: Fuse, caller: Caller) -> None:
        self.house = house
        self.fuse = fuse
        self.caller = caller
        self.left_at: Written | None = None
        """The last step that the dead engine journaled."""
        self.since: list[Written] = []
        """The steps of the engine after it."""
        self.asked_since: list[Asked] = []

    @property
    def over(self) -> bool:
        """Whether the caller has gone, or a person of the fallback has them."""
        return self.caller.cause is not None or self.caller.fallback

    async def until_death(self) -> None:
        """Let the call come to the point at which its engine dies."""
        blown = asyncio.ensure_future(self.fuse.blown.wait())
        gone = asyncio.ensure_future(self.caller.gone())
        await asyncio.wait((blown, gone), return_when=asyncio.FIRST_COMPLETED)
        for wait in (blown, gone):
            wait.cancel()
        await asyncio.sleep(GAP_S)

    async def next_engine(self) -> None:
        """Start another engine, and let it find out and do what is to be done at once."""
        steps, asked = len(self.fuse.steps), len(self.fuse.asked)
        self.left_at = self.fuse.steps[-1] if self.fuse.steps else None
        await self.house.restart()
        await asyncio.sleep(SETTLED_S if self.left_at else STRANGE_S + SETTLED_S)
        self.since, self.asked_since = self.fuse.steps[steps:], self.fuse.asked[asked:]

    async def to_its_end(self) -> None:
        """Let the call come to its end, and see that nothing is left of it."""
        if self.caller.cause is None:
            await self.caller.gone()
        await asyncio.sleep(ENDS_WITHIN_S)
        assert not self.house.engine.calls()
        check_the_books(self.house)
        check_the_switch(self.house)


@contextlib.asynccontextmanager
async def a_run(folder: Path, path: CrashPath, fuse: Fuse) -> AsyncIterator[Run]:
    elsewhere = Elsewhere()
    async with a_house(
        folder,
        BOOK,
        phones=path.all_phones(),
        started_at=path.started_at,
        tap=fuse,
        fetching=elsewhere,
        lookups=elsewhere,
    ) as house:
        fuse.house = house
        caller = house.switch.call(path.did, number=path.number, script=path.script())
        meddling = asyncio.ensure_future(path.meddling(house)) if path.meddling else None
        try:
            yield Run(house, fuse, caller)
        finally:
            if meddling is not None:
                meddling.cancel()


def check_it_goes_on(run: Run) -> None:
    """See that the call goes on at its node at once, and that whoever lives hears something or is cared for."""
    before = run.left_at.call if run.left_at else None
    if before is not None and before.phase is not Phase.ENDED:
        first = run.since[0]
        kinds = [type(effect).__name__ for effect in first.effects]
        assert kinds.count("Play") <= 1
        if isinstance(first.event, events.Resumed) and first.event.joined:
            assert set(kinds) <= {"DropDigits", *ANOTHER_PART}, "a talk is left alone"
        if isinstance(first.event, events.Resumed) and before.phase is not Phase.LEAVING:
            left = [effect for effect in first.effects if isinstance(effect, effects.LeaveNode)]
            phone_gone = before.cursor.leg_id is not None and first.event.leg is LegSeen.NONE
            told = was_telling(run)
            assert bool(left) is (phone_gone or told), "the call goes on at its node"
            assert left or first.call.cursor.attempt == before.cursor.attempt
    waits = any(call.cursor.stage in SILENT_STAGES for call in run.house.engine.calls())
    asks = any(call.cursor.request_id is not None for call in run.house.engine.calls())
    assert run.over or waits or asks or run.caller.ear.hears_sound()


def was_telling(run: Run) -> bool:
    """Tell whether the call waited for an answer to what is not told twice."""
    assert run.left_at is not None
    steps = run.fuse.steps[: -len(run.since)] if run.since else run.fuse.steps
    told = {
        effect.request_id
        for step in steps
        for effect in step.effects
        if isinstance(effect, effects.Submit)
    }
    return run.left_at.call.cursor.request_id in told


def check_row(run: Run, effect: Effect) -> None:
    """See that an effect whose fate the dead engine did not learn came to what its row says."""
    call = next(iter(run.house.engine.calls()), None)
    match AFTER_CRASH[type(effect)]:
        case AfterCrash.REPEAT:
            assert _is_so(run, effect, call)
        case AfterCrash.BEGIN_AGAIN if isinstance(effect, effects.Fetch | effects.FindAnswers):
            kind = type(effect).__name__
            again = [asked.subject for asked in run.asked_since if asked.kind == kind]
            assert effect.request_id not in again
            assert run.over or len(again) == 1
        case AfterCrash.NEVER_REPEAT if isinstance(effect, effects.Submit):
            again = [asked.subject for asked in run.asked_since if asked.kind == "Submit"]
            assert effect.request_id not in again
            assert run.over or call is None or call.cursor.request_id != effect.request_id
        case AfterCrash.BEGIN_AGAIN:
            _check_it_began_again(run, effect)
        case AfterCrash.LOOK_UP:
            assert _is_so(run, effect, call)
        case AfterCrash.NEVER_REPEAT:
            assert isinstance(effect, effects.Dial)
            again = [asked.subject for asked in run.asked_since if asked.kind == "Dial"]
            assert effect.channel_id not in again
        case AfterCrash.SET_AGAIN:
            assert isinstance(effect, effects.StartTimer)
            timer_id = None if call is None else call.cursor.timer_id
            assert timer_id != effect.timer_id
            assert timer_id is not None or run.over or run.caller.ear.hears_sound("talk:")
        case AfterCrash.WRITTEN:
            kinds = [kind for row in run.house.rows() for kind in kinds_of(row)]
            assert type(effect).__name__ in kinds
        case never:
            assert_never(never)


def _check_it_began_again(run: Run, effect: Effect) -> None:
    exchange = run.house.switch.exchange
    kinds = {type(effect).__name__}
    match effect:
        case effects.Play():
            under_way: set[str] = {*exchange.playbacks}
            own: str = effect.playback_id
        case effects.StartRecording():  # the tone comes first
            under_way, own, kinds = {*exchange.recordings.live}, effect.recording_id, {"Play"}
        case effects.StartMonitoring():
            under_way, own = {*exchange.recordings.live}, effect.recording_id
        case effects.ResumeRecording():
            under_way, own = {*exchange.recordings.live}, effect.recording_id
            kinds = {"StartMonitoring"}
        case _:
            assert isinstance(effect, effects.PauseRecording)
            assert not exchange.recordings.live
            return
    again = [asked.subject for asked in run.asked_since if asked.kind in kinds]
    assert own not in again
    assert own not in under_way
    assert run.over or again


def _is_so(run: Run, effect: Effect, call: Call | None) -> bool:
    """Tell whether the switch is as it was to be by an effect, if the call has not gone on from there."""
    exchange, ear = run.house.switch.exchange, run.caller.ear
    rings = call is not None and call.cursor.stage == "ring"
    match effect:
        case effects.Answer():
            return run.caller.up or run.over
        case effects.StartMusic() | effects.StopMusic():
            return ear.hears_sound("music:") is rings or run.over
        case effects.CreateBridge() | effects.AddToBridge() | effects.RemoveFromBridge():
            talks = call is not None and call.cursor.bridge_id == effect.bridge_id
            return ear.hears_sound("talk:") is talks or run.over
        case (
            effects.StopPlayback()
            | effects.DestroyBridge()
            | effects.HangUp()
            | effects.StopRecording()
            | effects.DiscardRecording()
            | effects.StopMonitoring()
        ):
            there: set[str] = {*exchange.playbacks, *exchange.bridges, *exchange.channels}
            recordings = exchange.recordings
            there |= {*recordings.live, *recordings.monitors}
            if isinstance(effect, effects.DiscardRecording):
                there |= recordings.stored.keys()
            return subject_of(effect) not in there
        case _:
            return run.over  # SendToFallback


def check_the_requests(run: Run) -> None:
    """See that no phone was dialled, no prompt played and nothing recorded or asked twice."""
    for kind in ONCE:
        asked = Counter(each.subject for each in run.fuse.asked if each.kind == kind)
        assert set(asked.values()) <= {1}, f"{kind} was asked for twice under one id"


def under_way(run: Run, seen: Seen) -> list[Effect]:
    """Return the effects of which the dead engine did not know whether they were done."""
    match seen:
        case Written():
            return list(seen.effects) if seen.when == "after" else []
        case Asked():
            assert run.left_at is not None
            steps = reversed(run.fuse.steps)
            decided = [effect for step in steps for effect in step.effects]
            return [effect for effect in decided if names(effect, seen)][:1]


def names(effect: Effect, asked: Asked) -> bool:
    """Tell whether this is the request that an effect leads to."""
    fields = dataclasses.asdict(effect).values()
    return type(effect).__name__ == asked.kind and asked.subject in fields


async def survive(folder: Path, path: CrashPath, point: int) -> list[Effect]:
    """Let the engine die at that point, and see that the call comes to its end all the same; return what was under way."""
    fuse = Fuse(point)
    async with a_run(folder, path, fuse) as run:
        await run.until_death()
        if not fuse.blown.is_set():
            return []  # the call was over before: shuffled otherwise than in the rehearsal
        await run.next_engine()
        check_it_goes_on(run)
        found = under_way(run, fuse.points[-1])
        for effect in found:
            check_row(run, effect)
        await run.to_its_end()
        check_the_requests(run)
        return found


async def rehearse(folder: Path, path: CrashPath) -> list[str]:
    """Return the points of a call in which nobody dies, in words by which they are told apart."""
    fuse = Fuse()
    async with a_run(folder, path, fuse) as run:
        await run.to_its_end()
    return [words(seen) for seen in fuse.points]


def words(seen: Seen) -> str:
    match seen:
        case Written():
            kinds = [type(effect).__name__ for effect in seen.effects]
            return f"{seen.when} {type(seen.event).__name__} at {seen.call.node}: {kinds}"
        case Asked():
            return f"{seen.when} {seen.kind}"


async def fresh_points(folder: Path, wanted: CrashPath) -> range:
    """Return the points of a path that no path before it has come by in the same way."""
    number = PATHS.index(wanted)
    ways = [await rehearse(folder / f"way {n}", path) for n, path in enumerate(PATHS[: number + 1])]
    shared = max((_shared(ways[-1], other) for other in ways[:-1]), default=0)
    return range(shared, len(ways[-1]))


def _shared(way: list[str], other: list[str]) -> int:
    """Return how many points both have before they part."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(way, other, strict=False))
    return len(list(same))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
async def test_wherever_the_engine_dies_the_call_goes_on_and_ends_once(
    path: CrashPath, tmp_path: Path
) -> None:
    points = await fresh_points(tmp_path, path)
    assert points
    for point in points:
        try:
            await survive(tmp_path / str(point), path, point)
        except Exception as error:
            error.add_note(f"the engine died at point {point} of the path '{path.name}'")
            raise


async def test_every_kind_of_effect_is_met(tmp_path: Path) -> None:
    met: set[type[Effect]] = set()
    for number, path in enumerate(PATHS):
        fuse = Fuse()
        async with a_run(tmp_path / str(number), path, fuse) as run:
            await run.to_its_end()
        met |= {type(effect) for step in fuse.steps for effect in step.effects}
    assert met == set(get_args(Effect))
