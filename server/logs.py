"""Logs: values, not sentences; for people on a console, or as JSON for machines."""

from __future__ import annotations

import contextlib
import logging
import sys

import structlog


class LossyLogger(structlog.PrintLogger):
    """Writes lines, and loses what cannot be written: a full disk below its log must stop no server."""

    def msg(self, message: str) -> None:
        """Write a line, if it can be written."""
        with contextlib.suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def configure(form: str) -> None:
    """Write logs to standard error in *form*: `console` or `json`.

    A traceback shows lines of code and no values: those are rows, keys and people's names.
    """
    console = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    json = form == "json"
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if json else []),
            structlog.processors.JSONRenderer() if json else console,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: LossyLogger(sys.stderr),
    )
