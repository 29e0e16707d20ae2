"""OpenAI's chat completions protocol."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from reference_agents.llm.errors import Transient
from reference_agents.llm.messages import Message, Reply, ToolCall, ToolSpec


class OpenAI:
    """Requests and answers of `POST {base}/chat/completions`; `base` ends in /v1."""

    def __init__(self, base_url: str, key: str) -> None:
        self.url = base_url.rstrip("/") + "/chat/completions"
        self.headers = {"Authorization": f"Bearer {key}"}

    def body(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int
    ) -> dict[str, Any]:
        """The JSON to send."""
        body: dict[str, Any] = {
            "model": model,
            "messages": [_message(message) for message in messages],
            "max_completion_tokens": max_tokens,
        }
        if tools:
            body["tools"] = [{"type": "function", "function": tool.model_dump()} for tool in tools]
        return body

    def reply(self, model: str, body: Any) -> Reply:
        """The answer. Raises Transient for a 200 that carries none: an error body, or no choice."""
        try:
            choice = body["choices"][0]
            message = choice["message"]
            usage = body.get("usage") or {}
            return Reply(
                model=body.get("model") or model,
                content=message.get("content") or message.get("refusal") or "",
                tool_calls=tuple(
                    ToolCall(id=c["id"], name=c["function"]["name"], arguments=_arguments(c["function"]["arguments"]))
                    for c in message.get("tool_calls") or ()
                ),
                prompt_tokens=usage.get("prompt_tokens", 0),
                completion_tokens=usage.get("completion_tokens", 0),
                finish_reason=choice.get("finish_reason") or "",
            )
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise Transient("unreadable_answer", f"{type(error).__name__}") from None


def _arguments(text: Any) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, TypeError):
        return None
    return value if isinstance(value, dict) else None


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": message.content}
    sent: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        sent["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments or {})},
            }
            for call in message.tool_calls
        ]
    return sent
