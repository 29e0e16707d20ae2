"""The planner and the synthesizer: the two models' turns of an orchestration."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from reference_agents.llm.client import LLMClient
from reference_agents.llm.messages import Message, Reply
from reference_agents.orchestrator import prompts
from reference_agents.orchestrator.directory import AgentEntry
from reference_agents.orchestrator.plan import Plan, PlanError, plan_of
from reference_agents.orchestrator.schemas import NodeResult

TRIES = 2  # a model that is told what is wrong with its plan mends it, or does not at all
PLAN_TOKENS = 2048
ANSWER_TOKENS = 1024

Ask = Callable[[LLMClient, Sequence[Message], int], Awaitable[Reply]]
"""Asks a model for so many tokens at most, and pays for the reply also when it is of no use."""


@dataclass
class Planner:
    """Turns a request into a plan."""

    llm: LLMClient
    agents: Mapping[str, AgentEntry]

    async def plan(self, prompt: str, most: int, ask: Ask) -> Plan:
        """A plan that can be run. A model whose plan cannot be is told why, and may send another.

        Raises PlanError when that cannot be run either, and LLMError.
        """
        messages = [
            Message(role="system", content=prompts.planner(self.agents.values(), most)),
            Message(role="user", content=prompt),
        ]
        for left in reversed(range(TRIES)):
            reply = await ask(self.llm, messages, PLAN_TOKENS)
            try:
                return plan_of(_json(reply.content), self.agents, most)
            except PlanError as error:
                if not left:
                    raise
                told = f"This plan cannot be run: {error}. Answer with a plan that can, as JSON and nothing else."
                messages += [Message(role="assistant", content=reply.content), Message(role="user", content=told)]
        raise AssertionError("unreachable")


@dataclass
class Synthesizer:
    """Makes one answer of the nodes' results."""

    llm: LLMClient

    async def answer(self, prompt: str, nodes: Sequence[NodeResult], ask: Ask) -> str:
        """The answer to the request. Raises LLMError."""
        messages = [
            Message(role="system", content=prompts.SYNTHESIZER),
            Message(role="user", content=prompts.results(prompt, nodes)),
        ]
        return (await ask(self.llm, messages, ANSWER_TOKENS)).content


def _json(text: str) -> object:
    """The JSON of a reply, bare or in a fence. Raises PlanError."""
    fenced = re.search(r"```(?:json)?\s*(.*?)```", text, re.DOTALL)
    try:
        return json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError) as error:
        raise PlanError(f"not JSON: {error}") from None
