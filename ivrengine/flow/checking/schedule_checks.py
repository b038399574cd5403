"""What is wrong between flows and schedules: names that mean nothing, and schedules that nobody asks."""

from collections.abc import Collection, Iterator

from ivrengine.core.ids import BrandId
from ivrengine.flow.nodes.hours import Hours
from ivrengine.flow.problems import Code, Problem, did_you_mean, problem
from ivrengine.flow.source.draft import Draft
from ivrengine.flow.source.schedule_files import Entries, Schedules


def named(draft: Draft) -> frozenset[str]:
    """Return the schedules that a flow names."""
    return frozenset(node.schedule for node in draft.nodes.values() if isinstance(node, Hours))


def check(draft: Draft, schedules: Schedules) -> Iterator[Problem]:
    """Yield the schedules and reasons that mean nothing, if all schedules are known."""
    known = schedules.of(draft.brand)
    for name, node in draft.nodes.items():
        if not isinstance(node, Hours) or not schedules.complete:
            continue
        entry = known.get(node.schedule)
        if entry is None:
            sentence = f"brand `{draft.brand}` has no schedule `{node.schedule}`{did_you_mean(node.schedule, known)}"
            place = draft.place("nodes", name, "schedule")
            yield problem(draft.file, place, Code.UNKNOWN_SCHEDULE, sentence)
            continue
        reasons = entry.schedule.reasons
        for reason in node.reasons:
            if reason not in reasons:
                sentence = (
                    f"the schedule `{node.schedule}` is never closed for the reason `{reason}`"
                    f"{did_you_mean(reason, reasons)}"
                )
                place = draft.key_place("nodes", name, "reasons", reason)
                yield problem(draft.file, place, Code.UNKNOWN_REASON, sentence)


def unused(known: Entries, used: Collection[tuple[BrandId | None, str]]) -> Iterator[Problem]:
    """Yield the schedules that no flow asks."""
    for brand, entries in known.items():
        for name, entry in entries.items():
            if (brand, name) not in used:
                sentence = f"no flow asks the schedule `{name}`"
                yield problem(entry.file, entry.place, Code.UNUSED_SCHEDULE, sentence)
