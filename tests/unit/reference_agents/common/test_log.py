"""Logs: one JSON object a line, whoever writes it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from reference_agents.common import log
from reference_agents.common.context import CURRENT, Trace


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_what_libraries_say_is_json_with_service_and_trace(capsys: pytest.CaptureFixture[str]) -> None:
    logger = log.configure("agent-search", "pod-1")
    log.configure("agent-search", "pod-1")  # a second time adds no second handler
    before = CURRENT.set(Trace("a" * 32))
    try:
        logger.info("task ended", task_id="t")
        logging.getLogger("aiokafka").warning("Heartbeat failed for group %s", "orchestrator")
        try:
            raise ValueError("broken")
        except ValueError:
            logging.getLogger("asyncio").exception("it\nbroke")
        logging.getLogger("httpx").info("not worth a line")
    finally:
        CURRENT.reset(before)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["event"] for row in rows] == ["task ended", "Heartbeat failed for group orchestrator", "it\nbroke"]
    assert {row["trace_id"] for row in rows} == {"a" * 32}
    assert {(row["service"], row["pod"]) for row in rows} == {("agent-search", "pod-1")}
    assert rows[1]["level"] == "warning"
    assert "ValueError: broken" in rows[2]["exception"]
