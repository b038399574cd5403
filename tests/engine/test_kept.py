"""What the journal's reader makes of effects that are kept."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from ivrengine.core import effects, events, rows
from ivrengine.core.call import Caller
from ivrengine.core.ids import CallerKey, CallId, MessageId, NumberId, RecordingId, TimerId
from ivrengine.engine.identity import uuid7
from ivrengine.engine.journal import Journal
from ivrengine.engine.journal_reading import Reader, Recovered
from tests.engine.test_journal import AT, a_call, tick

MESSAGE = effects.SendMessage(
    message_id=MessageId("m1"),
    kind="sms",
    number_id=NumberId("n1"),
    text='Borcunuz ["KeepAnswer", 1',
    language="tr",
)
NOTE = effects.SetAttribute(name="reason", value="dues")
ANSWER = effects.KeepAnswer(
    survey="after-call", question="recommend", scale="nps", low=0, high=10, score=None
)
RECORDING = effects.KeepRecording(
    recording_id=RecordingId("ast1:ivr-r1"),
    kind=effects.RecordingKind.VOICEMAIL,
    retention="voicemail",
    duration_s=3.5,
    media="ivr-r1",
)
ENTER = effects.EnterNode(node='["SetAttribute"', node_type="note")
CALLER = Caller(
    withheld=False, mask="+90 532 *** ** 67", key=CallerKey("k1:ab"), number_id=NumberId("n1")
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal")
    journal.begin(Recovered(), AT)
    yield journal
    journal.close()


def kept(
    journal: Journal, tmp_path: Path, *decided: effects.Effect, event: events.CallEvent
) -> tuple[rows.KeptRow, ...]:
    call = dataclasses.replace(a_call(CallId(uuid7(AT))), caller=CALLER)
    journal.append_step(event, decided, call)
    torn: list[None] = []
    reader = Reader(tmp_path / "journal", lambda: journal.segment, lambda: torn.append(None))
    [row] = reader.read(10).rows
    reader.close()
    assert isinstance(row, rows.EventRow)
    assert not torn
    assert row.call is not None
    for each in row.kept:
        assert (each.call_id, each.seq, each.brand) == (row.stream_id, row.seq, row.brand)
        assert (each.caller_key, each.at) == (CALLER.key, event.at)
    return row.kept


def test_each_effect_that_is_kept_leaves_its_row_with_its_place_in_the_step(
    journal: Journal, tmp_path: Path
) -> None:
    decided = (ENTER, MESSAGE, ENTER, NOTE, ANSWER, RECORDING)
    found = kept(journal, tmp_path, *decided, event=tick(1))
    assert [(type(row), row.index) for row in found] == [
        (rows.MessageRow, 1),
        (rows.AttributeRow, 3),
        (rows.AnswerRow, 4),
        (rows.RecordingRow, 5),
    ]
    expected: tuple[effects.Kept, ...] = (MESSAGE, NOTE, ANSWER, RECORDING)
    for row, effect in zip(found, expected, strict=True):
        fields = {field.name: getattr(effect, field.name) for field in dataclasses.fields(effect)}
        if isinstance(row, rows.AttributeRow):
            fields["value"] = '"dues"'
        assert {name: getattr(row, name) for name in fields} == fields


def test_a_text_that_looks_like_such_an_effect_leaves_nothing(
    journal: Journal, tmp_path: Path
) -> None:
    failed = effects.LeaveNode(node="x", exit='["KeepAnswer", {}]')
    event = events.TimerFired(at=AT, timer_id=TimerId('["SendMessage"'))
    assert kept(journal, tmp_path, ENTER, failed, event=event) == ()


@pytest.mark.parametrize("value", ["ş", 42, 2.5, True, False])
def test_a_note_keeps_its_value_as_json(
    journal: Journal, tmp_path: Path, value: str | float | bool
) -> None:
    note = effects.SetAttribute(name="n", value=value)
    [row] = kept(journal, tmp_path, note, event=tick(1))
    assert isinstance(row, rows.AttributeRow)
    assert row.value == {"ş": '"ş"', 42: "42", 2.5: "2.5", True: "true", False: "false"}[value]
