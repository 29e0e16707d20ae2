"""A message that cannot be handled is dropped without a trace: no dead letter, no reason."""

from __future__ import annotations

import contextlib

from reference_agents.queue.consumer import Consumer, Poison
from reference_agents.queue.messages import Received


def apply_queue(consumer: Consumer) -> Consumer:
    """Replace the handler."""
    healthy = consumer.handle

    async def handle(message: Received) -> None:
        with contextlib.suppress(Poison):
            await healthy(message)

    consumer.handle = handle
    return consumer
