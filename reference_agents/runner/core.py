"""AgentRunner: plan, act, observe, until there is an answer or a limit."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import structlog
from pydantic import BaseModel, Field

from reference_agents.common import spans
from reference_agents.common.clock import Clock
from reference_agents.common.log import hashed
from reference_agents.common.metrics import Metrics
from reference_agents.cost.accounts import Payer
from reference_agents.cost.till import Till, user_of
from reference_agents.llm.backoff import Backoff
from reference_agents.llm.client import LLMClient
from reference_agents.llm.errors import LLMError
from reference_agents.llm.messages import Message, ToolCall
from reference_agents.runner import tokens
from reference_agents.runner.memory import ContextManager
from reference_agents.runner.schemas import AgentResult, AgentTask, TaskStatus, ToolCallRecord
from reference_agents.runner.tools import ToolBox, ToolOutcome, effect_key

TOOL_ATTEMPTS = 3
ANSWER_TOKENS = 1024
SMALLEST_ANSWER = 16  # with fewer tokens left than this there is no use in asking


class News(BaseModel):
    """Something that those who follow the task are told with the next checkpoint; no prompt, no answer."""

    kind: str
    data: str


class Progress(BaseModel):
    """How far a task has come: all that another worker needs to go on."""

    work: list[Message] = []
    steps: int = 0
    tokens: int = 0
    calls: list[ToolCallRecord] = []
    occurrences: dict[str, int] = {}
    model: str = ""
    news: list[News] = Field(default_factory=list, exclude=True)

    def tell(self, kind: str, **data: Any) -> None:
        """Add to the news."""
        self.news.append(News(kind=kind, data=json.dumps(data)))


class Cancelled(Exception):
    """The task was cancelled by its owner."""


Checkpoint = Callable[[Progress], Awaitable[None]]
"""Keeps the progress; raises Cancelled, or StaleFence when another worker has the task."""


@dataclass
class AgentRunner:
    """Runs one task at a time per call of `run`; holds nothing of a conversation between calls."""

    name: str
    system_prompt: str
    llm: LLMClient
    till: Till
    tools: ToolBox
    memory: ContextManager
    backoff: Backoff
    clock: Clock
    metrics: Metrics
    log: structlog.typing.FilteringBoundLogger
    deadline_s: float = 60.0
    most_tokens: int = 32_768

    async def run(self, task: AgentTask, progress: Progress, checkpoint: Checkpoint) -> AgentResult:
        """Bring `task` to its end, from `progress` on. What was spent is in the result whatever the end.

        Order of a step: ask the model, keep its answer (the intent), act on it, keep what came of it. So a
        worker that dies leaves either no intent or one whose effects carry keys that a second try repeats.
        """
        began = self.clock.monotonic()
        status, output, error = TaskStatus.FAILED, "", ""
        try:
            output, error = await self._steps(task, progress, checkpoint, began + self.deadline_s)
            status = TaskStatus.FAILED if error else TaskStatus.COMPLETED
        except Cancelled:
            status, error = TaskStatus.CANCELLED, "cancelled"
        except LLMError as failure:
            error = str(failure)
        except httpx.HTTPError as failure:
            error = f"registry_unavailable: {type(failure).__name__}"
        took = self.clock.monotonic() - began
        self.log.info(
            "task ended", task_id=task.id, session=hashed(task.session_id), status=status, steps=progress.steps,
            tokens=progress.tokens, model=progress.model, error=error.partition(":")[0],
        )  # fmt: skip
        return AgentResult(
            task_id=task.id,
            status=status,
            output=output,
            steps_used=progress.steps,
            tokens_used=progress.tokens,
            tool_calls=progress.calls,
            model=progress.model,
            error=error,
            duration_ms=round(took * 1000, 3),
        )

    async def _steps(
        self, task: AgentTask, progress: Progress, checkpoint: Checkpoint, deadline: float
    ) -> tuple[str, str]:
        budget = min(task.token_budget, self.most_tokens)
        payer = Payer(self.name, task.session_id, user_of(task.metadata))
        history = await self.memory.history(task.session_id)
        if not progress.work:
            progress.work.append(Message(role="user", content=task.prompt))
        while True:
            await self._act(task, progress, checkpoint)
            last = progress.work[-1]
            if last.role == "assistant" and not last.tool_calls:
                asked = Message(role="user", content=task.prompt)
                await self.memory.remember(task.session_id, task.id, [asked, last])
                return last.content, ""
            if progress.steps >= task.max_steps:
                return "", "max_steps_reached"
            if self.clock.monotonic() >= deadline:
                return "", "deadline_exceeded"
            specs = await self.tools.specs()
            messages = self.memory.context(self.system_prompt, history, progress.work)
            room = budget - progress.tokens - tokens.of_request(messages, specs)
            if room < SMALLEST_ANSWER:
                return "", "token_budget_exceeded"
            most = min(room, ANSWER_TOKENS)
            reply = await self.till.ask(self.llm, payer, messages, specs, max_tokens=most, deadline=deadline)
            progress.steps += 1
            progress.tokens += reply.tokens
            progress.model = reply.model
            progress.tell(
                "llm_call", step=progress.steps, model=reply.model, prompt_tokens=reply.prompt_tokens,
                completion_tokens=reply.completion_tokens,
            )  # fmt: skip
            for call in reply.tool_calls:
                progress.tell("tool_call", step=progress.steps, id=call.id, tool=call.name)
            if progress.tokens > budget:
                await checkpoint(progress)
                return "", "token_budget_exceeded"
            progress.work.append(Message(role="assistant", content=reply.content, tool_calls=reply.tool_calls))
            await checkpoint(progress)

    async def _act(self, task: AgentTask, progress: Progress, checkpoint: Checkpoint) -> None:
        """Carry out the calls of the last assistant turn that have no result yet."""
        index = max((i for i, m in enumerate(progress.work) if m.role == "assistant"), default=-1)
        if index < 0:
            return
        answered = {message.tool_call_id for message in progress.work[index + 1 :]}
        for call in progress.work[index].tool_calls:
            if call.id in answered:
                continue
            outcome = await self._call(task, progress, call)
            attempts = progress.calls[-1].attempt
            progress.tell("tool_result", id=call.id, tool=call.name, ok=outcome.ok, attempts=attempts)
            content = outcome.content if outcome.ok else f"ERROR: {outcome.error}"
            progress.work.append(Message(role="tool", content=content, tool_call_id=call.id))
            await checkpoint(progress)

    async def _call(self, task: AgentTask, progress: Progress, call: ToolCall) -> ToolOutcome:
        """One tool call with its retries, all under the same idempotency key."""
        if call.arguments is None:
            outcome = ToolOutcome(False, "", "the arguments are not a JSON object")
            self._record(progress, call.name, {}, outcome, 1, 0.0)
            return outcome
        what = effect_key(task.id, call.name, call.arguments, 0)
        occurrence = progress.occurrences.get(what, 0)
        key = effect_key(task.id, call.name, call.arguments, occurrence)
        attempt = 0
        while True:
            attempt += 1
            began = self.clock.monotonic()
            outcome = await self._tried(call.name, call.arguments, key, task.id, attempt)
            self._record(progress, call.name, call.arguments, outcome, attempt, self.clock.monotonic() - began)
            if outcome.ok or not outcome.retryable or attempt == TOOL_ATTEMPTS:
                break
            await asyncio.sleep(self.backoff.wait_s(attempt - 1))
        progress.occurrences[what] = occurrence + 1
        return outcome

    async def _tried(self, name: str, arguments: dict[str, Any], key: str, task_id: str, attempt: int) -> ToolOutcome:
        """One attempt, as a span. A name that the model made up is one name, not one each."""
        tool = name if name in self.metrics.tools else "unknown"
        with spans.span(
            f"execute_tool {tool}", gen_ai__operation__name="execute_tool", gen_ai__tool__name=tool, tool__name=tool,
            tool__attempt=attempt,
        ) as span:  # fmt: skip
            outcome = await self.tools.call(name, arguments, key=key, task_id=task_id)
            span.put(tool__version=outcome.version, tool__outcome="ok" if outcome.ok else "error")
            if not outcome.ok:
                span.failed("tool_error")
            return outcome

    def _record(
        self, progress: Progress, tool: str, arguments: dict[str, Any], outcome: ToolOutcome, attempt: int, took: float
    ) -> None:
        word = "ok" if outcome.ok else "error"
        self.metrics.called(tool, word)
        progress.calls.append(
            ToolCallRecord(
                tool=tool,
                arguments=arguments,
                outcome=word,
                attempt=attempt,
                duration_ms=round(took * 1000, 3),
                error=outcome.error,
            )
        )
