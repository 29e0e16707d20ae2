"""Whether the messages of a conversation fit together."""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._openai import invalid

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PARTS = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
    "system": ("text",),
    "developer": ("text",),
    "tool": ("text",),
}


def check_messages(messages: list[Any]) -> None:
    """Raises ApiError (400) for an unknown role, bad content, or tool calls and results that do not pair."""
    if not messages:
        raise invalid(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "messages",
            "empty_array",
        )
    waiting: dict[str, int] = {}  # ids of calls without a result yet -> index of the assistant message
    asked = -1
    for index, message in enumerate(messages):
        at = f"messages[{index}]"
        if not isinstance(message, dict):
            raise invalid(
                f"Invalid type for '{at}': expected an object, but got something else instead.",
                at,
                "invalid_type",
            )
        role = message.get("role")
        if role == "tool":
            _result(message, at, waiting, asked)
            _content(message, "tool", at)
            continue
        if waiting:
            _missing(waiting, asked)
        if role not in _ROLES:
            if role is None:
                raise invalid(f"Missing required parameter: '{at}.role'.", f"{at}.role", "missing_required_parameter")
            shown = ", ".join(f"'{name}'" for name in _ROLES[:-1])
            raise invalid(
                f"Invalid value: '{role}'. Supported values are: {shown}, and '{_ROLES[-1]}'.",
                f"{at}.role",
                "invalid_value",
            )
        if role == "assistant":
            waiting, asked = _assistant(message, at), index
        elif role != "function":
            asked = -1
            _content(message, role, at)
    if waiting:
        _missing(waiting, asked)


def _missing(waiting: dict[str, int], asked: int) -> None:
    raise invalid(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(waiting)}",
        f"messages.[{asked + 1}].role",
    )


def _result(message: dict[str, Any], at: str, waiting: dict[str, int], asked: int) -> None:
    ident = message.get("tool_call_id")
    if not isinstance(ident, str):
        raise invalid(
            f"Missing required parameter: '{at}.tool_call_id'.",
            f"{at}.tool_call_id",
            "missing_required_parameter",
        )
    if asked < 0 or (not waiting and ident):
        raise invalid(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
            "'tool_calls'.",
            f"{at.replace('[', '.[')}.role",
        )
    if ident not in waiting:
        raise invalid(
            f"Invalid parameter: 'tool_call_id' of '{ident}' not found in 'tool_calls' of previous message.",
            f"{at.replace('[', '.[')}.tool_call_id",
        )
    del waiting[ident]


def _assistant(message: dict[str, Any], at: str) -> dict[str, int]:
    calls = message.get("tool_calls")
    if not calls:
        if calls == []:
            raise invalid(
                f"Invalid '{at}.tool_calls': empty array. Expected an array with minimum length 1, but got an "
                "empty array instead.",
                f"{at}.tool_calls",
                "empty_array",
            )
        if not message.get("function_call") and not message.get("refusal") and not message.get("audio"):
            _content(message, "assistant", at)
        return {}
    found: dict[str, int] = {}
    for i, call in enumerate(calls):
        place = f"{at}.tool_calls[{i}]"
        kind = call.get("type") if isinstance(call, dict) else None
        spec = call.get(kind) if kind in ("function", "custom") else None
        if not isinstance(call, dict) or not isinstance(call.get("id"), str):
            raise invalid(f"Missing required parameter: '{place}.id'.", f"{place}.id", "missing_required_parameter")
        if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
            word = f"{place}.type" if kind is None else f"{place}.function.name"
            raise invalid(f"Missing required parameter: '{word}'.", word, "missing_required_parameter")
        text = spec.get("arguments" if kind == "function" else "input")
        if not isinstance(text, str):
            word = f"{place}.function.arguments"
            raise invalid(
                f"Invalid type for '{word}': expected a string, but got an object instead.", word, "invalid_type"
            )
        found[call["id"]] = i
    return found


def _content(message: dict[str, Any], role: str, at: str) -> None:
    content = message.get("content")
    if isinstance(content, str):
        return
    place = f"{at}.content"
    if content is None:
        raise invalid("Invalid value for 'content': expected a string, got null.", place)
    if not isinstance(content, list):
        raise invalid(
            f"Invalid type for '{place}': expected one of a string or array of objects, but got "
            f"{'an object' if isinstance(content, dict) else 'something else'} instead.",
            place,
            "invalid_type",
        )
    allowed = _PARTS[role]
    for i, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in allowed:
            shown = ", ".join(f"'{name}'" for name in allowed)
            raise invalid(
                f"Invalid value: '{kind}'. Supported values are: {shown}.",
                f"{place}[{i}].type",
                "invalid_value",
            )
        if not isinstance(part.get(kind), str if kind in ("text", "refusal") else dict):
            raise invalid(
                f"Missing required parameter: '{place}[{i}].{kind}'.",
                f"{place}[{i}].{kind}",
                "missing_required_parameter",
            )
