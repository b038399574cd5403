"""What must be true of every journal and every switch when all is over, whatever happened before."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ivrengine.core.rows import EventRow
from ivrengine.engine.journal_reading import recover
from tests.engine.a_house import House


def streams(rows: list[EventRow]) -> Iterator[tuple[str, list[EventRow]]]:
    """Yield the rows of each call."""
    by_call = sorted(rows, key=lambda row: row.stream_id)
    for name, of_call in itertools.groupby(by_call, key=lambda row: row.stream_id):
        yield name, list(of_call)


def effects_of(row: EventRow) -> list[tuple[str, dict[str, Any]]]:
    """Return the effects of a step by their kinds."""
    return [(kind, fields) for kind, fields in json.loads(row.payload)["effects"]]


def kinds_of(row: EventRow) -> list[str]:
    return [kind for kind, _ in effects_of(row)]


def check_the_books(house: House) -> None:
    """See that every call has one gap-free stream, which ends with its only ``EndCall``, and visits nodes one by one."""
    for name, stream in streams(house.rows()):
        assert [row.seq for row in stream] == list(range(1, len(stream) + 1)), name
        ends = [row for row in stream if "EndCall" in kinds_of(row)]
        assert ends == stream[-1:], f"{name} ends once, and nothing is done after it"
        assert kinds_of(stream[-1])[-1] == "EndCall", name
        _check_visits(stream)
        _check_recordings(stream)
    assert not recover(house.folder).open_calls


def _check_visits(stream: list[EventRow]) -> None:
    inside: list[
        tuple[str, str]
    ] = []  # the node and its type, after those that called the sub-flow
    begun: Counter[str] = Counter()
    dialled = 0
    for kind, fields in (effect for row in stream for effect in effects_of(row)):
        match kind:
            case "EnterNode":
                callers = [kind for _, kind in inside]
                assert callers == ["call"] * bool(fields.get("subflow")), "left no node before"
                inside.append((fields["node"], fields["node_type"]))
                dialled = 0
            case "LeaveNode":
                assert inside.pop()[0] == fields["node"]
            case "Play":
                begun[fields["playback_id"]] += 1
            case "Dial":
                begun[fields["channel_id"]] += 1
                dialled += 1
                assert dialled == 1, "a node dials once"
            case _:
                pass
    assert {kind for _, kind in inside} <= {"call"}, "all is left but a node that called"
    assert set(begun.values()) <= {1}, "decided twice under one id"


def _check_recordings(stream: list[EventRow]) -> None:
    """See that no recording is kept twice, and none that was deleted."""
    told = [(kind, fields) for row in stream for kind, fields in effects_of(row)]
    kept = [fields["recording_id"] for kind, fields in told if kind == "KeepRecording"]
    deleted = {fields["recording_id"] for kind, fields in told if kind == "DiscardRecording"}
    assert len(kept) == len(set(kept)), "a recording is kept twice"
    assert deleted.isdisjoint(kept), "a recording is deleted and kept"


def check_the_switch(house: House) -> None:
    """See that no bridge, no leg, no playback and no recording under way is left."""
    for switch in house.switches:
        exchange = switch.exchange
        assert not exchange.bridges
        assert not [channel_id for channel_id in exchange.channels if ":ivr-" in channel_id]
        assert not exchange.playbacks
        assert not exchange.recordings.live
        assert not exchange.recordings.monitors
