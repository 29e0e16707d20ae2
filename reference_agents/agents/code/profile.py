"""The code agent. Writes and runs small programs."""

from __future__ import annotations

from reference_agents.agents.code.prompts import SYSTEM
from reference_agents.agents.profile import Profile

PROFILE = Profile(
    name="code",
    system_prompt=SYSTEM,
    tools=("code_exec", "git_read", "package_search"),
    token_budget=32768,
    sla_s=60.0,
)
