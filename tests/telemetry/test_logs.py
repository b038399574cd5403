import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from ivrengine.telemetry import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Return what the log is written to, and put the logging of the process back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_fields_its_context_and_an_instant(stream: io.StringIO) -> None:
    logs.configure(level="info", style="json", stream=stream)
    with structlog.contextvars.bound_contextvars(call_id="c-1"):
        structlog.get_logger("engine").info("call ended", outcome="completed", node="Çıkış")
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "call_id": "c-1",
        "event": "call ended",
        "level": "info",
        "logger": "ivrengine.engine",
        "node": "Çıkış",
        "outcome": "completed",
    }


@pytest.mark.parametrize(
    ("names", "logger"),
    [
        (["engine"], "ivrengine.engine"),
        (["ivrengine.cli.serve"], "ivrengine.cli.serve"),
        ([], "ivrengine"),
    ],
)
def test_our_loggers_are_under_one_name(stream: io.StringIO, names: list[str], logger: str) -> None:
    logs.configure(level="info", style="json", stream=stream)
    structlog.get_logger(*names).info("here")
    assert [line["logger"] for line in lines(stream)] == [logger]


def test_the_level_holds_for_our_lines(stream: io.StringIO) -> None:
    logs.configure(level="warning", style="json", stream=stream)
    log = structlog.get_logger("engine")
    log.info("unheard")
    log.warning("heard")
    assert [line["event"] for line in lines(stream)] == ["heard"]


def test_libraries_are_heard_from_warning_up_even_when_we_debug(stream: io.StringIO) -> None:
    logs.configure(level="debug", style="json", stream=stream)
    library = logging.getLogger("aiohttp.client")
    library.info("connected")
    library.warning("lost %s", "+905321234567")
    (line,) = lines(stream)
    assert (line["logger"], line["event"]) == ("aiohttp.client", "lost [number]")


def fail_with(keyed: str) -> None:
    message = "no route for +905321234567"
    raise ValueError(message, len(keyed))


@pytest.mark.parametrize("style", ["json", "console"])
def test_an_exception_is_written_without_numbers_and_without_local_variables(
    stream: io.StringIO, style: logs.Format
) -> None:
    logs.configure(level="info", style=style, stream=stream)
    keyed = str(123 * 4)
    try:
        fail_with(keyed)
    except ValueError:
        structlog.get_logger("engine").exception("call failed")
    written = stream.getvalue()
    assert "Traceback" in written
    assert "ValueError: ('no route for [number]', 3)" in written
    assert keyed not in written


def test_configuring_again_replaces_what_was_set(stream: io.StringIO) -> None:
    log = structlog.get_logger("engine")
    first = io.StringIO()
    logs.configure(level="info", style="json", stream=first)
    log.info("one")
    logs.configure(level="info", style="json", stream=stream)
    log.info("two")
    assert [line["event"] for line in lines(first)] == ["one"]
    assert [line["event"] for line in lines(stream)] == ["two"]
