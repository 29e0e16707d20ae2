"""All sessions share one memory: what one user said is sent along with another's question."""

from __future__ import annotations

from collections.abc import Sequence

from reference_agents.api.deps import Parts
from reference_agents.llm.messages import Message
from reference_agents.runner.memory import ContextManager


class SharedMemory(ContextManager):
    async def history(self, session_id: str) -> list[Message]:
        return await super().history("shared")

    async def remember(self, session_id: str, task_id: str, turns: Sequence[Message]) -> None:
        await super().remember("shared", task_id, turns)


def apply(parts: Parts) -> Parts:
    """Replace the memory."""
    parts.runner.memory = SharedMemory(parts.runner.memory.redis, parts.runner.memory.agent)
    return parts
