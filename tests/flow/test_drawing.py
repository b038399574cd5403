"""A flow drawn as a Mermaid flowchart."""

from pathlib import Path

from ivrengine.flow.drawing import mermaid
from ivrengine.flow.source import draft, text
from tests.flow.walk import HEADER

FLOWS = Path(__file__).resolve().parents[2] / "flows"


def drawn(source: str) -> str:
    document, _ = text.read_text(source, "f")
    assert document is not None
    candidate, found = draft.read(document)
    assert found == []
    return mermaid(candidate)


def test_a_flow_is_drawn_with_a_shape_for_what_a_node_does() -> None:
    source = f"""{HEADER}on_error: end
start: hello
nodes:
  hello: {{type: play, prompt: p, error: away, next: ask}}
  ask: {{type: menu, prompt: p, choices: {{1: sub, "#": which, "*": which}}, no_input: end, no_match: end}}
  which: {{type: switch, cases: [{{when: caller.withheld, to: end}}], otherwise: away}}
  sub: {{type: call, flow: asking, returns: {{done: away}}}}
  away: {{type: transfer, to: x, busy: end, no_answer: end, failed: end}}
  end: {{type: hangup}}
"""
    assert drawn(source).splitlines() == [
        "flowchart TD",
        '  begin(("main")) --> n0',
        '  e0(("on_error")) -.-> n5',
        '  n0["hello<br/>play"]',
        '  n1{{"ask<br/>menu"}}',
        '  n2{"which<br/>switch"}',
        '  n3[["sub<br/>call asking"]]',
        '  n4[/"away<br/>transfer"\\]',
        '  n5(["end<br/>hangup"])',
        "  n0 --> n1",
        '  n0 -.->|"error"| n4',
        '  n1 -->|"1"| n3',
        '  n1 -->|"#35;, *"| n2',
        '  n1 -->|"no_input, no_match"| n5',
        '  n2 -->|"case 1"| n5',
        '  n2 -->|"otherwise"| n4',
        '  n3 -->|"done"| n4',
        '  n4 -->|"busy, no_answer, failed"| n5',
    ]


def test_every_node_of_the_example_flows_is_drawn_the_same_every_time() -> None:
    for path in sorted(FLOWS.glob("*-*.yaml")):
        source = path.read_text(encoding="utf-8")
        document, _ = text.read_text(source, "f")
        assert document is not None
        candidate, _ = draft.read(document)
        picture = mermaid(candidate)
        assert picture == drawn(source)
        assert all(f'"{name}<br/>' in picture for name in candidate.nodes)
