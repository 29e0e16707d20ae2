"""The turns of a Messages request: whether they fit together, and their neutral form."""

from __future__ import annotations

from typing import Any

import orjson

from mock_llm.codecs._anthropic import invalid
from mock_llm.completion import Block, Media, Text, Thinking, ToolCall, ToolResult, Turn

_MEDIA = {"image": "image", "document": "file", "container_upload": "file", "file": "file"}
_TAGS = ("container_upload", "document", "image", "mcp_tool_result", "mcp_tool_use", "redacted_thinking",
         "search_result", "server_tool_use", "text", "thinking", "tool_reference", "tool_result", "tool_use",
         "web_fetch_tool_result", "web_search_tool_result", "compaction", "fallback",
         "mid_conv_system")  # fmt: skip


def read_turns(messages: list[Any]) -> tuple[Turn, ...]:
    """The turns. Raises ApiError (400) for roles, blocks, tool uses and results that do not fit."""
    if not messages:
        raise invalid("messages: at least one message is required")
    turns: list[Turn] = []
    names: dict[str, str] = {}
    waiting: tuple[str, ...] = ()
    for index, message in enumerate(messages):
        at = f"messages.{index}"
        if not isinstance(message, dict):
            raise invalid(f"{at}: Input should be a valid dictionary or object to extract fields from")
        role, content = message.get("role"), message.get("content")
        if role is None:
            raise invalid(f"{at}.role: Field required")
        if role not in ("user", "assistant", "system"):
            raise invalid(f"{at}.role: Input should be 'user' or 'assistant'")
        if index == 0 and role == "assistant":
            raise invalid('messages: first message must use the "user" role')
        blocks = _blocks(content, at, last=index == len(messages) - 1, role=role)
        results = {b.call_id for b in blocks if isinstance(b, ToolResult)}
        missing = [ident for ident in waiting if ident not in results]
        if missing:
            raise invalid(
                f"{at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                "next message."
            )
        for place, block in enumerate(blocks):
            if isinstance(block, ToolResult) and block.call_id not in waiting:
                raise invalid(
                    f"{at}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: {block.call_id}. "
                    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        waiting = ()
        if role == "assistant":
            calls = [b for b in blocks if isinstance(b, ToolCall)]
            names.update((call.id, call.name) for call in calls)
            waiting = tuple(call.id for call in calls)
        turns.extend(_turns(role, blocks, names))
    if waiting:
        raise invalid(
            f"messages.{len(messages) - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(waiting)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
            "message."
        )
    return tuple(turns)


def _turns(role: str, blocks: tuple[Block, ...], names: dict[str, str]) -> list[Turn]:
    """One turn; the results and the rest of a user's message are two, as other protocols have them."""
    if role == "assistant":
        return [Turn("assistant", blocks)]
    results = tuple(
        ToolResult(b.call_id, b.text, names.get(b.call_id, ""), b.is_error) for b in blocks if isinstance(b, ToolResult)
    )
    rest = tuple(b for b in blocks if not isinstance(b, ToolResult))
    found = [Turn("tool", results)] if results else []
    return [*found, Turn("user", rest)] if rest or not results else found


def _blocks(content: Any, at: str, *, last: bool, role: str) -> tuple[Block, ...]:
    if isinstance(content, str):
        if not content and not (last and role == "assistant"):
            raise invalid(f"{at}: {role} messages must have non-empty content")
        return (Text(content),)
    if content is None:
        raise invalid(f"{at}.content: Field required")
    if not isinstance(content, list):
        raise invalid(f"{at}.content: Input should be a valid list")
    if not content and not (last and role == "assistant"):
        raise invalid(f"{at}: {role} messages must have non-empty content")
    return tuple(_block(part, f"{at}.content.{index}") for index, part in enumerate(content))


def _block(part: Any, at: str) -> Block:
    kind = part.get("type") if isinstance(part, dict) else None
    match kind:
        case "text":
            text = _need(part, "text", at)
            if not text:
                raise invalid("messages: text content blocks must be non-empty")
            return Text(text)
        case "tool_use":
            arguments = part.get("input")
            if not isinstance(arguments, dict):
                raise invalid(f"{at}.tool_use.input: Input should be a valid dictionary")
            return ToolCall(_need(part, "name", at), orjson.dumps(arguments).decode(), _need(part, "id", at))
        case "tool_result":
            return ToolResult(
                _need(part, "tool_use_id", at), plain(part.get("content")), is_error=part.get("is_error") is True
            )
        case "thinking":
            return Thinking(_need(part, "thinking", at), _need(part, "signature", at))
        case "redacted_thinking":
            return Thinking(_need(part, "data", at), redacted=True)
        case "image" | "document" | "container_upload":
            return Media(_MEDIA[kind], part)  # type: ignore[arg-type]
        case _ if kind in _TAGS:
            return Text(plain(part.get("content")) or str(part.get("text") or ""))
    shown = ", ".join(f"'{tag}'" for tag in sorted(_TAGS[:15]))
    raise invalid(f"{at}: Input tag {kind!r} found using 'type' does not match any of the expected tags: {shown}")


def _need(part: dict[str, Any], name: str, at: str) -> str:
    value = part.get(name)
    if value is None:
        raise invalid(f"{at}.{part['type']}.{name}: Field required")
    if not isinstance(value, str):
        raise invalid(f"{at}.{part['type']}.{name}: Input should be a valid string")
    return value


def plain(content: Any) -> str:
    """The text of a content that is a string or a list of blocks."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "\n".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
