"""Ids name the Asterisk node that their thing lives on."""

from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core import ids
from ivrengine.core.ids import NodeName


@given(node=st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True), local=st.text(max_size=40))
def test_node_and_local_part_come_back(node: str, local: str) -> None:
    subject = ids.on_node(NodeName(node), local)
    assert ids.node_of(subject) == node
    assert ids.local_part(subject) == local


def test_only_ids_that_the_engine_chose_are_ours() -> None:
    assert ids.is_ours(ids.on_node(NodeName("ast1"), f"{ids.OURS}abc-p1"))
    assert not ids.is_ours("ast1:1732213.7")
    assert not ids.is_ours("ivr-x:1732213.7"), "a node may be called as it likes"
