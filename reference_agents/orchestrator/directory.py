"""The agents that the orchestrator knows."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError


class AgentEntry(BaseModel):
    """An agent: where it is, what it is good for, how it is asked, and whether a failed task may be done once more.

    A task of an agent that is not `repeatable` is never begun anew once a tool of it has worked: what it did (an
    email sent) would be done twice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    url: str
    description: str = ""
    repeatable: bool = True
    transport: Literal["http", "kafka"] | None = None  # None: as AGENT_TRANSPORT says


_ENTRIES = TypeAdapter(tuple[AgentEntry, ...])


def directory(text: str) -> dict[str, AgentEntry]:
    """The agents by name, from the JSON list in the environment's AGENTS. Raises ValueError."""
    try:
        entries = _ENTRIES.validate_json(text)
    except ValidationError as error:
        raise ValueError(f"AGENTS: {error.errors()[0]['msg']}") from None
    return {entry.name: entry for entry in entries}
