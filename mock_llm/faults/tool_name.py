"""A call of a tool that nobody offered."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mock_llm.completion import Completion, ToolCall
from mock_llm.faults.fault import Fault, Hit, fault


@fault("tool_name")
@dataclass(frozen=True, slots=True)
class ToolName(Fault):
    """Every call of the answer names a tool that does not exist: `tool`, or without it a near miss of the right name.

    An answer without calls gets one of an unknown tool, where the request offered tools.
    """

    tool: str = ""

    def complete(self, completion: Completion, hit: Hit) -> Completion:
        offered = {tool.name for tool in hit.request.tools} if hit.request is not None else set()
        blocks = completion.first.blocks
        if any(isinstance(block, ToolCall) for block in blocks):
            renamed = [
                replace(block, name=self.tool or near_miss(block.name, offered))
                if isinstance(block, ToolCall)
                else block
                for block in blocks
            ]
            return completion.with_blocks(*renamed)
        if not offered:
            return completion
        return completion.with_blocks(ToolCall(self.tool or near_miss(min(offered), offered)), finish="tool_calls")


def near_miss(name: str, offered: set[str]) -> str:
    """A name one slip away from `name` that is not among those offered: other case, plural, a swapped pair."""
    head, _, tail = name.partition("_")
    camel = head + "".join(part.capitalize() for part in tail.split("_")) if tail else name.capitalize()
    swapped = name[:-2] + name[-1] + name[-2] if len(name) > 1 else name + name
    slips = (camel, name + "s", swapped, name + "_tool")
    return next(slip for slip in (*slips, name + "_" * (len(offered) + 1)) if slip not in offered and slip != name)
