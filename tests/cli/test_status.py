"""How the engine is, from its parts."""

import dataclasses
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ivrengine import app
from ivrengine.asterisk.beside import Beside
from ivrengine.asterisk.lease import Lease
from ivrengine.asterisk.switch import AriSwitch
from ivrengine.cli.status import Status, nodes, parts
from ivrengine.flow.problems import Code, Problem, Severity
from ivrengine.store.shipper import State as Shipping
from ivrengine.telemetry.readiness import Check


@dataclasses.dataclass
class Part:
    """Any part of an engine, as far as it is looked at."""

    node: str = "ast1"
    up: bool = True
    healthy: bool = True
    trouble: str | None = None
    waits_for: str | None = None
    state: Shipping = Shipping.SHIPPING
    room: bool = True
    in_progress: int = 0
    calls_max: int = 10
    worst_s: float = 0.0
    name: str = "ast1"

    def has_room(self) -> bool:
        return self.room

    def calls(self) -> list[int]:
        return [0] * self.in_progress


def running(**changes: Any) -> app.Running:
    part = Part(**changes)

    class All:
        engine = journal = shipper = limits = lag = part

    return cast("app.Running", All())


def node(ami: Part | None = None, **changes: Any) -> tuple[AriSwitch, Lease, Beside]:
    part = Part(**changes)
    beside = SimpleNamespace(ami=ami)
    return cast("AriSwitch", part), cast("Lease", part), cast("Beside", beside)


def said(status: Status) -> dict[str, str]:
    return {check.name: check.why for check in status.readiness().checks if check.why}


def test_an_engine_that_starts_waits_or_stops_is_not_ready() -> None:
    status = Status([])
    assert status.readiness().word == "not ready"
    assert said(status) == {"engine": "starting"}
    status.begin("standby, as another engine runs on this data")
    assert said(status) == {"engine": "standby, as another engine runs on this data"}
    status.run()
    assert status.readiness().word == "ready"


def test_of_an_engine_that_stops_nothing_else_is_asked() -> None:
    """Its journal is closed soon, and a look would take room for it again."""
    status = Status([])

    def look() -> list[Check]:
        raise AssertionError

    status.look_at(look)
    status.begin("stopping")
    assert said(status) == {"engine": "stopping"}


@pytest.mark.parametrize(
    ("changes", "word", "name", "why"),
    [
        ({}, "ready", "", ""),
        ({"room": False}, "not ready", "journal", "the disk is full"),
        (
            {"state": Shipping.WAITING, "trouble": "nobody listens there"},
            "degraded",
            "database",
            "nobody listens there",
        ),
        ({"state": Shipping.STARTING}, "degraded", "database", "not reached yet"),
        ({"in_progress": 10}, "degraded", "calls", "10 calls in progress, which is the limit"),
        ({"worst_s": 2.5}, "degraded", "loop", "the event loop is 2.5 s late"),
    ],
)
def test_each_part_is_named_with_its_reason(
    changes: dict[str, Any], word: str, name: str, why: str
) -> None:
    status = Status([])
    status.run()
    status.look_at(lambda: parts(running(**changes)))
    assert status.readiness().word == word
    found = said(status)
    assert set(found) == ({name} if name else set())
    assert why in found.get(name, "")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"up": False}, "not connected yet"),
        ({"up": False, "trouble": "nothing listens there"}, "nothing listens there"),
        ({"healthy": False}, "ARI does not answer"),
        ({"up": False, "waits_for": "abc"}, "another engine answers its calls"),
    ],
)
def test_an_asterisk_that_gives_no_calls_makes_an_engine_with_no_other_unready(
    changes: dict[str, Any], why: str
) -> None:
    status = Status([])
    status.run()
    status.look_at(lambda: nodes([node(**changes)]))
    assert status.readiness().word == "not ready"
    assert why in said(status)["asterisk ast1"]
    status = Status([])
    status.run()
    status.look_at(lambda: nodes([node(**changes), node(node="ast2")]))
    assert status.readiness().word == "degraded"


def test_without_ami_calls_are_answered() -> None:
    status = Status([])
    status.run()
    status.look_at(lambda: nodes([node(Part(up=False, trouble="refuses the user"))]))
    assert status.readiness().word == "degraded"
    assert said(status) == {"ami ast1": "refuses the user"}


def problem(line: int, severity: Severity, code: Code) -> Problem:
    return Problem(
        file="a.yaml", line=line, column=1, severity=severity, code=code, sentence="so it is"
    )


def test_flows_that_were_left_out_are_told() -> None:
    error = problem(3, Severity.ERROR, Code.UNKNOWN_NODE)
    warning = problem(4, Severity.WARNING, Code.UNUSED_PROMPT)
    status = Status([warning, error])
    status.run()
    assert status.readiness().word == "degraded"
    assert said(status)["flows"].startswith("1 errors, the first: a.yaml:3:1: error")
    status = Status([warning])
    status.run()
    assert status.readiness().word == "ready"
