"""Where log lines go: one stream, as JSON for machines or coloured for people, redacted whoever wrote them."""

import contextlib
import logging
import sys
from typing import Final, Literal, NoReturn, TextIO

import msgspec
import structlog
from structlog.typing import Processor

from ivrengine.telemetry.redaction import redact

OURS: Final = "ivrengine"
"""Our loggers live under this name (``get_logger("engine")`` is ``ivrengine.engine``); all others are libraries'."""

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["json", "console"]


def configure(*, level: Level, style: Format, stream: TextIO | None = None) -> None:
    """Send our log lines from ``level`` up, and those of libraries from WARNING up, to the stream (standard error).

    Fields bound with ``structlog.contextvars`` are on every line. Call it once, before the first line; calling it again
    replaces what was set before.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.set_name(OURS)
    rendering = _rendering(style, colours=handler.stream.isatty())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_shared(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    for old in [each for each in root.handlers if each.get_name() == OURS]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level.upper())
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            *rendering,
            _writing(handler),
        ],
        logger_factory=_logger,
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # loggers are made once a component; a second configure must reach them
    )


def _json(event: object, **_: object) -> str:
    """Return JSON of what ``redact`` left, which is plain values only; a fifth of what ``json.dumps`` takes with options."""
    return msgspec.json.encode(event).decode()


def _logger(name: str = OURS) -> logging.Logger:
    ours = name == OURS or name.startswith(f"{OURS}.")
    return logging.getLogger(name if ours else f"{OURS}.{name}")


def _shared() -> list[Processor]:
    """Return what a line gets whether structlog or a library wrote it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _rendering(style: Format, *, colours: bool) -> list[Processor]:
    renderer: Processor
    match style:
        case "json":
            renderer = structlog.processors.JSONRenderer(serializer=_json)
        case "console":
            # Not rich's tracebacks: they print local variables, and those hold numbers and digits.
            renderer = structlog.dev.ConsoleRenderer(
                colors=colours, exception_formatter=structlog.dev.plain_traceback
            )
    return [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact,
        renderer,
    ]


def _writing(handler: logging.StreamHandler[TextIO]) -> Processor:
    """Return what writes a line of ours where the handler writes those of libraries.

    Making a record of it for ``logging`` first would be half of what a line costs, and each call has one.
    """

    def write(_logger: object, _method: str, line: object) -> NoReturn:
        # Nobody is left to be told that standard error is gone, and no call may end by it.
        with handler.lock or contextlib.nullcontext(), contextlib.suppress(OSError, ValueError):
            handler.stream.write(f"{line}\n")
            handler.flush()
        raise structlog.DropEvent

    return write
