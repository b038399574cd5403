"""The reference page is current, and every example in it is a flow that runs."""

from pathlib import Path

import pytest

from ivrengine.cli import reference
from ivrengine.core.call import Outcome
from ivrengine.flow.load import load_folder
from tests.flow.walk import Walk

DOCS = Path(__file__).resolve().parents[2] / "docs"
EXAMPLES = DOCS / reference.FOLDER
TYPES = [reference.type_name(found) for found in reference.node_types()]


def test_the_page_is_current() -> None:
    written = (DOCS / reference.PAGE).read_text(encoding="utf-8")
    assert written == reference.page(EXAMPLES), (
        "write it anew: python -m ivrengine.cli.reference docs"
    )


def test_every_example_is_sound() -> None:
    _, found = load_folder(EXAMPLES)
    assert [str(problem) for problem in found] == []


@pytest.mark.parametrize("node_type", TYPES)
def test_every_node_type_has_an_example_that_runs(node_type: str) -> None:
    book, _ = load_folder(EXAMPLES)
    [flow] = [flow for flow in book.flows.values() if flow.ref.name == node_type]
    assert node_type in {node.type for node in flow.nodes.values()}
    walk = Walk(flow)
    assert walk.call.outcome is not Outcome.FALLBACK
    walk.hangs_up()
    assert walk.call.outcome in {Outcome.HUNG_UP, Outcome.COMPLETED}


def test_every_key_of_every_node_type_has_a_meaning() -> None:
    unexplained = [
        f"{reference.type_name(found)}.{name}"
        for found in reference.node_types()
        for name, field in found.model_fields.items()
        if name != "type" and not field.description
    ]
    assert unexplained == []
