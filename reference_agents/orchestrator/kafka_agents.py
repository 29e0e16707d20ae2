"""Agents over Kafka instead of HTTP: a task is an event, its result another one.

run ─▶ outbox ─▶ agent.tasks.<agent> ─▶ agent ─▶ agent.tasks.<agent>.results ─▶ ResultKeeper ─▶ Redis ─▶ run
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import structlog
from redis.asyncio import Redis

from reference_agents.common.clock import Clock
from reference_agents.common.context import current
from reference_agents.orchestrator.agents import REQUEST_S
from reference_agents.orchestrator.directory import AgentEntry
from reference_agents.orchestrator.supervisor import Recoverable, Unrecoverable
from reference_agents.queue.codec import EventCodec, Format, HttpSchemas, RegistryAway, Undecodable
from reference_agents.queue.consumer import Consumer, Later, Poison
from reference_agents.queue.door import BUDGET, task_id_of
from reference_agents.queue.events import AgentResultEvent, AgentTaskEvent, at, results_topic, tasks_topic
from reference_agents.queue.messages import Message, Received
from reference_agents.queue.outbox import Outbox, Relay
from reference_agents.queue.producer import KafkaSender
from reference_agents.queue.service import Background, QueueSettings
from reference_agents.runner.schemas import AgentResult, TaskRequest, TaskStatus

NAME = "orchestrator"
KEEP_S = 24 * 3600
FIRST_LOOK_S, LONGEST_LOOK_S = 0.05, 0.5


def _kept(task_id: str) -> str:
    return f"orchestrator:answered:{task_id}"


@dataclass
class ResultKeeper:
    """Handles the agents' result events: keeps each for whichever replica waits for it."""

    redis: Redis
    codec: EventCodec

    async def __call__(self, message: Received) -> None:
        """Keep the result; the same one again changes nothing. Raises Poison, Later."""
        try:
            event = await self.codec.decode(message.value, AgentResultEvent)
        except Undecodable as error:
            raise Poison(f"not an AgentResultEvent: {error}") from None
        except RegistryAway as error:
            raise Later(f"the schema registry is away: {error}") from None
        if event.target_agent == NAME:
            await self.redis.set(_kept(event.task_id), event.model_dump_json(), ex=KEEP_S)


@dataclass
class KafkaAgents:
    """Agents by events. The key is the event's task_id: the same key is one event, one task, one result."""

    redis: Redis
    codec: EventCodec
    outbox: Outbox
    directory: Mapping[str, AgentEntry]
    clock: Clock
    http: httpx.AsyncClient
    sent_as: Format = "AVRO"

    async def run(self, agent: str, request: TaskRequest, key: str) -> AgentResult:
        """See Agents. A result event says nothing of tool calls; where a failure may have had effects that must not
        be repeated, it is final."""
        event = self._event(agent, request, key)
        try:
            value = await self.codec.encode(event, self.sent_as)
        except RegistryAway as error:
            raise Recoverable(f"the schema registry is away: {error}") from None
        except ValueError as error:
            raise Unrecoverable(f"the event's schema was refused: {error}") from None
        headers = {**current().headers(), BUDGET: str(request.token_budget)}
        await self.outbox.add_once(
            f"task:{key}", Message(tasks_topic(agent), request.session_id.encode(), value, headers)
        )
        answer = await self._answer(key)
        if answer.status == "failed" and not self.directory[agent].repeatable:
            raise Unrecoverable(f"{answer.error}, perhaps after effects that must not be repeated")
        return AgentResult(
            task_id=task_id_of(event),
            status=TaskStatus(answer.status),
            output=answer.output,
            error=answer.error,
            steps_used=answer.steps_used,
            tokens_used=answer.tokens_used,
        )

    async def cancel(self, agent: str, request: TaskRequest, key: str) -> None:
        """Ask over HTTP: an event would stand in line behind the one that it is to stop. A task that its agent has
        not begun yet is not known there, and runs."""
        url = f"{self.directory[agent].url.rstrip('/')}/tasks/{task_id_of(self._event(agent, request, key))}/cancel"
        with contextlib.suppress(httpx.HTTPError):
            await self.http.post(
                url, headers=current().headers(), timeout=REQUEST_S, extensions={"audience": f"agent-{agent}"}
            )

    def _event(self, agent: str, request: TaskRequest, key: str) -> AgentTaskEvent:
        return AgentTaskEvent(
            task_id=key, source_agent=NAME, target_agent=agent, session_id=request.session_id,
            prompt=request.prompt, created_at=at(self.clock.epoch()),
        )  # fmt: skip

    async def _answer(self, key: str) -> AgentResultEvent:
        wait = FIRST_LOOK_S
        while (found := await self.redis.get(_kept(key))) is None:
            await asyncio.sleep(wait)
            wait = min(LONGEST_LOOK_S, wait * 1.5)
        return AgentResultEvent.model_validate_json(found)


def agents_over_kafka(
    settings: QueueSettings, directory: Mapping[str, AgentEntry], redis: Redis, http: httpx.AsyncClient, pod: str,
    clock: Clock, log: structlog.typing.FilteringBoundLogger,
) -> tuple[KafkaAgents, Background]:  # fmt: skip
    """The agents by events, and what has to run beside the requests for it."""
    sender, outbox = KafkaSender(settings.brokers), Outbox(redis, NAME)
    codec = EventCodec(HttpSchemas(http, settings.schemas))
    agents = KafkaAgents(redis, codec, outbox, directory, clock, http, settings.events_as)
    consumer = Consumer(
        settings.brokers, NAME, [results_topic(name) for name in directory], ResultKeeper(redis, codec), redis, sender,
        lambda topic: f"{topic}.dlq", log, attempts=settings.attempts, session_s=settings.session_s,
        also=[tasks_topic(name) for name in directory],
    )  # fmt: skip
    return agents, Background(sender, log, [consumer.run(), Relay(outbox, sender, pod, log).run()])
