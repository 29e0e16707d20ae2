"""`set_response(step=N, ...)`: one answer at one place, in whatever words come to mind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mock_llm.completion import Completion
from mock_llm.script.answer import Answer
from mock_llm.script.decode import answer_from_data
from mock_llm.script.model import Rule

_SAME = {"content": "text", "response": "text", "message": "text", "final_answer": "text", "answer": "text"}
_TOOL = ("tool", "action", "tool_name")
_ARGUMENTS = ("arguments", "params", "args", "action_input", "input")


def response_rule(step: int, words: Mapping[str, Any]) -> Rule:
    """The rule for a step. `words` is an answer, or `tool` with `arguments`; raises ScriptError."""
    return Rule(f"step {step}", answers=(answer_from(words, f"step {step}"),), times=1)


def answer_from(words: Mapping[str, Any], where: str) -> Answer:
    """An answer from keywords: `text`, `tool` and `arguments`, `tool_calls`, `refusal`, `error`, `status` ..."""
    rest: dict[str, Any] = {_SAME.get(key, key): value for key, value in words.items() if value is not None}
    tool = next((rest.pop(name) for name in _TOOL if name in rest), None)
    arguments = next((rest.pop(name) for name in _ARGUMENTS if name in rest), None)
    if tool is not None:
        call = {"name": tool} if isinstance(tool, str) else dict(tool)
        if arguments is not None:
            call["arguments"] = arguments
        rest["tool_calls"] = [*rest.get("tool_calls", ()), call]
    status = rest.pop("status", None)
    if status is not None:
        error = {"status": status}
        error.update({k: rest.pop(k) for k in ("retry_after", "code") if k in rest})
        if "text" in rest:
            error["message"] = rest.pop("text")
        rest["error"] = error
    text = rest.get("text")
    if callable(text) or isinstance(text, Answer | Completion):
        return Answer(function=lambda _: text) if isinstance(text, Completion) else answer_from_data(text, where)
    return answer_from_data(rest, where)
