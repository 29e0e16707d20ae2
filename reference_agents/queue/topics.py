"""Makes the topics that are missing."""

from __future__ import annotations

from collections.abc import Iterable

PARTITIONS = 6


async def ensure(brokers: str, topics: Iterable[str], partitions: int = PARTITIONS) -> None:
    """Make each of `topics` that is not there. Raises aiokafka.errors.KafkaError, OSError."""
    from aiokafka.admin import AIOKafkaAdminClient, NewTopic

    admin = AIOKafkaAdminClient(bootstrap_servers=brokers)
    try:
        await admin.start()
        there = set(await admin.list_topics())
        missing = [NewTopic(name, partitions, 1) for name in topics if name not in there]
        if missing:
            await admin.create_topics(missing)  # one that was made meanwhile is reported in the answer, not raised
    finally:
        await admin.close()
