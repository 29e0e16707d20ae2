"""OpenAI Chat Completions and Anthropic Messages, as far as an agent needs them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from refstack.llm.errors import LlmError
from refstack.runner.messages import Message, Reply, ToolCall, ToolSpec


class WireProtocol(Protocol):
    """One provider's way of asking."""

    @property
    def base_url(self) -> str: ...

    def request(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int
    ) -> tuple[str, dict[str, str], dict[str, Any]]:
        """Path, headers and body."""

    def reply(self, body: Any) -> Reply:
        """The answer in a 200. Raises LlmError for one that is none."""


def _arguments(text: str) -> tuple[dict[str, Any], str]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}, text
    return (value, "") if isinstance(value, dict) else ({}, text)


@dataclass(frozen=True)
class OpenAI:
    """POST {base}/chat/completions."""

    base_url: str
    key: str

    def request(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int
    ) -> tuple[str, dict[str, str], dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        for message in messages:
            row: dict[str, Any] = {"role": message.role, "content": message.content}
            if message.tool_calls:
                row["content"] = message.content or None
                row["tool_calls"] = [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.name, "arguments": call.malformed or json.dumps(call.arguments)},
                    }
                    for call in message.tool_calls
                ]
            if message.role == "tool":
                row["tool_call_id"] = message.tool_call_id
            rows.append(row)
        body: dict[str, Any] = {"model": model, "messages": rows, "max_completion_tokens": max_tokens}
        if tools:
            body["tools"] = [{"type": "function", "function": tool.model_dump()} for tool in tools]
        return "/chat/completions", {"authorization": f"Bearer {self.key}"}, body

    def reply(self, body: Any) -> Reply:
        try:
            message = body["choices"][0]["message"]
            calls = []
            for call in message.get("tool_calls") or ():
                arguments, malformed = _arguments(call["function"]["arguments"])
                calls.append(
                    ToolCall(id=call["id"], name=call["function"]["name"], arguments=arguments, malformed=malformed)
                )
            usage = body.get("usage") or {}
            return Reply(
                content=message.get("content") or message.get("refusal") or "",
                tool_calls=calls,
                model=body.get("model", ""),
                prompt_tokens=usage.get("prompt_tokens", 0),
                completion_tokens=usage.get("completion_tokens", 0),
            )
        except (KeyError, IndexError, TypeError) as error:
            raise LlmError(f"not a chat completion: {type(error).__name__} {error}", retryable=True) from None


@dataclass(frozen=True)
class Anthropic:
    """POST {base}/v1/messages."""

    base_url: str
    key: str

    def request(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int
    ) -> tuple[str, dict[str, str], dict[str, Any]]:
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        rows: list[dict[str, Any]] = []
        for message in messages:
            if message.role == "system":
                continue
            role = "assistant" if message.role == "assistant" else "user"
            blocks: list[dict[str, Any]] = []
            if message.role == "tool":
                blocks.append({"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.content})
            else:
                if message.content:
                    blocks.append({"type": "text", "text": message.content})
                blocks.extend(
                    {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
                    for call in message.tool_calls
                )
            # The results of one turn's calls belong into one user turn.
            if rows and rows[-1]["role"] == role:
                rows[-1]["content"].extend(blocks)
            else:
                rows.append({"role": role, "content": blocks})
        body: dict[str, Any] = {"model": model, "max_tokens": max_tokens, "system": system, "messages": rows}
        if tools:
            body["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in tools
            ]
        return "/v1/messages", {"x-api-key": self.key, "anthropic-version": "2023-06-01"}, body

    def reply(self, body: Any) -> Reply:
        try:
            text = "".join(block["text"] for block in body["content"] if block["type"] == "text")
            calls = [
                ToolCall(id=block["id"], name=block["name"], arguments=block["input"])
                for block in body["content"]
                if block["type"] == "tool_use"
            ]
            usage = body.get("usage") or {}
            return Reply(
                content=text,
                tool_calls=calls,
                model=body.get("model", ""),
                prompt_tokens=usage.get("input_tokens", 0),
                completion_tokens=usage.get("output_tokens", 0),
            )
        except (KeyError, IndexError, TypeError) as error:
            raise LlmError(f"not a message: {type(error).__name__} {error}", retryable=True) from None
