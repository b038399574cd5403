"""What was read of a folder of flows so far: its surroundings, and of each flow what the checks over all of them need."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from ivrengine.core.ids import BrandId
from ivrengine.flow.checking import linking, overheard
from ivrengine.flow.model import Flow
from ivrengine.flow.outside import Outside
from ivrengine.flow.problems import Code, Place, Problem, problem
from ivrengine.flow.source import routing, schedule_files
from ivrengine.flow.source.shelf import Shelf


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the checks over all flows need to know of a flow once its file has been let go of."""

    brand: BrandId | None
    flow: str | None
    file: str
    place: Place
    """Of its name."""
    prompts: Collection[str]
    schedules: Collection[str]
    interface: linking.Interface
    course: overheard.Course | None

    @property
    def whole(self) -> bool:
        """Whether all of it could be understood."""
        return self.interface.whole


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one file of a flow comes to."""

    problems: list[Problem]
    seen: Seen | None = None
    """None if the file said nothing that could be understood."""
    key: linking.Key | None = None
    """Of a flow with which nothing is wrong."""
    flow: Flow | None = None

    def without_flow(self) -> "Part":
        """Return it without the flow itself, whose programs cannot leave their process."""
        return dataclasses.replace(self, flow=None)


Spread = Callable[[Callable[[Path], Part], Sequence[Path]], Iterable[Part]]
"""Applies a function to each of the files, and yields what it returns in the same order."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Read:
    """What was read of a folder."""

    routing_file: routing.Routing | None = None
    outside: Outside | None = None
    shelf: Shelf = dataclasses.field(default_factory=Shelf)
    schedules: schedule_files.Schedules = schedule_files.NONE
    seen: list[Seen] = dataclasses.field(default_factory=list)
    first: dict[tuple[BrandId | None, str | None], Seen] = dataclasses.field(default_factory=dict)
    all_seen: bool = True
    """False if a file of a flow said nothing that could be understood."""
    problems: list[Problem] = dataclasses.field(default_factory=list)

    def note(self, part: Part) -> linking.Key | None:
        """Take in what a file comes to, and return the key of its flow if nothing is wrong with it."""
        self.problems += part.problems
        seen = part.seen
        if seen is None:
            self.all_seen = False
            return None
        self.seen.append(seen)
        earlier = self.first.setdefault((seen.brand, seen.flow), seen)
        if earlier is seen or not (seen.brand and seen.flow):
            return part.key
        where = f"{earlier.file}:{earlier.place.line}"
        sentence = f"brand `{seen.brand}` has the flow `{seen.flow}` already, in {where}"
        self.problems.append(problem(seen.file, seen.place, Code.TWICE, sentence))
        return None

    def take(self, part: Part) -> Flow | None:
        """Take in what a file comes to, and return its flow if nothing is wrong with it."""
        return part.flow if self.note(part) is not None else None

    def brand_names(self) -> list[str] | None:
        """Return the names of all brands, sound or broken; None if nothing can be said of them."""
        return (self.routing_file.names() or None) if self.routing_file is not None else None

    def knows_all_flows(self) -> bool:
        """Tell whether every flow could be read to its end, and its brand is one."""
        names = self.brand_names()
        return self.all_seen and all(
            seen.whole and (names is None or seen.brand in names) for seen in self.seen
        )

    def interfaces(self) -> dict[linking.Key, linking.Interface]:
        """Return what flows have to know of one another."""
        return {key: seen.interface for key, seen in self._known().items()}

    def sound(self, flows: Iterable[linking.Key]) -> list[linking.Key]:
        """Return those of the flows that fit the others, and note what does not fit between them."""
        known, interfaces = self._known(), self.interfaces()
        misfits = [*linking.check(interfaces), *linking.too_deep(interfaces)]
        misfits += overheard.check({key: it.course for key, it in known.items() if it.course})
        if not self.knows_all_flows():
            misfits = [misfit for misfit in misfits if misfit.code is not Code.UNKNOWN_FLOW]
        self.problems += misfits
        broken = {misfit.file for misfit in misfits}
        return [key for key in flows if known[key].file not in broken]

    def _known(self) -> dict[linking.Key, Seen]:
        found = self.first.values()
        return {(seen.brand, seen.flow): seen for seen in found if seen.brand and seen.flow}
