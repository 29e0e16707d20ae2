"""The summarize agent. Says long things shortly."""

from __future__ import annotations

from reference_agents.agents.profile import Profile
from reference_agents.agents.summarize.prompts import SYSTEM

PROFILE = Profile(
    name="summarize",
    system_prompt=SYSTEM,
    tools=("knowledge_base",),
    token_budget=32768,
    sla_s=45.0,
)
