"""Parallel calls that cannot both be meant."""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from mock_llm.completion import Completion, ToolCall
from mock_llm.faults.fault import Fault, Hit, fault


@fault("contradictory_calls")
@dataclass(frozen=True, slots=True)
class ContradictoryCalls(Fault):
    """The first call of the answer comes a second time, beside it, with one argument changed."""

    def complete(self, completion: Completion, hit: Hit) -> Completion:
        blocks = completion.first.blocks
        first = next((block for block in blocks if isinstance(block, ToolCall)), None)
        if first is None:
            return completion
        return completion.with_blocks(*blocks, replace(first, id="", arguments=_other(first.arguments)))


def _other(text: str) -> str:
    try:
        value = orjson.loads(text)
    except ValueError:
        return text
    if not isinstance(value, dict) or not value:
        return '{"contradiction":true}'
    name, old = next(iter(value.items()))
    if isinstance(old, bool):
        value[name] = not old
    elif isinstance(old, int | float):
        value[name] = -old if old else 1
    elif isinstance(old, str):
        value[name] = f"not {old}"
    else:
        value[name] = None
    return orjson.dumps(value).decode()
