"""How far consumers are behind in a topic: the broker is asked, where a client for it is installed."""

from __future__ import annotations

import asyncio
import importlib.util

LAG = "kafka_consumergroup_lag"  # as kafka-exporter calls it
TIMEOUT_S = 5.0


async def lag_of(broker: str, topic: str, group: str = "") -> float | None:
    """Messages that the consumer groups of a topic (or one of them) have not committed, added up as their series are.

    None where no client is installed, the broker says nothing, or no group has committed anything in the topic.
    """
    if importlib.util.find_spec("aiokafka") is None:
        return None
    try:
        return await asyncio.wait_for(_ask(broker, topic, group), TIMEOUT_S)
    except (TimeoutError, OSError):
        return None


async def _ask(broker: str, topic: str, group: str) -> float | None:
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    admin = AIOKafkaAdminClient(bootstrap_servers=broker, request_timeout_ms=2000)
    consumer = AIOKafkaConsumer(bootstrap_servers=broker, request_timeout_ms=2000)
    try:
        await admin.start()
        await consumer.start()
        groups = [group] if group else sorted({name for name, *_ in await admin.list_consumer_groups()})
        partitions = [TopicPartition(topic, number) for number in await _partitions(admin, topic)]
        ends = await consumer.end_offsets(partitions) if partitions else {}
        lag, known = 0, False
        for name in groups:
            committed = await admin.list_consumer_group_offsets(name, partitions=partitions)
            for place in partitions:
                offset = committed[place].offset if place in committed else -1
                if offset >= 0:
                    known = True
                    lag += max(0, ends[place] - offset)
        return float(lag) if known else None
    except KafkaError:
        return None
    finally:
        await consumer.stop()
        await admin.close()


async def _partitions(admin: object, topic: str) -> list[int]:
    rows = await admin.describe_topics([topic])  # type: ignore[attr-defined]
    return sorted(int(row["partition"]) for found in rows for row in found["partitions"])
