"""A message that cannot be handled is tried for ever: nothing behind it in its partition is done."""

from __future__ import annotations

from reference_agents.queue.consumer import Consumer, Later, Poison
from reference_agents.queue.messages import Received


def apply_queue(consumer: Consumer) -> Consumer:
    """Replace the handler."""
    healthy = consumer.handle

    async def handle(message: Received) -> None:
        try:
            await healthy(message)
        except Poison as poison:
            raise Later(str(poison)) from None

    consumer.handle = handle
    return consumer
