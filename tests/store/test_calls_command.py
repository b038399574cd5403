"""``ivrengine calls``, as a person types it."""

import asyncio
import dataclasses
import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from ivrengine.cli.calls import app
from ivrengine.core.rows import EventRow
from ivrengine.store.database import Database
from ivrengine.store.items import items_of
from ivrengine.telemetry import logs
from tests.store import samples
from tests.store.a_database import ship
from tests.store.test_queries import HOURS, ROWS

pytestmark = pytest.mark.postgres

Calls = Callable[..., Result]


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """Undo what the command did to logging: its stream is closed when the command has ended."""
    yield
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in [each for each in root.handlers if each.get_name() == logs.OURS]:
        root.removeHandler(handler)


@pytest.fixture
def calls(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Return what runs the command on a database of its own."""
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("IVRENGINE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return run


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


def fill(url: str, rows: Sequence[EventRow] = ROWS) -> None:
    asyncio.run(ship(url, rows))


KEYS = {
    *(
        "call_id",
        "brand",
        "did",
        "caller",
        "caller_key",
        "number_id",
        "flow",
        "flow_hash",
        "language",
    ),
    *(
        "phase",
        "node",
        "outcome",
        "arrived_at",
        "answered_at",
        "ended_at",
        "duration_s",
        "last_seq",
    ),
}


def test_an_empty_store_lists_no_calls(calls: Calls) -> None:
    listed = calls("list")
    assert (listed.exit_code, listed.stdout) == (0, "No calls.\n")
    assert calls("list", "--json").stdout == "[]\n"


def test_calls_are_listed_for_people(calls: Calls, url: str) -> None:
    fill(url)
    listed = calls("list")
    assert listed.exit_code == 0
    header, *lines = listed.stdout.splitlines()
    assert header.split() == [
        *("call", "arrived", "brand", "did", "caller", "flow", "how", "it", "stands", "length"),
    ]
    assert len(lines) == 5
    assert lines[0].startswith(samples.stream_id(4, HOURS[4])[:18])
    assert "completed" in lines[0]
    assert "1.0 s" in lines[0]
    assert "talking, at node1" in lines[1]


def test_calls_are_listed_for_programs_with_stable_keys(calls: Calls, url: str) -> None:
    fill(url)
    listed = json.loads(calls("list", "--json", "--brand", "makara").stdout)
    assert [set(call) for call in listed] == [KEYS]
    assert listed[0]["outcome"] == "hung_up"
    assert listed[0]["arrived_at"] == "2025-11-21T14:00:00+00:00"
    assert listed[0]["duration_s"] == 1.0


def test_the_beginning_that_a_list_shows_is_enough_to_show_the_call(calls: Calls, url: str) -> None:
    fill(url)
    listed = calls("list", "--limit", "1").stdout.splitlines()[1].split()[0]
    shown = calls("show", listed)
    assert shown.exit_code == 0
    assert samples.stream_id(4, HOURS[4]) in shown.stdout


ONE_NODE = json.dumps(
    {
        "event": {
            "channel_id": "a:1",
            "did": "+902124440101",
            "caller": {"mask": "+90 532 *** ** 67"},
        },
        "effects": [["Answer", {}], ["EnterNode", {"node": "ask", "node_type": "menu"}]],
    }
)
PRESSED = json.dumps(
    {
        "event": {"channel_id": "a:1", "digit": "2"},
        "effects": [["LeaveNode", {"node": "ask", "exit": "2"}]],
    }
)


def test_a_call_is_shown_node_by_node(calls: Calls, url: str) -> None:
    fill(
        url,
        [
            samples.event(1, 1, 2, kind="CallArrived", payload=ONE_NODE),
            samples.event(1, 2, 2, kind="DigitPressed", payload=PRESSED),
        ],
    )
    shown = calls("show", "last").stdout
    timeline = [re.sub(r"\s{2,}", " | ", line.strip()) for line in shown.splitlines()]
    assert "+1.0 s | ask | menu | left by 2 | 1.0 s" in timeline
    assert "+2.0 s | pressed 2" in timeline
    assert "call from +90 532 *** ** 67 to +902124440101" in shown

    told = json.loads(calls("show", "last", "--json").stdout)
    assert set(told) == {"call", "arrival", "nodes", "ending"}
    assert set(told["call"]) == KEYS
    [node] = told["nodes"]
    assert node == {
        "node": "ask",
        "subflow": None,
        "type": "menu",
        "entered_at": "2025-11-21T12:00:01+00:00",
        "left_at": "2025-11-21T12:00:02+00:00",
        "duration_s": 1.0,
        "exit": "2",
        "moments": [{"at": "2025-11-21T12:00:02+00:00", "what": "pressed", "digits": "2"}],
    }


def test_a_terminal_is_not_moved_by_what_a_row_carries(calls: Calls, url: str) -> None:
    evil = samples.event(1, 1, 1)
    fill(url, [ROWS[0], _with_node(evil, "\x1b[2J[bold red]boo")])
    listed = calls("list", "--phase", "in_flow").stdout
    assert "\x1b[2J" not in listed
    assert "[bold red]boo" in listed


def _with_node(row: EventRow, node: str) -> EventRow:
    assert row.call is not None
    call = dataclasses.replace(row.call, node=node, outcome=None, phase="in_flow")
    return dataclasses.replace(row, call=call)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (["show", "0000"], 1, "ivrengine: there is no call whose id begins with 0000"),
        (
            ["show", "nonsense"],
            1,
            "ivrengine: expected the id of a call, the beginning of one, or `last`",
        ),
        (["show", "last"], 1, "ivrengine: there are no calls yet"),
        (["list", "--since", "yesterday"], 2, "ivrengine: --since: expected an age such as 90m"),
        (["list", "--limit", "0"], 2, "'--limit'"),
        (["list", "--outcome", "nice"], 2, "'nice'"),
        (
            ["list", "--config", "/no/such.toml"],
            2,
            "ivrengine: /no/such.toml: there is no such file",
        ),
    ],
)
def test_what_cannot_be_answered_is_one_sentence_and_the_right_exit_code(
    calls: Calls, arguments: list[str], exit_code: int, sentence: str
) -> None:
    answered = calls(*arguments)
    assert answered.exit_code == exit_code
    assert sentence in answered.stderr
    assert answered.stdout == ""


@pytest.mark.parametrize(
    ("url", "exit_code", "sentence"),
    [
        ("postgresql://me:hunter2@127.0.0.1:1/x", 1, "nobody listens there"),
        ("mysql://me:hunter2@127.0.0.1/x", 2, "DATABASE_URL: expected"),
        ("postgresql://me:hunter2@127.0.0.1:port/x", 2, "DATABASE_URL: expected"),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_without_its_password(
    url: str, exit_code: int, sentence: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.chdir(tmp_path)
    answered = run("list")
    assert answered.exit_code == exit_code
    assert sentence in answered.stderr
    assert "hunter2" not in answered.output
    assert len(answered.stderr.splitlines()) == 1


def test_the_embedded_database_of_a_data_folder_is_started_for_the_question_only(
    data_dir: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = data_dir()
    absent = run("list", "--data", str(folder))
    assert absent.exit_code == 1
    assert "there is no database in" in absent.stderr
    asyncio.run(_write(folder))
    listed = run("list", "--data", str(folder), "--json")
    assert listed.exit_code == 0
    assert len(json.loads(listed.stdout)) == 5
    assert not (folder / "postgres" / "postmaster.pid").exists()


async def _write(folder: Path) -> None:
    database = Database(None, folder)
    tables = await database.connect()
    await tables.write(items_of(ROWS))
    await tables.close()
    await database.close()
