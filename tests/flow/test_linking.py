"""Flows and the sub-flows that they call, as a folder has them."""

from pathlib import Path

import pytest

from ivrengine.core.ids import BrandId
from ivrengine.flow.checking.linking import DEPTH_MAX
from tests.flow.folder import SOUND, load

ACME = BrandId("acme")
CALLS = """
flow: main
brand: acme
languages: [tr, en]
variables: {flat: {type: int, default: 0}, name: {type: string}}
start: ask
nodes:
  ask:
    type: call
    flow: asking
    with: {tries: flat + 1}
    results: {name: found_name}
    returns: {found: hello, lost: bye}
  hello: {type: play, prompt: welcome, next: which}
  which: {type: switch, cases: [{when: name == 'none', to: ask}], otherwise: bye}
  bye: {type: hangup}
"""
ASKING = """
flow: asking
brand: acme
languages: [tr, en]
variables: {tries: {type: int}, found_name: {type: string, default: none}}
parameters: tries
returns: {found: found_name, lost: []}
start: look
nodes:
  look: {type: switch, cases: [{when: tries > 0, to: found}], otherwise: lost}
  found: {type: return, by: found}
  lost: {type: return, by: lost}
"""
FILES = SOUND | {"main.yaml": CALLS, "asking.yaml": ASKING}


def test_a_flow_has_the_flows_that_it_calls_and_needs_no_number_for_them(tmp_path: Path) -> None:
    book, told = load(tmp_path, FILES)
    assert told == []
    main = book.flows[ACME, "main"]
    assert main.subflows == {"asking": book.flows[ACME, "asking"]}


def test_a_change_in_a_sub_flow_is_another_version_of_the_flow_that_calls_it(
    tmp_path: Path,
) -> None:
    before, _ = load(tmp_path / "1", FILES)
    after, _ = load(
        tmp_path / "2", FILES | {"asking.yaml": ASKING.replace("tries > 0", "tries > 1")}
    )
    hashes = [book.flows[ACME, "main"].ref.hash for book in (before, after)]
    assert hashes[0] != hashes[1]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (
            {"main.yaml": CALLS.replace("flow: asking", "flow: askin")},
            "main.yaml:10:11: error unknown-flow: brand `acme` has no flow `askin`; did you mean `asking`?",
        ),
        (
            {"main.yaml": CALLS.replace("{tries:", "{trys:")},
            "main.yaml:11:18: error subflow-misfit: the flow `asking` has no parameter `trys`; did you mean `tries`?",
        ),
        (
            {"main.yaml": CALLS.replace("flat + 1", "name")},
            "main.yaml:11:19: error expression-type: expected an expression of type int for `tries`, found one of type "
            "string",
        ),
        (
            {"main.yaml": CALLS.replace("lost: bye", "gone: bye")},
            "main.yaml:13:29: error subflow-misfit: the flow `asking` has no return `gone`",
        ),
        (
            {"main.yaml": CALLS.replace(", lost: bye", "")},
            "main.yaml:13:5: error subflow-misfit: the flow `asking` may return by `lost`, which leads nowhere here",
        ),
        (
            {"main.yaml": CALLS.replace("found_name}", "tries}")},
            "main.yaml:12:21: error subflow-misfit: the flow `asking` hands back no variable `tries`",
        ),
        (
            {"main.yaml": CALLS.replace("{name: found_name}", "{flat: found_name}")},
            "main.yaml:12:21: error subflow-misfit: `flat` is of type int, `found_name` of the flow `asking` of type "
            "string",
        ),
        (
            {"asking.yaml": ASKING.replace("[tr, en]", "tr")},
            "main.yaml:10:11: error subflow-misfit: the flow `asking` does not speak `en`, as this flow does",
        ),
        (
            {"asking.yaml": ASKING.replace("by: lost", "by: losst")},
            "asking.yaml:12:28: error return-undeclared: the flow declares no return `losst`; did you mean `lost`?",
        ),
        (
            {"asking.yaml": ASKING.replace("parameters: tries", "parameters: tires")},
            "asking.yaml:6:13: error unknown-variable: the flow declares no variable `tires`; did you mean `tries`?",
        ),
    ],
)
def test_what_does_not_fit_is_told_where_it_stands(
    tmp_path: Path, broken: dict[str, str], told: str
) -> None:
    book, found = load(tmp_path, FILES | broken)
    assert told in found
    assert (ACME, "main") not in book.flows


def test_a_circle_of_calls_is_refused_in_each_flow_of_it(tmp_path: Path) -> None:
    back = ASKING.replace(
        "nodes:",
        "nodes:\n  again: {type: call, flow: main, returns: {}}",
    ).replace("otherwise: lost", "otherwise: again")
    back = back.replace("returns: {}", "returns: {x: lost}")
    book, found = load(tmp_path, FILES | {"asking.yaml": back})
    circles = [line for line in found if "subflow-cycle" in line]
    assert circles == [
        "asking.yaml:10:29: error subflow-cycle: flows call one another in a circle: `asking` → `main` → `asking`",
        "main.yaml:10:11: error subflow-cycle: flows call one another in a circle: `main` → `asking` → `main`",
    ]
    assert not book.flows


def test_sub_flows_go_so_deep_and_no_deeper(tmp_path: Path) -> None:
    def level(number: int) -> str:
        down = f"{{type: call, flow: l{number + 1}, returns: {{done: back}}}}"
        last = "{type: goto, to: back}"
        return f"""
flow: l{number}
brand: acme
languages: [tr, en]
returns: {{done: []}}
start: down
nodes:
  down: {down if number < depth else last}
  back: {{type: return, by: done}}
"""

    main = CALLS.replace("flow: asking", "flow: l1").replace("    with: {tries: flat + 1}\n", "")
    main = main.replace("    results: {name: found_name}\n", "")
    main = main.replace("name == 'none'", "caller.withheld")
    main = main.replace("{found: hello, lost: bye}", "{done: hello}")
    main = main.replace("variables: {flat: {type: int, default: 0}, name: {type: string}}\n", "")
    for depth, is_sound in ((DEPTH_MAX, True), (DEPTH_MAX + 1, False)):
        levels = {f"l{n}.yaml": level(n) for n in range(1, depth + 1)}
        book, found = load(tmp_path / str(depth), SOUND | {"main.yaml": main} | levels)
        assert (found == []) is is_sound, found
        assert ((ACME, "main") in book.flows) is is_sound
    assert found == [
        "main.yaml:9:11: error subflow-depth: expected sub-flows at most 8 deep, here they go deeper"
    ]


def test_a_number_must_not_lead_to_a_sub_flow(tmp_path: Path) -> None:
    routed = SOUND["routing.yaml"].replace(
        "flow: main}", 'flow: main}, {did: "+902124440102", flow: asking}'
    )
    _, found = load(tmp_path, FILES | {"routing.yaml": routed})
    assert found == [
        "asking.yaml:2:7: error return-nowhere: a number is routed to the flow `asking`, but it returns to a flow that "
        "calls it"
    ]
