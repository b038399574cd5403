"""Recordings are followed through flows and sub-flows to the places where digits are keyed in secret."""

from pathlib import Path

import pytest

from ivrengine.flow.problems import Code
from tests.flow.folder import SOUND, load

HEAD = "brand: acme\nlanguages: [tr, en]\n"
PIN = 'variables: {pin: {type: string, default: ""}}\n'
ASK = "type: collect, prompt: welcome, sensitive: yes, into: pin, max_digits: 4, no_input: bye, no_match: bye"
BEGIN = "{type: record, do: start, next: b, error: bye}"
BYE = "  bye: {type: hangup}\n"
SUB = f"""flow: sub
{HEAD}{PIN}returns: {{done: []}}
start: ask
nodes:
  ask: {{{ASK.replace("bye", "back")}, next: back}}
  back: {{type: return, by: done}}
"""
PAUSING = f"""flow: sub
{HEAD}returns: {{done: []}}
start: a
nodes:
  a: {{type: record, do: pause, next: back}}
  back: {{type: return, by: done}}
"""
FAILING = f"""flow: sub
{HEAD}returns: {{done: []}}
start: a
nodes:
  a: {{type: record, do: start, next: b}}
  b: {{type: http, url: "https://erp.example.com/a", next: c, failed: c}}
  c: {{type: record, do: stop, next: back}}
  back: {{type: return, by: done}}
"""


def places(folder: Path, nodes: str, sub: str | None = None, more: str = PIN) -> list[str]:
    """Return the files in which a recording meets what it must not have."""
    files = {"main.yaml": f"flow: main\n{HEAD}{more}start: a\nnodes:\n{nodes}{BYE}"}
    files |= {} if sub is None else {"sub.yaml": sub}
    _, found = load(folder, SOUND | files)
    assert not [each for each in found if " error " in each and Code.SENSITIVE_RECORDED not in each]
    return [each.split(":")[0] for each in found if Code.SENSITIVE_RECORDED in each]


@pytest.mark.parametrize(
    ("between", "told"),
    [
        ("{type: play, prompt: welcome, next: c}", True),
        ("{type: record, do: pause, next: c}", False),
        ("{type: record, do: stop, next: c}", False),
        ("{type: record, do: resume, next: c}", True),
    ],
)
def test_what_was_begun_runs_until_it_is_paused_or_stopped(
    between: str, told: bool, tmp_path: Path
) -> None:
    nodes = f"  a: {BEGIN}\n  b: {between}\n  c: {{{ASK}, next: bye}}\n"
    assert places(tmp_path, nodes) == ["main.yaml"] * told


def test_one_way_on_which_it_runs_is_enough(tmp_path: Path) -> None:
    nodes = f"""\
  a: {{type: menu, prompt: welcome, choices: {{1: b, 2: p}}, no_input: bye, no_match: bye}}
  b: {{type: record, do: start, next: c}}
  p: {{type: record, do: pause, next: c}}
  c: {{{ASK}, next: bye}}
"""
    assert places(tmp_path, nodes) == ["main.yaml"]


def test_what_goes_on_where_nothing_was_begun_is_no_recording(tmp_path: Path) -> None:
    nodes = f"""\
  a: {{type: record, do: resume, next: c}}
  c: {{{ASK}, next: b}}
  b: {{type: record, do: start, next: bye}}
"""
    assert places(tmp_path, nodes) == []


def test_the_second_round_of_a_loop_is_looked_at(tmp_path: Path) -> None:
    nodes = f"  a: {{{ASK}, next: r}}\n  r: {{type: record, do: start, next: a}}\n"
    assert places(tmp_path, nodes) == ["main.yaml"]


def test_an_error_may_lead_there_while_it_runs(tmp_path: Path) -> None:
    nodes = f"  a: {BEGIN}\n  b: {{type: play, prompt: welcome, next: bye}}\n  c: {{{ASK}, next: bye}}\n"
    assert places(tmp_path, nodes, more=f"{PIN}on_error: c\n") == ["main.yaml"]


def test_a_sub_flow_that_asks_is_told_in_its_own_file(tmp_path: Path) -> None:
    nodes = f"  a: {BEGIN}\n  b: {{type: call, flow: sub, returns: {{done: bye}}}}\n"
    assert places(tmp_path, nodes, SUB, more="") == ["sub.yaml"]


def test_a_sub_flow_that_is_called_before_and_after_is_not(tmp_path: Path) -> None:
    nodes = f"""\
  a: {{type: call, flow: sub, returns: {{done: r}}}}
  r: {BEGIN}
  b: {{type: record, do: pause, next: again}}
  again: {{type: call, flow: sub, returns: {{done: bye}}}}
"""
    assert places(tmp_path, nodes, SUB, more="") == []


def test_a_sub_flow_may_be_what_pauses(tmp_path: Path) -> None:
    nodes = f"""\
  a: {BEGIN}
  b: {{type: call, flow: sub, returns: {{done: c}}}}
  c: {{{ASK}, next: bye}}
"""
    assert places(tmp_path, nodes, PAUSING) == []


def test_an_error_in_a_sub_flow_leaves_what_it_began(tmp_path: Path) -> None:
    nodes = f"""\
  a: {{type: call, flow: sub, returns: {{done: c}}, error: c}}
  c: {{{ASK}, next: bye}}
"""
    assert places(tmp_path, nodes, FAILING) == ["main.yaml"]
    quiet = nodes.replace(", error: c", "")
    assert places(tmp_path, quiet, FAILING) == []
