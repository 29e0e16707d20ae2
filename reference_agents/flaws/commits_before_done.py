"""The offset is committed when a message comes, not when its work is done: what a dying pod was at is lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reference_agents.flaws.replacing import as_kind
from reference_agents.queue.consumer import Consumer, received


class _Hasty(Consumer):
    async def _partition(self, consumer: Any, partition: Any, rows: Sequence[Any]) -> None:
        await consumer.commit({partition: rows[-1].offset + 1})
        for row in rows:
            await self._one(received(row))


def apply_queue(consumer: Consumer) -> Consumer:
    """Replace the consumer."""
    return as_kind(_Hasty, consumer)
