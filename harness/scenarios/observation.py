"""What one run of a scenario showed: the only thing assertions look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from harness.evidence.metrics.movement import Movement
from harness.evidence.traces.span import Span


def caller_span(trace_id: str) -> str:
    """The id of the span that the harness' own call stands for, the parent of the first span of the trace."""
    return f"{trace_id[:15]}1"


@dataclass(frozen=True)
class Answer:
    """How one call of `when` ended. `code` is None when no answer came."""

    name: str
    user: str
    task_id: str
    status: str
    output: JsonValue
    error: str
    code: int | None
    body: JsonValue
    latency_s: float
    trace_id: str = ""

    @property
    def succeeded_text(self) -> str:
        """The output as text, for text assertions."""
        return self.output if isinstance(self.output, str) else "" if self.output is None else str(self.output)


@dataclass(frozen=True)
class ToolCall:
    """A tool call of the agent. Calls with the same `turn` were asked for together, in parallel.

    `ok` is None where nobody said how the call ended.
    """

    tool: str
    arguments: JsonValue = None
    turn: int = 0
    ok: bool | None = None
    error: str = ""
    attempts: int | None = None


@dataclass(frozen=True)
class ModelCall:
    """One request that reached the mock LLM. `at` is in epoch seconds."""

    model: str
    status: int
    at: float | None = None
    duration_s: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    faults: tuple[str, ...] = ()
    aborted: bool = False
    trace_id: str = ""
    request: str = ""  # the request's text, where the journal keeps it


@dataclass(frozen=True)
class EffectSeen:
    """One line of a tool's ledger."""

    tool: str
    task_id: str
    idempotency_key: str
    arguments_sha256: str
    outcome: str
    at: float | None = None
    trace_id: str = ""


@dataclass(frozen=True)
class Observation:
    """Everything one run showed. `models` and `effects` are None where the target lets nobody look."""

    answers: tuple[Answer, ...]
    trajectory: tuple[ToolCall, ...] | None = None
    models: tuple[ModelCall, ...] | None = None
    effects: tuple[EffectSeen, ...] | None = None
    duration_s: float = 0.0
    succeeded: frozenset[str] = frozenset({"completed"})
    later: Mapping[str, JsonValue] | None = None
    """Each task by its id, asked for once more at the end; None where nobody asked."""
    pages: Mapping[tuple[str, str, str], JsonValue] = field(default_factory=dict)
    """The pages that were asked for at the end, by route, user and session; None for one that was no JSON."""
    moved: Movement | None = None
    """How the services' metrics moved; None where nobody looked, or no service has any."""

    spans: tuple[Span, ...] | None = None
    """What the tracing back-end has of the calls' traces; None where there is none, or no assertion asks."""

    def of(self, name: str) -> tuple[Answer, ...]:
        """The answers an assertion is about: those called `name`, or all of them for an empty name."""
        return self.answers if not name else tuple(answer for answer in self.answers if answer.name == name)


@dataclass(frozen=True)
class Claim:
    """What one assertion came to. `holds` is None when nothing could be seen: never a pass."""

    holds: bool | None
    detail: str
    payload: JsonValue = None
    fix: str = ""
