"""The orchestrator: plan, run the waves, put the answer together.

prompt ─▶ planner ─▶ plan ─▶ wave ─▶ wave ─▶ ... ─▶ synthesizer ─▶ answer
                              │  each node: supervisor ─▶ agent over HTTP
                              └─ a question to a person parks the task
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from redis.exceptions import RedisError

from reference_agents.common.clock import Clock
from reference_agents.common.ending import end
from reference_agents.common.log import hashed
from reference_agents.common.metrics import Metrics
from reference_agents.cost.accounts import Payer
from reference_agents.cost.till import Till, user_of
from reference_agents.llm.client import LLMClient
from reference_agents.llm.errors import LLMError
from reference_agents.llm.messages import Message, Reply
from reference_agents.orchestrator import prompts
from reference_agents.orchestrator.node import InFlight, NodeRunner
from reference_agents.orchestrator.plan import HUMAN, Node, Plan, PlanError, waves
from reference_agents.orchestrator.planner import Planner, Synthesizer
from reference_agents.orchestrator.schemas import Ended, NodeResult, NodeStatus, OnFailure, Question
from reference_agents.orchestrator.state import RunState
from reference_agents.runner.core import Cancelled, Checkpoint, Progress
from reference_agents.runner.schemas import AgentTask, TaskRequest, TaskStatus

T = TypeVar("T")
LOOK_S = 0.5  # between two looks whether the task was cancelled
LEAST_BUDGET, LARGEST_BUDGET = 512, 32_768  # tokens that an agent takes


class Failed(Exception):
    """The orchestration ends without an answer; the text is the result's error."""


@dataclass
class Orchestrator:
    """Runs one task at a time per call of `run`; everything it learns is in `state` before it goes on."""

    planner: Planner
    synthesizer: Synthesizer
    till: Till
    nodes: NodeRunner
    state: RunState
    clock: Clock
    metrics: Metrics
    log: structlog.typing.FilteringBoundLogger
    deadline_s: float = 300.0

    async def run(self, task: AgentTask, progress: Progress, checkpoint: Checkpoint) -> Ended:
        """Bring `task` to its end, or to questions that park it, from what `state` knows of it on.

        Raises what `checkpoint` raises, but for the owner's wish to cancel, which is an end. What agents are at
        then is left to them: whoever takes the task over asks for the same tasks by the same keys.
        """
        began, flight = self.clock.monotonic(), InFlight()
        status, output, error, questions = TaskStatus.FAILED, "", "", list[Question]()
        try:
            async with asyncio.timeout(self.deadline_s):
                turn = self._turn(task, progress, began + self.deadline_s, flight)
                output, questions = await _watched(turn, progress, checkpoint)
            status = TaskStatus.RUNNING if questions else TaskStatus.COMPLETED
        except Cancelled:
            status, error = TaskStatus.CANCELLED, "cancelled"
        except (Failed, LLMError) as failure:
            error = str(failure)
        except PlanError as failure:
            error = f"plan_invalid: {failure}"
        except TimeoutError:
            error = "deadline_exceeded"
        for node in await self.nodes.abandon(flight):
            await self.state.keep_result(task.id, NodeResult.of(node, NodeStatus.CANCELLED, error))
        facts = await self.state.read(task.id)
        ran = list(facts.results.values())
        ended = Ended(
            task_id=task.id,
            status=status,
            output=output,
            error=error,
            model=progress.model,
            questions=questions,
            nodes=[facts.results[node.id] for node in facts.nodes if node.id in facts.results],
            steps_used=sum(1 for node in ran if node.attempts),
            tokens_used=progress.tokens + facts.tokens,
            tool_calls=[call for node in ran for call in node.tool_calls],
            duration_ms=round((self.clock.monotonic() - began) * 1000, 3),
        )
        self.log.info(
            "orchestration ended", task_id=task.id, session=hashed(task.session_id), status=status,
            nodes=len(ended.nodes), tokens=ended.tokens_used, error=error.partition(":")[0],
        )  # fmt: skip
        return ended

    async def _turn(
        self, task: AgentTask, progress: Progress, deadline: float, flight: InFlight
    ) -> tuple[str, list[Question]]:
        """The answer, or the questions that stand between here and it."""

        payer = Payer(self.metrics.agent, task.session_id, user_of(task.metadata))

        async def ask(llm: LLMClient, messages: Sequence[Message], most: int) -> Reply:
            reply = await self.till.ask(llm, payer, messages, max_tokens=most, deadline=deadline)
            progress.tokens += reply.tokens
            progress.model = reply.model
            return reply

        plan = (await self.state.read(task.id)).plan
        if plan is None:
            made = await self.planner.plan(task.prompt, task.max_steps, ask)
            plan = await self.state.keep_plan(task.id, made)
        questions = await self._waves(task, plan, progress, flight)
        if questions:
            return "", questions
        results = (await self.state.read(task.id)).results
        sinks = [results[node.id] for node in plan.sinks()]
        if all(sink.status is not NodeStatus.COMPLETED for sink in sinks):
            reasons = "; ".join(f"{node.id}: {node.error}" for node in results.values() if node.error)
            raise Failed(f"all_branches_failed: {reasons}")
        if len(plan.nodes) == 1:
            return sinks[0].output, []
        ended = [results[node.id] for node in plan.nodes]
        return await self.synthesizer.answer(task.prompt, ended, ask), []

    async def _waves(self, task: AgentTask, plan: Plan, progress: Progress, flight: InFlight) -> list[Question]:
        """Run every node that can be run; the questions that the others wait for."""
        questions: list[Question] = []
        for wave in waves(plan.nodes):
            facts = await self.state.read(task.id)
            batch: list[tuple[Node, list[NodeResult]]] = []
            for node in wave:
                needed = [facts.results[dep] for dep in node.depends_on if dep in facts.results]
                missing = [result.id for result in needed if result.status is not NodeStatus.COMPLETED]
                if node.id in facts.results:
                    continue
                if missing:
                    why = f"needs {', '.join(missing)}, which did not complete"
                    await self.state.keep_result(task.id, NodeResult.of(node, NodeStatus.SKIPPED, why))
                elif len(needed) < len(node.depends_on):
                    continue  # waits for an answer, or for a node that does
                elif node.agent != HUMAN:
                    batch.append((node, needed))
                elif node.id in facts.answers:
                    heard = NodeResult.of(node, NodeStatus.COMPLETED).model_copy(
                        update={"output": facts.answers[node.id]}
                    )
                    await self.state.keep_result(task.id, heard)
                else:
                    questions.append(Question(node=node.id, prompt=prompts.with_context(node, needed)))
            if not batch:
                continue
            budget = min(LARGEST_BUDGET, (task.token_budget - progress.tokens - facts.tokens) // len(batch))
            if budget < LEAST_BUDGET:
                raise Failed("token_budget_exceeded")
            await self._together(task, batch, budget, flight)
        return questions

    async def _together(
        self, task: AgentTask, batch: list[tuple[Node, list[NodeResult]]], budget: int, flight: InFlight
    ) -> None:
        """Run the nodes of a wave at once. Raises Failed at the first failure where the task is to stop then."""
        stop = task.metadata.get("on_failure") == OnFailure.STOP

        async def one(node: Node, needed: list[NodeResult]) -> None:
            asked = TaskRequest(
                session_id=task.session_id,
                prompt=prompts.with_context(node, needed),
                metadata={"user_id": user} if (user := user_of(task.metadata)) else {},
                token_budget=budget,
            )
            request = await self.state.keep_request(task.id, node.id, asked)
            result = await self.nodes.run(task.id, node, request, flight)
            await self.state.keep_result(task.id, result)
            if stop and result.status is NodeStatus.FAILED:
                raise Failed(f"node_failed: {node.id}: {result.error}")

        running = [asyncio.create_task(one(node, needed)) for node, needed in batch]
        try:
            await asyncio.gather(*running)
        finally:
            await end(*running)


async def _watched(work: Coroutine[Any, Any, T], progress: Progress, checkpoint: Checkpoint) -> T:
    """What `work` returns. Keeps the progress twice a second meanwhile; what that raises ends the work."""

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(RedisError):  # the lease decides whose task it is
                await checkpoint(progress)

    going, watching = asyncio.create_task(work), asyncio.create_task(watch())
    try:
        await asyncio.wait({going, watching}, return_when=asyncio.FIRST_COMPLETED)
        if not going.done():
            watching.result()  # raises what ended it
        result = await going
    finally:
        await end(going, watching)
    await checkpoint(progress)
    return result
