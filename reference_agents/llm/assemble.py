"""Puts the LLM client together from the settings, the same for every service that asks a model."""

from __future__ import annotations

import httpx

from reference_agents.common.clock import Clock
from reference_agents.common.metrics import Metrics
from reference_agents.common.settings import Settings
from reference_agents.llm.anthropic import Anthropic
from reference_agents.llm.backoff import Backoff
from reference_agents.llm.breaker import Breaker
from reference_agents.llm.client import LLMClient
from reference_agents.llm.openai import OpenAI
from reference_agents.llm.wire import Limits, Wire


def llm_client(
    settings: Settings, http: httpx.AsyncClient, backoff: Backoff, clock: Clock, metrics: Metrics
) -> LLMClient:
    """The cascade that `settings` names, over `http`, each model with a breaker of its own."""
    wire = Wire(
        http,
        {
            "openai": OpenAI(settings.openai_base_url, settings.openai_key),
            "anthropic": Anthropic(settings.anthropic_base_url, settings.anthropic_key),
        },
        Limits(settings.llm_connect_s, settings.llm_read_s, settings.llm_total_s),
        clock,
    )
    breakers = {model: Breaker(clock, settings.breaker_failures, settings.breaker_open_s) for model in settings.cascade}
    return LLMClient(wire, settings.cascade, breakers, backoff, clock, metrics, attempts=settings.llm_attempts)
