"""Reliability: what holds when models, tools and workers fail; proven by the scenarios and experiments that say so."""

from __future__ import annotations

from harness.readiness.item import item, proven

SCENARIOS = "windtunnel scenarios"

item("REL-1", "the context sent to the model stays bounded over a long session", proven(), how=SCENARIOS)
item("REL-2", "the token budget is a hard ceiling", proven(), how=SCENARIOS)
item("REL-3", "max_steps ends a runaway loop", proven(), how=SCENARIOS)
item("REL-4", "LLM retries back off", proven(), how=SCENARIOS)
item("REL-5", "the LLM's circuit breaker opens, and lets a probe through later", proven(), how=SCENARIOS)
item("REL-6", "tool retries back off", proven(), how=f"{SCENARIOS}, windtunnel chaos")
item("REL-7", "what cannot be done lands in the dead letter queue, none vanishes", proven(), how="windtunnel verify")
item(
    "REL-8",
    "a task whose worker dies goes on without repeating an effect",
    proven(),
    how=f"{SCENARIOS}, windtunnel chaos",
)
item("REL-9", "the models' cascade falls back, across vendors too", proven(), how=SCENARIOS)
