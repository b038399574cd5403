"""A line of the dialplan is a fact or a complaint, whatever is in it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivrengine.asterisk import missed_lines
from ivrengine.asterisk.missed_lines import Complaint, Read, Reading, read
from ivrengine.core.ids import ChannelId, NodeName
from ivrengine.core.missed import MissedCall, MissedKind

READING = Reading(node=NodeName("ast1"), country="TR", seal_key="0123456789abcdef")
SEALED = "0bV9nwZs+ZUzoJ8LHSwePQ=="
LINE = (
    f"1|1795312482|fallback|1795312470.0|02124440101|{SEALED}|allowed|1795312470|11|-|agent-101|16"
)
AT = datetime(2026, 11, 22, 1, 54, 42, tzinfo=UTC)


def call_of(line: str) -> MissedCall:
    found = read(line.encode(), READING)
    assert isinstance(found, Read)
    return found.call


def test_a_line_is_a_fact() -> None:
    assert call_of(LINE) == MissedCall(
        at=AT,
        kind=MissedKind.FALLBACK,
        channel_id=ChannelId("ast1:1795312470.0"),
        did="+902124440101",
        number="+905321234567",
        arrived_at=AT.replace(second=30),
        waited_s=11,
        queue_status=None,
        member="agent-101",
        cause=16,
    )
    assert "+9053" not in repr(call_of(LINE))


def test_a_withheld_number_is_none_even_if_there_is_one() -> None:
    assert call_of(LINE.replace("allowed", "withheld")).number is None
    assert call_of(LINE.replace(SEALED, "-")).number is None


@pytest.mark.parametrize("sealed", ["AAAA", "!", SEALED[:-4], "0" * 200])
def test_a_number_that_cannot_be_opened_costs_the_number_and_not_the_call(sealed: str) -> None:
    found = read(LINE.replace(SEALED, sealed).encode(), READING)
    assert isinstance(found, Read)
    assert found.sealed
    assert found.call.number is None


def test_what_is_not_the_fact_itself_may_be_missing() -> None:
    call = call_of("1|1795312482|shed|1795312470.0||||||||")
    assert (call.kind, call.did, call.number) == (MissedKind.SHED, "", None)
    assert (call.arrived_at, call.waited_s, call.cause) == (AT, 0, 0)
    assert (call.queue_status, call.member) == (None, None)


def test_one_who_arrived_after_the_end_did_not() -> None:
    assert call_of(LINE.replace("|1795312470|", "|1995312470|")).arrived_at == AT


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "not whole"),
        (LINE[:60], "not whole"),
        (LINE + "|x", "not whole"),
        ("2" + LINE[1:], "unknown version"),
        (LINE.replace("fallback", "gossip"), "no kind"),
        (LINE.replace("1795312482", "9999999999"), "no end"),
        (LINE.replace("1795312470.0", ""), "no channel"),
        (LINE.replace("1795312470.0", "a b"), "no channel"),
        (LINE.replace("agent", "\x1b[2J"), "not text"),
        (LINE.replace("agent", "şube"), "not text"),
        (LINE + "x" * 1024, "not text"),
    ],
)
def test_what_is_no_fact_is_a_complaint(line: str, reason: str) -> None:
    assert read(line.encode(), READING) == Complaint(reason=reason)


@given(st.integers(0, len(LINE) - 1))
def test_a_line_behind_one_that_was_cut_off_is_read(cut: int) -> None:
    assert call_of(LINE[:cut] + LINE) == call_of(LINE)


@given(st.binary(max_size=300))
def test_whatever_it_is_it_raises_nothing(line: bytes) -> None:
    found = read(line, READING)
    assert isinstance(found, Complaint)
    assert found.reason in missed_lines.REFUSED


@given(st.lists(st.text(st.characters(codec="ascii"), max_size=30), min_size=12, max_size=12))
def test_whatever_the_fields_hold_it_raises_nothing_and_shows_nothing(fields: list[str]) -> None:
    fields[:4] = ["1", "1795312482", "fallback", "1795312470.0"]
    found = read("|".join(fields).encode(), READING)
    if isinstance(found, Read):
        assert found.call.at == AT
        assert str(found.call.member).isprintable()
        assert str(found.call.queue_status).isprintable()
        assert 0 <= found.call.cause <= 127
