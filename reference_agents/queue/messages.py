"""A message as it goes to a topic and as it comes from one, and what becomes of one that nobody can take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ERROR, ATTEMPTS, TOPIC, PARTITION, OFFSET = (
    "dlq-error",
    "dlq-attempts",
    "dlq-original-topic",
    "dlq-original-partition",
    "dlq-original-offset",
)
ERROR_LIMIT = 1000  # characters


@dataclass(frozen=True)
class Message:
    """What is sent. `key` decides the partition: messages of one key stay in order."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received(Message):
    """What came, and where it was."""

    partition: int = 0
    offset: int = 0
    timestamp: int = 0

    @property
    def id(self) -> str:
        """One message's name. The time is in it because a broker that forgot everything counts from 0 again."""
        return f"{self.topic}-{self.partition}-{self.offset}-{self.timestamp}"


def dead(message: Received, topic: str, error: str, attempts: int) -> Message:
    """The message as it was, for the dead letter `topic`, with why it is there."""
    said = {
        ERROR: error[:ERROR_LIMIT],
        ATTEMPTS: str(attempts),
        TOPIC: message.topic,
        PARTITION: str(message.partition),
        OFFSET: str(message.offset),
    }
    return Message(topic, message.key, message.value, {**message.headers, **said})


def redriven(message: Message) -> Message:
    """A dead letter as the message it was, for the topic it came from. Raises ValueError where it does not say."""
    if TOPIC not in message.headers:
        raise ValueError("the dead letter does not say where it came from")
    said = {ERROR, ATTEMPTS, TOPIC, PARTITION, OFFSET}
    kept = {name: value for name, value in message.headers.items() if name not in said}
    return Message(message.headers[TOPIC], message.key, message.value, kept)
