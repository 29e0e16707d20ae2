"""Anthropic's messages protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reference_agents.llm.errors import Transient
from reference_agents.llm.messages import Message, Reply, ToolCall, ToolSpec


class Anthropic:
    """Requests and answers of `POST {base}/v1/messages`; `base` has no /v1."""

    def __init__(self, base_url: str, key: str) -> None:
        self.url = base_url.rstrip("/") + "/v1/messages"
        self.headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def body(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int
    ) -> dict[str, Any]:
        """The JSON to send. System messages go beside the turns; neighbours of one role become one turn."""
        turns: list[dict[str, Any]] = []
        for message in messages:
            if message.role == "system":
                continue
            role = "assistant" if message.role == "assistant" else "user"
            blocks = _blocks(message)
            if turns and turns[-1]["role"] == role:
                turns[-1]["content"] += blocks
            elif blocks:
                turns.append({"role": role, "content": blocks})
        body: dict[str, Any] = {"model": model, "max_tokens": max_tokens, "messages": turns}
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        if system:
            body["system"] = system
        if tools:
            body["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in tools
            ]
        return body

    def reply(self, model: str, body: Any) -> Reply:
        """The answer. Raises Transient for a 200 that carries none."""
        try:
            blocks = body["content"]
            usage = body.get("usage") or {}
            return Reply(
                model=body.get("model") or model,
                content="".join(block["text"] for block in blocks if block["type"] == "text"),
                tool_calls=tuple(
                    ToolCall(
                        id=block["id"],
                        name=block["name"],
                        arguments=block["input"] if isinstance(block["input"], dict) else None,
                    )
                    for block in blocks
                    if block["type"] == "tool_use"
                ),
                prompt_tokens=usage.get("input_tokens", 0),
                completion_tokens=usage.get("output_tokens", 0),
                finish_reason=body.get("stop_reason") or "",
            )
        except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
            raise Transient("unreadable_answer", f"{type(error).__name__}") from None


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role == "tool":
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content}]
    blocks: list[dict[str, Any]] = [{"type": "text", "text": message.content}] if message.content else []
    return blocks + [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments or {}}
        for call in message.tool_calls
    ]
