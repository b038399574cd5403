"""What pydantic finds is said in our words, whatever a file holds."""

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.flow.checking import check, variables
from ivrengine.flow.problems import any_error
from ivrengine.flow.source import draft, prompt_texts, routing, text

WORDS = """
    flow brand languages variables start nodes type prompt next menu play collect switch set transfer goto hangup
    language choices no_input no_match cases when to otherwise assign into max_digits timeout bye hello 1 # * no 5s
    0s 99h -1 1e9 tr turkish int string default brands routes did prefix phones endpoint name country caller_keys
    prompts PJSIP/a +90 x n caller.withheld
"""
WORD = st.sampled_from(WORDS.split())
SCALARS = WORD | st.text(alphabet="aZ0:#*ş'\" ", max_size=8)
TREES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORD, inner, max_size=6),
    max_leaves=30,
)
NODES = st.dictionaries(WORD, st.dictionaries(WORD, TREES, max_size=8) | SCALARS, max_size=4)
NOTHING = check.Surroundings(brands=[], phones=[], prompts={})
PARTS = ("flow", "brand", "languages", "variables", "start", "odd")
FLOWS = st.fixed_dictionaries({}, optional=dict.fromkeys(PARTS, TREES) | {"nodes": NODES})


def as_document(data: object) -> text.Document | None:
    document, _ = text.read_text(yaml.safe_dump(data, default_style="'", allow_unicode=True), "f")
    return document


@given(data=FLOWS | TREES)
def test_every_fault_of_a_flow_is_a_sentence_of_ours(data: Any) -> None:
    document = as_document(data)
    if document is None:
        return
    candidate, found = draft.read(document)
    assert candidate.whole is not any_error(found)
    found += variables.compile_all(candidate)[1]
    found += check.check_graph(candidate)
    found += check.check_names(candidate, NOTHING, check.named_prompts(candidate))
    for problem in found:
        assert "is not right here" not in problem.sentence, "a kind of error without a sentence"
        assert "\n" not in problem.sentence


@given(data=TREES | st.fixed_dictionaries({"brands": TREES}))
def test_every_fault_of_a_routing_file_is_a_sentence_of_ours(data: Any) -> None:
    document = as_document(data)
    if document is not None:
        _, found = routing.read(document)
        assert all("is not right here" not in problem.sentence for problem in found)


@given(data=TREES | st.fixed_dictionaries({"brand": WORD, "prompts": TREES}))
def test_every_fault_of_a_file_of_prompts_is_a_sentence_of_ours(data: Any) -> None:
    document = as_document(data)
    if document is not None:
        _, found = prompt_texts.read(document)
        assert all("is not right here" not in problem.sentence for problem in found)


def test_a_misspelt_key_is_told_once_and_not_as_missing_too() -> None:
    source = "flow: a\nbrand: b\nlanguages: tr\nstart: n\nnodes:\n  n: {type: goto, too: n}\n"
    document, _ = text.read_text(source, "f")
    assert document is not None
    _, found = draft.read(document)
    assert [str(problem) for problem in found] == [
        "f:6:19: error unknown-key: unknown key `too`; did you mean `to`?"
    ]


def test_a_node_called_like_its_type_or_like_a_key_confuses_nothing() -> None:
    source = """
flow: a
brand: b
languages: tr
start: menu
nodes:
  menu: {type: menu, menu: {prompt: 1}, prompt: p, choices: {1: to}, no_input: to, no_match: to}
  to: {type: goto, to: [menu]}
  type: {type: goto, too: menu}
"""
    document, _ = text.read_text(source, "f")
    assert document is not None
    _, found = draft.read(document)
    assert [str(problem) for problem in found] == [
        "f:7:22: error unknown-key: unknown key `menu`",
        "f:8:24: error wrong-value: expected a text, found a list",
        "f:9:22: error unknown-key: unknown key `too`; did you mean `to`?",
    ]
