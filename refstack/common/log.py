"""JSON logs: ids and figures, never a prompt, an argument or a key."""

from __future__ import annotations

import hashlib
import logging
import sys
from typing import Any

import structlog

from refstack.common.context import current


def hashed(session_id: str) -> str:
    """A session in a log: enough to group lines by, not enough to know whose it is."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:12]


def _with_trace(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event.setdefault("trace_id", current().trace_id)
    return event


def configure(service: str, pod: str) -> structlog.typing.FilteringBoundLogger:
    """The process's logger: one JSON object a line on standard output."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_trace,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(service=service, pod=pod)
    return logger
