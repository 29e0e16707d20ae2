"""The email agent. Writes and answers mail."""

from __future__ import annotations

from reference_agents.agents.email.prompts import SYSTEM
from reference_agents.agents.profile import Profile

PROFILE = Profile(
    name="email",
    system_prompt=SYSTEM,
    tools=("send_email", "get_email_thread"),
    token_budget=16384,
    sla_s=60.0,
)
