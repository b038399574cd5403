"""What is said of values on their ways through a flow, and what is not said."""

import pytest

from ivrengine.flow.checking import dataflow, variables
from ivrengine.flow.problems import Code
from ivrengine.flow.source import draft
from ivrengine.flow.source.text import read_text
from tests.flow.walk import HEADER

ASK = "type: collect, prompt: p, into: x, max_digits: 4, no_match: bye"
READ = "type: switch, cases: [{when: x == '7', to: bye}], otherwise: bye"
END = "  bye: {type: hangup}\n"


def codes(nodes: str, variable: str = "x: {type: string}", more: str = "") -> list[Code]:
    source = f"{HEADER}variables: {{{variable}}}\n{more}start: a\nnodes:\n{nodes}{END}"
    document, _ = read_text(source, "f")
    assert document is not None
    candidate, found = draft.read(document)
    compiled, wrong = variables.compile_all(candidate)
    assert [*found, *wrong] == []
    return [problem.code for problem in dataflow.check(candidate, compiled.programs)]


def test_what_every_way_sets_is_set() -> None:
    assert codes(f"  a: {{{ASK}, next: b, no_input: bye}}\n  b: {{{READ}}}\n") == []


def test_what_silence_leaves_empty_is_told() -> None:
    nodes = f"  a: {{{ASK}, next: b, no_input: b}}\n  b: {{{READ}}}\n"
    assert codes(nodes) == [Code.PERHAPS_UNSET]
    assert codes(nodes, "x: {type: string, default: none}") == []
    assert codes(nodes, more="parameters: x\n") == []


def test_what_no_way_sets_before_is_an_error() -> None:
    nodes = f"  a: {{{READ.replace('otherwise: bye', 'otherwise: b')}}}\n  b: {{{ASK}, next: bye, no_input: bye}}\n"
    assert codes(nodes) == [Code.UNSET_VARIABLE]


def test_what_only_a_loop_sets_before_is_perhaps_unset() -> None:
    nodes = f"  a: {{{READ.replace('otherwise: bye', 'otherwise: b')}}}\n  b: {{{ASK}, next: a, no_input: bye}}\n"
    assert codes(nodes) == [Code.PERHAPS_UNSET]


@pytest.mark.parametrize("handler", ["on_error", "on_hangup", "on_max_duration"])
def test_a_handler_begins_with_what_may_be_unset(handler: str) -> None:
    nodes = f"  a: {{{ASK}, next: b, no_input: bye}}\n  b: {{{READ}}}\n"
    assert codes(nodes, more=f"{handler}: b\n") == [Code.PERHAPS_UNSET]


def test_a_count_or_a_mark_may_begin_with_nothing() -> None:
    counted = """
  a: {type: switch, cases: [{when: n > 2, to: bye}], otherwise: b}
  b: {type: set, assign: {n: n + 1}, next: a}
"""
    assert codes(counted, "n: {type: int}") == []
    marked = """
  a: {type: switch, cases: [{when: asked, to: bye}], otherwise: b}
  b: {type: set, assign: {asked: 'true'}, next: a}
"""
    assert codes(marked, "asked: {type: bool}") == []


def test_what_only_counts_itself_is_never_read() -> None:
    assert codes("  a: {type: set, assign: {n: n + 1}, next: bye}\n", "n: {type: int}") == [
        Code.UNREAD_VARIABLE
    ]


def test_a_word_in_quotes_and_a_field_are_no_variables() -> None:
    nodes = "  a: {type: switch, cases: [{when: \"call.language == 'x' || caller.mask != 'x'\", to: bye}], otherwise: bye}\n"
    assert codes(nodes, "x: {type: string, default: a}") == []
    assert codes(nodes, "mask: {type: string}") == []


def test_nothing_is_said_of_nodes_that_nobody_reaches() -> None:
    nodes = f"  a: {{type: goto, to: bye}}\n  b: {{{READ}}}\n"
    assert codes(nodes) == []


def test_a_condition_that_is_the_same_in_every_call_is_told() -> None:
    case = "{when: %s, to: bye}"
    for condition, told in {
        "'true'": [Code.CONSTANT_CONDITION],
        "1 + 1 == 3": [Code.CONSTANT_CONDITION],
        "1 / 0 == 1": [Code.CONSTANT_CONDITION],
        "caller.withheld || !caller.withheld": [],
    }.items():
        cases = case % condition
        nodes = f"  a: {{type: switch, cases: [{cases}], otherwise: bye}}\n"
        assert codes(nodes, "") == told, condition


def test_a_thousand_nodes_and_sixty_variables_are_followed_at_once() -> None:
    declared = ", ".join(f"v{n}: {{type: int}}" for n in range(60))
    chain = "".join(
        f"  n{i}: {{type: set, assign: {{v{i % 60}: v{i % 60} + 1}}, next: n{i + 1}}}\n"
        for i in range(990)
    )
    nodes = f"  a: {{type: goto, to: n0}}\n{chain}  n990: {{type: goto, to: a}}\n"
    assert set(codes(nodes, declared, "on_error: n5\n")) == {Code.UNREAD_VARIABLE}


def test_of_what_is_keyed_in_secret_only_the_length_is_read() -> None:
    ask = f"  a: {{{ASK}, sensitive: yes, next: b, no_input: bye}}\n"
    for condition, told in {
        "size(x) == 4": [],
        "size( x ) > 4 && call.language == 'x'": [],
        "x == '1234'": [Code.SENSITIVE_READ],
        "size(x + x) == 4": [Code.SENSITIVE_READ, Code.SENSITIVE_READ],
    }.items():
        nodes = f'{ask}  b: {{type: switch, cases: [{{when: "{condition}", to: bye}}], otherwise: bye}}\n'
        assert codes(nodes) == told, condition


@pytest.mark.parametrize(
    "node",
    [
        "type: say, say: [{digits: x}], next: bye",
        "type: note, set: {code: x}, next: bye",
        "type: sms, text: {tr: 'Kod {x}'}, next: bye, no_number: bye",
        "type: http, url: 'https://erp.example.com/{x}', next: bye, failed: bye",
        "type: http, url: 'https://erp.example.com/', query: {code: x}, next: bye, failed: bye",
        "type: http, method: POST, url: 'https://erp.example.com/', body: {code: x}, next: bye, failed: bye",
        "type: set, assign: {x: x + x}, next: bye",
    ],
)
def test_no_node_tells_what_is_keyed_in_secret(node: str) -> None:
    ask = f"  a: {{{ASK}, sensitive: yes, next: b, no_input: bye}}\n"
    assert Code.SENSITIVE_READ in codes(f"{ask}  b: {{{node}}}\n")
