"""From AMI's messages to facts: whatever they hold, nothing raises, and what comes out is from closed sets and bounded."""

import dataclasses
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.asterisk import ami_translate
from ivrengine.asterisk.ami_translate import Around, Garbled, Rung, TrunkTold, translate
from ivrengine.core.ids import NodeName
from ivrengine.core.switching import FallbackSeen, PhoneSeen, PhoneState, SwitchEnding

AT = datetime(2026, 3, 4, tzinfo=UTC)
AST1 = NodeName("ast1")
AROUND = Around(
    name=AST1,
    trunks=frozenset({"trunk-out"}),
    queue="q",
    registrations={("sip:me", "sip:c"): "trunk-out"},
)

_names = st.sampled_from(
    [
        *(
            "device",
            "state",
            "peer",
            "peerstatus",
            "username",
            "domain",
            "status",
            "queue",
            "count",
        ),
        *("restart", "userevent", "line", "channel"),
    ]
)
_values = st.text(max_size=80) | st.sampled_from(
    [
        *("PJSIP/trunk-out", "PJSIP/agent-101", "INUSE", "Reachable", "sip:me", "sip:c", "q", "7"),
        *("IvrMissed", "True", "x" * 2_000),
    ]
)


@given(st.sampled_from(ami_translate.WANTED), st.dictionaries(_names, _values))
def test_whatever_it_is_it_raises_nothing_and_is_bounded(kind: str, fields: dict[str, str]) -> None:
    fact = translate({**fields, "event": kind}, AROUND, AT)
    match fact:
        case PhoneSeen():
            assert ami_translate._ENDPOINT.fullmatch(fact.endpoint)
        case TrunkTold():
            assert fact.trunk in AROUND.trunks
            assert len(fact.word) <= ami_translate.WORD_MAX
            assert fact.word.isascii()
        case FallbackSeen():
            assert 0 <= fact.waiting <= 999_999
        case Rung():
            assert len(fact.line) <= ami_translate.LINE_MAX
        case Garbled():
            assert fact.kind == kind
        case _:
            pass


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20)))
def test_what_we_did_not_ask_for_means_nothing(fields: dict[str, str]) -> None:
    assert translate({**fields, "event": "Newchannel"}, AROUND, AT) is None


@pytest.mark.parametrize("state", ami_translate.STATES)
def test_every_device_state_is_a_state_of_a_phone(state: str) -> None:
    said = {"event": "DeviceStateChange", "device": "PJSIP/agent-101", "state": state}
    seen = translate(said, AROUND, AT)
    assert isinstance(seen, PhoneSeen)
    assert seen.state in PhoneState


def test_an_ending_switch_says_whether_it_comes_back() -> None:
    for restart, again in (("True", True), ("False", False), ("", False)):
        fact = translate({"event": "Shutdown", "restart": restart}, AROUND, AT)
        assert fact == SwitchEnding(at=AT, node=AST1, again=again)


def test_a_word_of_a_trunk_that_is_none_is_not_repeated() -> None:
    said = {"event": "PeerStatus", "peer": "PJSIP/trunk-out", "peerstatus": "\x1b[2J"}
    told = translate(said, AROUND, AT)
    assert told == TrunkTold(trunk="trunk-out", by="qualify", up=False, word="unknown")
    assert dataclasses.asdict(told)["word"].isprintable()
