"""Whether the tools offered are well formed, and whether tool_choice names one of them."""

from __future__ import annotations

import re
from typing import Any

from mock_llm.codecs._openai import invalid
from mock_llm.codecs.openai_chat.schemas import check_schema

_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")


def check_tools(raw: dict[str, Any]) -> None:
    """Raises ApiError (400) for a tool without name, with a bad schema, or a choice that is not offered."""
    tools = raw.get("tools")
    names: set[str] = set()
    if tools is not None:
        if not tools:
            raise invalid(
                "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array "
                "instead.",
                "tools",
                "empty_array",
            )
        for index, tool in enumerate(tools):
            names.add(_check(tool, f"tools[{index}]"))
    for index, spec in enumerate(raw.get("functions") or ()):
        names.add(_function(spec, f"functions[{index}]"))
    if raw.get("tool_choice") is not None:
        _choice(raw["tool_choice"], names, tools)
    elif raw.get("parallel_tool_calls") is not None and not tools:
        raise invalid("'parallel_tool_calls' is only allowed when 'tools' are specified.", "parallel_tool_calls")


def _check(tool: Any, at: str) -> str:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind is None:
        raise invalid(f"Missing required parameter: '{at}.type'.", f"{at}.type", "missing_required_parameter")
    if kind not in ("function", "custom"):
        raise invalid(
            f"Invalid value: '{kind}'. Supported values are: 'function' and 'custom'.",
            f"{at}.type",
            "invalid_value",
        )
    spec = tool.get(kind)
    if not isinstance(spec, dict):
        raise invalid(f"Missing required parameter: '{at}.{kind}'.", f"{at}.{kind}", "missing_required_parameter")
    return _function(spec, f"{at}.{kind}")


def _function(spec: Any, at: str) -> str:
    name = spec.get("name") if isinstance(spec, dict) else None
    if name is None:
        raise invalid(f"Missing required parameter: '{at}.name'.", f"{at}.name", "missing_required_parameter")
    if not isinstance(name, str) or not _NAME.match(name):
        raise invalid(
            f"Invalid '{at}.name': string does not match pattern. Expected a string that matches the pattern "
            "'^[a-zA-Z0-9_-]+$'.",
            f"{at}.name",
            "invalid_value",
        )
    parameters = spec.get("parameters")
    if parameters is not None:
        check_schema(parameters, bool(spec.get("strict")), f"function '{name}'", f"{at}.parameters")
    return name


def _choice(choice: Any, names: set[str], tools: Any) -> None:
    if not names and not tools:
        raise invalid("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    if isinstance(choice, str):
        if choice not in ("none", "auto", "required"):
            raise invalid(
                f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.",
                "tool_choice",
                "invalid_value",
            )
        return
    kind = choice.get("type")
    if kind == "allowed_tools":
        return
    spec = choice.get(kind) if kind in ("function", "custom") else None
    if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
        raise invalid(
            "Missing required parameter: 'tool_choice.function.name'.",
            "tool_choice.function.name",
            "missing_required_parameter",
        )
    if spec["name"] not in names:
        raise invalid(f"Invalid value for 'tool_choice': function '{spec['name']}' is not in 'tools'.", "tool_choice")
