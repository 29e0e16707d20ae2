"""Token counts and token-like pieces, without a tokenizer's tables: deterministic and cheap.

A piece is a run of letters of up to eight characters with its leading space, up to three digits, or one
other character: about what byte-pair encodings make of English (four characters a token, roughly).
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from functools import lru_cache

from mock_llm.completion import Completion, Request, Text, Thinking, ToolCall, ToolResult

_PIECE = re.compile(r"\s?[^\W\d_]{1,8}|\s?\d{1,3}|\s+|.", re.DOTALL)
_PER_MESSAGE = 3  # the role and separators that chat formats add around each message
_CACHED = 2048  # characters; prompts repeat from turn to turn, so the counts of short texts are kept
_PER_MEDIA = 85  # what OpenAI counts for a low-detail image


def pieces(text: str) -> list[str]:
    """The text cut into token-like pieces; joined they are the text."""
    return _PIECE.findall(text)


def count(text: str) -> int:
    """How many pieces the text has."""
    return _short(text) if len(text) < _CACHED else len(_PIECE.findall(text))


@lru_cache(maxsize=8192)
def _short(text: str) -> int:
    return len(_PIECE.findall(text))


def prompt_tokens(request: Request) -> int:
    """Tokens of system prompt, turns and tool definitions."""
    total = count(request.system) + (_PER_MESSAGE if request.system else 0)
    for turn in request.turns:
        total += _PER_MESSAGE
        for block in turn.blocks:
            if isinstance(block, Text | ToolResult | Thinking):
                total += count(block.text)
            elif isinstance(block, ToolCall):
                total += count(block.name) + count(block.arguments)
            else:
                total += _PER_MEDIA
    for tool in request.tools:
        # A character estimate, for speed: schemas are long and the same in every request.
        total += count(tool.name) + count(tool.description) + len(str(tool.parameters)) // 4
    return total


def completion_tokens(completion: Completion) -> int:
    """Tokens of every choice's blocks; an answer has at least one."""
    total = 0
    for choice in completion.choices:
        for block in choice.blocks:
            if isinstance(block, ToolCall):
                total += count(block.name) + count(block.arguments)
            elif not isinstance(block, ToolResult) and hasattr(block, "text"):
                total += count(block.text)
    return max(total, 1)


def chunks(text: str, rng: random.Random, largest: int = 3) -> Iterator[tuple[str, int]]:
    """The text in chunks of one to `largest` pieces, sizes drawn from `rng`; each with its token count."""
    parts = pieces(text)
    at = 0
    while at < len(parts):
        size = rng.randint(1, largest) if largest > 1 else 1
        part = parts[at : at + size]
        yield "".join(part), len(part)
        at += size
