"""A finish reason that does not fit what was said."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mock_llm.completion import Completion, Finish, ToolCall
from mock_llm.faults.fault import Fault, Hit, fault


@fault("finish_reason")
@dataclass(frozen=True, slots=True)
class FinishReason(Fault):
    """Give `reason` instead of the right one; without it, `stop` beside tool calls and `tool_calls` without any.

    reason: stop, length, tool_calls, content_filter, refusal, pause; the codec puts it in the provider's words.
    """

    reason: Finish | None = None

    def complete(self, completion: Completion, hit: Hit) -> Completion:
        calls = any(isinstance(block, ToolCall) for block in completion.first.blocks)
        wrong: Finish = self.reason or ("stop" if calls else "tool_calls")
        choices = tuple(replace(choice, finish=wrong) for choice in completion.choices)
        return replace(completion, choices=choices, stop_sequence=None)
