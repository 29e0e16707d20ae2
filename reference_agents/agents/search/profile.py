"""The search agent. Finds facts in the library."""

from __future__ import annotations

from reference_agents.agents.profile import Profile
from reference_agents.agents.search.prompts import SYSTEM

PROFILE = Profile(
    name="search",
    system_prompt=SYSTEM,
    tools=("web_search",),
    token_budget=32768,
    sla_s=60.0,
)
