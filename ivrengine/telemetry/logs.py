"""Where log lines go: one stream, as JSON for machines or coloured for people, redacted whoever wrote them."""

import logging
import sys
from typing import Final, Literal, TextIO

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
    handler.setFormatter(_formatter(style, colours=handler.stream.isatty()))
    root = logging.getLogger()
    for old in [each for each in root.handlers if each.get_name() == OURS]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(level.upper())
    # No line shows them, and finding them out for each is a tenth of what it costs.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
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


def _formatter(style: Format, *, colours: bool) -> logging.Formatter:
    renderer: Processor
    match style:
        case "json":
            renderer = structlog.processors.JSONRenderer(serializer=_json)
        case "console":
            # Not rich's tracebacks: they print local variables, and those hold numbers and digits.
            renderer = structlog.dev.ConsoleRenderer(
                colors=colours, exception_formatter=structlog.dev.plain_traceback
            )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(),
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )
