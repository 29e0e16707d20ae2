"""Each example, by its own windtunnel.toml: healthy it keeps its contracts, broken the suite names the break."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from harness.contracts.suite import ContractsSuite
from harness.core.clock import RealClock
from harness.core.config import Config
from harness.core.config_file import parse_config
from harness.core.events import Check
from harness.core.seed import Seed
from harness.evidence.recorder import MemoryRecorder
from harness.targets.suite import Silent, SuiteContext
from harness.targets.target import external_target

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = ("fastapi_agent", "langgraph_agent", "mcp_tools")


def _config(name: str, url: str | None = None) -> Config:
    """The example's configuration, with `url` where it stands now."""
    file = EXAMPLES / name / "windtunnel.toml"
    text = file.read_text()
    if url is not None:
        text, count = re.subn(r'url = "http://127\.0\.0\.1:\d+"', f'url = "{url}"', text)
        assert count == 1
    return parse_config(text, file)


async def _checks(name: str, url: str, out: Path) -> list[Check]:
    config, recorder = _config(name, url), MemoryRecorder(clock=RealClock())
    context = SuiteContext(
        config,
        external_target(config),
        recorder,
        out,
        RealClock(),
        Seed(config.seed),
        Silent(),
        asyncio.Event(),
        (),
        False,
    )
    await ContractsSuite().run(context)
    return [event.body for event in recorder.events if isinstance(event.body, Check)]


def _not_passed(checks: list[Check]) -> list[str]:
    return [f"{check.check} {check.subject}: {check.detail}" for check in checks if check.outcome != "pass"]


@pytest.mark.parametrize("name", NAMES)
def test_the_port_of_the_windtunnel_toml_is_the_default_of_the_app(name: str) -> None:
    [service] = _config(name).target.services.values()
    default = re.search(r'"--port", type=int, default=(\d+)', (EXAMPLES / name / "app.py").read_text())
    assert default is not None
    assert service.url == f"http://127.0.0.1:{default[1]}"


@pytest.mark.parametrize("name", NAMES)
def test_an_example_imports_nothing_of_this_repository(name: str) -> None:
    for file in (EXAMPLES / name).glob("*.py"):
        assert not re.search(r"^\s*(from|import) (harness|mock_llm|reference_agents)", file.read_text(), re.M)


@pytest.mark.parametrize("name", NAMES)
async def test_a_healthy_example_keeps_its_contracts(name: str, start: Any, tmp_path: Path) -> None:
    checks = await _checks(name, start(name).url, tmp_path)
    assert len(checks) > 5
    assert _not_passed(checks) == []


async def test_unchecked_arguments_are_named_by_the_first_run(start: Any, tmp_path: Path) -> None:
    checks = await _checks("mcp_tools", start("mcp_tools", "--broken", "unchecked-arguments").url, tmp_path)
    failed = {(check.check, check.subject) for check in checks if check.outcome == "fail"}
    assert {("tools.refuses", "reserve_stock"), ("tools.gate", "reserve_stock")} <= failed


async def test_an_early_202_is_named_by_the_first_run(start: Any, llm: Any, tmp_path: Path) -> None:
    llm.delay_s = 0.3  # as models are: slower than the next request
    checks = await _checks("fastapi_agent", start("fastapi_agent", "--broken", "early-202").url, tmp_path)
    failed = {check.check for check in checks if check.outcome == "fail"}
    assert "tasks.location" in failed


async def test_an_ascii_transcript_is_named_by_the_first_run(start: Any, tmp_path: Path) -> None:
    agent = start("langgraph_agent", "--broken", "ascii-transcript")
    checks = await _checks("langgraph_agent", agent.url, tmp_path)
    failed = {check.check for check in checks if check.outcome == "fail"}
    assert "openapi.not_a_server_error" in failed
