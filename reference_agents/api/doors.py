"""An agent's doors beside HTTP, where the environment asks for them: Kafka and gRPC. All lead to the same tasks."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Mapping

from reference_agents.api.deps import Parts


@contextlib.asynccontextmanager
async def other_doors(agent: str, parts: Parts, env: Mapping[str, str] = os.environ) -> AsyncIterator[None]:
    """Open while the body runs; what a door needs is imported only where it is wanted. Raises ValueError."""
    async with contextlib.AsyncExitStack() as doors:
        if env.get("KAFKA_BROKERS"):
            from reference_agents.queue.service import QueueSettings, agent_queue

            queue = agent_queue(
                QueueSettings.of(env), agent, parts.settings.pod, parts.store, parts.workers, parts.redis,
                parts.http, parts.clock, parts.workers.log, parts.settings.flaw,
            )  # fmt: skip
            queue.start()
            doors.push_async_callback(queue.stop)
        if env.get("GRPC_PORT"):
            from reference_agents.grpc_api.service import GrpcDoor
            from reference_agents.security.install import grpc_guard

            guard = grpc_guard(f"agent-{agent}", parts.clock, parts.settings.flaw, env)
            door = GrpcDoor(parts, f"{parts.settings.host}:{int(env['GRPC_PORT'])}", interceptors=guard)
            await door.start()
            doors.push_async_callback(door.stop)
        yield
