"""JSON logs: ids and figures, never a prompt, an argument or a key."""

from __future__ import annotations

import hashlib
import logging
import sys
from typing import Any

import structlog

from reference_agents.common.context import current


def hashed(session_id: str) -> str:
    """A session in a log: enough to group lines by, not enough to know whose it is."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:12]


def _with_trace(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    event.setdefault("trace_id", current().trace_id)
    return event


def configure(service: str, pod: str) -> structlog.typing.FilteringBoundLogger:
    """The process's logger: one JSON object a line on standard output. What libraries say goes the same way."""
    ready: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_trace,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*ready, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    _take_in(ready, service, pod)
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(service=service, pod=pod)
    return logger


def _take_in(ready: list[structlog.typing.Processor], service: str, pod: str) -> None:
    """Warnings of the web server, asyncio and the Kafka client, as JSON too; at most one handler, however often."""

    def named(logger: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {**event, "service": service, "pod": pod}

    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, named, *ready],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    for old in [known for known in root.handlers if getattr(known, "of_the_service", False)]:
        root.removeHandler(old)
    handler.of_the_service = True  # type: ignore[attr-defined]
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
