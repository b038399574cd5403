"""What is known of phones and trunks: the newest word on each, and nothing of a node that tells nothing."""

from datetime import UTC, datetime

import structlog
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.core.ids import NodeName
from ivrengine.core.switching import (
    FallbackSeen,
    PhoneSeen,
    PhoneState,
    SightLost,
    SwitchEnding,
    TrunkSeen,
)
from ivrengine.engine import reachability
from ivrengine.engine.sight import Watch
from ivrengine.telemetry import metrics

AT = datetime(2026, 3, 4, tzinfo=UTC)
AST1, AST2 = NodeName("ast1"), NodeName("ast2")

_nodes = st.sampled_from([AST1, AST2])
_sights = st.one_of(
    st.builds(
        PhoneSeen,
        at=st.just(AT),
        node=_nodes,
        endpoint=st.sampled_from(["PJSIP/a", "PJSIP/b", "PJSIP/c"]),
        state=st.sampled_from(PhoneState),
    ),
    st.builds(
        TrunkSeen,
        at=st.just(AT),
        node=_nodes,
        trunk=st.sampled_from(["t", "u"]),
        up=st.booleans(),
        reason=st.just("Reachable"),
    ),
    st.builds(FallbackSeen, at=st.just(AT), node=_nodes, waiting=st.integers(0, 200)),
    st.builds(SightLost, at=st.just(AT), node=_nodes),
    st.builds(SwitchEnding, at=st.just(AT), node=_nodes, again=st.booleans()),
)


@given(st.lists(_sights, max_size=40))
def test_the_newest_word_counts_until_sight_is_lost(sights: list[reachability.Sight]) -> None:
    known: reachability.Reachability = {}
    expected: dict[tuple[str, str], PhoneState] = {}
    for sight in sights:
        before = known
        held = dict(known)
        known = reachability.seen(known, sight)
        assert before == held, "a fold makes a new picture and leaves the old one"
        if isinstance(sight, PhoneSeen):
            expected[sight.node, sight.endpoint] = sight.state
        elif isinstance(sight, SightLost):
            expected = {key: state for key, state in expected.items() if key[0] != sight.node}
    for node in (AST1, AST2):
        for endpoint in ("PJSIP/a", "PJSIP/b", "PJSIP/c"):
            found = reachability.phone(known, node, endpoint)
            assert found == expected.get((node, endpoint))


@given(st.lists(_sights, max_size=40))
def test_the_gauges_say_what_is_known(sights: list[reachability.Sight]) -> None:
    counted = metrics.new()
    watch = Watch(counted)
    for sight in sights:
        watch.take(sight)
    value = counted.registry.get_sample_value
    for node in {sight.node for sight in sights}:
        known = watch.reachability.get(node, reachability.NodeSight())
        for state in PhoneState:
            found = value("ivrengine_phones", {"node": node, "state": state})
            assert (found or 0) == list(known.phones.values()).count(state)
        for trunk in ("t", "u"):
            up = value("ivrengine_trunk_up", {"node": node, "trunk": trunk})
            assert up == known.trunks.get(trunk)
        assert value("ivrengine_fallback_waiting", {"node": node}) == known.waiting


def _trunk(up: bool) -> TrunkSeen:
    return TrunkSeen(at=AT, node=AST1, trunk="t", up=up, reason="Reachable" if up else "Rejected")


def test_a_trunk_is_told_to_people_when_it_changes_and_not_again() -> None:
    watch = Watch(metrics.new())
    with structlog.testing.capture_logs() as logs:
        for up in (True, True, False, False, True):
            watch.take(_trunk(up))
    assert [line["event"] for line in logs] == ["trunk up", "trunk down", "trunk up"]
    assert logs[1] == {
        "event": "trunk down",
        "log_level": "error",
        "node": "ast1",
        "trunk": "t",
        "reason": "Rejected",
    }
