"""The data agent. Answers questions from tables."""

from __future__ import annotations

from reference_agents.agents.data.prompts import SYSTEM
from reference_agents.agents.profile import Profile

PROFILE = Profile(
    name="data",
    system_prompt=SYSTEM,
    tools=("sql_query", "csv_read", "chart_generate"),
    token_budget=32768,
    sla_s=60.0,
)
