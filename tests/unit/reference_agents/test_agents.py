"""The agents differ by data: each profile names tools that exist, and nothing else may be called."""

from __future__ import annotations

import pytest

from reference_agents.agents.profile import NAMES, access, profile_of
from reference_agents.registry.service import acl_of
from reference_agents.runner.schemas import TaskRequest
from reference_agents.tools.build import BUILDERS, build


@pytest.mark.parametrize("name", NAMES)
def test_a_profile_uses_tools_that_exist_and_limits_that_a_task_can_have(name: str) -> None:
    profile = profile_of(name)
    assert profile.name == name
    assert set(profile.tools) <= set(BUILDERS)
    assert all(tool in profile.system_prompt for tool in profile.tools)
    TaskRequest(session_id="s", prompt="p", token_budget=profile.token_budget)
    assert 0 < profile.sla_s <= 120


def test_the_registry_goes_by_the_profiles_unless_it_is_told_otherwise() -> None:
    assert acl_of({}) == access()
    assert "send_email" not in access()["agent-search"]
    assert acl_of({"TOOL_ACL": '{"a": ["b"]}'}) == access() | {"a": frozenset({"b"})}


def test_an_agent_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="search, summarize, email, code, data"):
        profile_of("nobody")


@pytest.mark.parametrize("name", BUILDERS)
def test_a_tool_is_called_what_it_is_built_as(name: str) -> None:
    made = build(name, f"http://tools/tools/{name}", "http://tools").definition
    assert (made.name, made.endpoint) == (name, f"http://tools/tools/{name}/call")
    assert made.health_url == "http://tools/health"
