"""What Anthropic's API refuses about the body of a Messages request, in its words."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs

from mock_llm.codecs._anthropic import invalid

_KNOWN = frozenset(
    ("model", "messages", "max_tokens", "system", "stop_sequences", "stream", "temperature", "top_k", "top_p", "tools",
     "tool_choice", "thinking", "metadata", "service_tier", "container", "context_management", "mcp_servers",
     "output_config", "output_format", "inference_geo", "cache_control", "speed", "betas", "fallbacks",
     "fallback_credit_token", "user_profile_id", "diagnostics", "compaction",
     "workspace_id", "thread")
)  # fmt: skip
_CHOICES = ("auto", "any", "tool", "none")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def validate(raw: dict[str, Any], *, counting: bool = False) -> None:
    """Raises ApiError (400). `counting`: the endpoint that counts tokens, which takes no max_tokens."""
    for name in raw:
        if name not in _KNOWN or (counting and name == "thread"):
            raise invalid(f"{name}: Extra inputs are not permitted")
    for name in ("model", "messages") if counting else ("model", "max_tokens", "messages"):
        if raw.get(name) is None:
            raise invalid(f"{name}: Field required")
    if not isinstance(raw["model"], str):
        raise invalid("model: Input should be a valid string")
    if not counting:
        _whole("max_tokens", raw["max_tokens"], 1)
    if not isinstance(raw["messages"], list):
        raise invalid("messages: Input should be a valid list")
    for name, least, most in (("temperature", 0, 1), ("top_p", 0, 1)):
        value = raw.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise invalid(f"{name}: Input should be a valid number")
        if not least <= value <= most:
            word = f"greater than or equal to {least}" if value < least else f"less than or equal to {most}"
            raise invalid(f"{name}: Input should be {word}")
    if raw.get("top_k") is not None:
        _whole("top_k", raw["top_k"], 0)
    if raw.get("stream") is not None and not isinstance(raw["stream"], bool):
        raise invalid("stream: Input should be a valid boolean")
    stops = raw.get("stop_sequences") or ()
    if any(not isinstance(stop, str) for stop in stops):
        raise invalid("stop_sequences.0: Input should be a valid string")
    if any(not stop.strip() for stop in stops):
        raise invalid("stop_sequences: each stop sequence must contain non-whitespace")
    _thinking(raw)
    names = _tools(raw.get("tools") or ())
    _choice(raw, names)


def _whole(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise invalid(f"{name}: Input should be a valid integer")
    if value < least:
        raise invalid(f"{name}: Input should be greater than or equal to {least}")


def _thinking(raw: dict[str, Any]) -> None:
    thinking = raw.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind not in ("enabled", "disabled", "adaptive"):
        raise invalid(
            f"thinking: Input tag {kind!r} found using 'type' does not match any of the expected tags: 'adaptive', "
            "'disabled', 'enabled'"
        )
    if kind != "enabled":
        return
    budget = thinking.get("budget_tokens")
    if budget is None:
        raise invalid("thinking.enabled.budget_tokens: Field required")
    _whole("thinking.enabled.budget_tokens", budget, 1024)
    if "max_tokens" in raw and budget >= raw["max_tokens"]:
        raise invalid(
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at "
            "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
        )
    if (raw.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def _tools(tools: Any) -> set[str]:
    names: set[str] = set()
    for index, tool in enumerate(tools):
        at = f"tools.{index}"
        if not isinstance(tool, dict):
            raise invalid(f"{at}: Input should be a valid dictionary or object to extract fields from")
        name, kind = tool.get("name"), tool.get("type") or "custom"
        if kind == "mcp_toolset":
            continue
        at = f"{at}.{kind}"
        if not isinstance(name, str):
            raise invalid(f"{at}.name: Field required")
        if not _NAME.fullmatch(name):
            raise invalid(f"{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
        if name in names:
            raise invalid("tools: Tool names must be unique.")
        names.add(name)
        if kind == "custom":
            _schema(tool, at)
    return names


def _schema(tool: dict[str, Any], at: str) -> None:
    schema = tool.get("input_schema")
    if schema is None:
        raise invalid(f"{at}.input_schema: Field required")
    if not isinstance(schema, dict):
        raise invalid(f"{at}.input_schema: Input should be a valid dictionary")
    if "type" not in schema:
        raise invalid(f"{at}.input_schema.type: Field required")
    if schema["type"] != "object":
        raise invalid(f"{at}.input_schema.type: Input should be 'object'")
    properties = schema.get("properties")
    if isinstance(properties, dict):
        # A property described by a bare string is let through: Anthropic's own tests of its clients send such.
        described = {name: {} if isinstance(value, str) else value for name, value in properties.items()}
        schema = {**schema, "properties": described}
    try:
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
    except (jsonschema_rs.ValidationError, ValueError):
        raise invalid(
            f"{at}.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12 "
            "(https://json-schema.org/draft/2020-12). Learn more about tool use at "
            "https://docs.claude.com/en/docs/tool-use."
        ) from None


def _choice(raw: dict[str, Any], names: set[str]) -> None:
    choice = raw.get("tool_choice")
    if choice is None:
        return
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in _CHOICES:
        shown = ", ".join(f"'{name}'" for name in sorted(_CHOICES))
        raise invalid(
            f"tool_choice: Input tag {kind!r} found using 'type' does not match any of the expected tags: {shown}"
        )
    if not raw.get("tools") and kind != "none":
        raise invalid("tool_choice may only be specified while providing tools.")
    if kind == "tool" and choice.get("name") not in names:
        if not isinstance(choice.get("name"), str):
            raise invalid("tool_choice.tool.name: Field required")
        raise invalid(f"Tool '{choice['name']}' not found in provided tools")
