"""Whoever takes an event begins a trace of its own: what an event caused cannot be found from where it came."""

from __future__ import annotations

from dataclasses import replace

from reference_agents.queue.consumer import Consumer
from reference_agents.queue.messages import Received


class Forgetful(Consumer):
    async def _one(self, message: Received) -> None:
        kept = {name: value for name, value in message.headers.items() if name != "traceparent"}
        await super()._one(replace(message, headers=kept))


def apply_queue(consumer: Consumer) -> Consumer:
    """Replace the consumer by one that reads no traceparent."""
    consumer.__class__ = Forgetful
    return consumer
