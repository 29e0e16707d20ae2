"""What the Responses API refuses before it generates anything."""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._openai import invalid
from mock_llm.codecs.openai_chat.schemas import check_schema
from mock_llm.codecs.openai_responses.items import CALLS, OUTPUTS, Item, own
from mock_llm.codecs.protocol import Call

_NUMBER = (int, float)
_MAYBE_TEXT = (str, dict)
# name: (JSON types, least, most)
_PARAMETERS: dict[str, tuple[Any, float | None, float | None]] = {
    "access_programs": (dict, None, None),
    "background": (bool, None, None),
    "background_options": (dict, None, None),
    "context_management": (list, None, None),
    "conversation": (_MAYBE_TEXT, None, None),
    "image": (dict, None, None),
    "include": (list, None, None),
    "input": ((str, list), None, None),
    "instructions": ((str, list), None, None),
    "max_output_tokens": (int, 0, None),
    "max_tool_calls": (int, 0, None),
    "metadata": (dict, None, None),
    "model": (str, None, None),
    "moderation": (dict, None, None),
    "multi_agent": (dict, None, None),
    "parallel_tool_calls": (bool, None, None),
    "personality": (str, None, None),
    "previous_response_id": (str, None, None),
    "prompt": (dict, None, None),
    "prompt_cache_key": (str, None, None),
    "prompt_cache_options": (dict, None, None),
    "prompt_cache_retention": (str, None, None),
    "reasoning": (dict, None, None),
    "safety_identifier": (str, None, None),
    "service_tier": (str, None, None),
    "store": (bool, None, None),
    "stream": (bool, None, None),
    "stream_options": (dict, None, None),
    "temperature": (_NUMBER, 0, 2),
    "text": (dict, None, None),
    "tool_choice": (_MAYBE_TEXT, None, None),
    "tools": (list, None, None),
    "top_logprobs": (int, 0, 20),
    "top_p": (_NUMBER, 0, 1),
    "truncation": (str, None, None),
    "user": (str, None, None),
}
_WORDS = {str: "a string", list: "an array", dict: "an object", bool: "a boolean", int: "an integer", float: "a number"}
_ROLES = ("assistant", "system", "developer", "user")


def validate(raw: dict[str, Any], call: Call) -> None:
    """Raises ApiError (400) with OpenAI's message, param and code; `check_pairs` looks at the conversation."""
    for name, value in raw.items():
        known = _PARAMETERS.get(name)
        if known is None:
            raise invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        if value is not None:
            _parameter(name, value, *known)
    if call.settings.mode == "strict":
        _required(raw, call)
    previous, conversation = raw.get("previous_response_id"), raw.get("conversation")
    if previous is not None and conversation is not None and (call.settings.mode == "strict" or own(previous)):
        raise invalid(
            "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Ensure you are only providing "
            "one of these parameters.",
            code="mutually_exclusive_parameters",
        )
    if raw.get("background") and raw.get("store") is False:
        raise invalid("Background mode requires 'store' to be true.", "background")
    given = raw.get("input")
    if isinstance(given, list):
        check_items(given, "input")
    _tools(raw)
    _format(raw.get("text") or {})


def check_items(items: Any, name: str) -> None:
    """Raises ApiError (400) for a list `name` of items that is none, or an item that lacks something."""
    if not isinstance(items, list):
        raise invalid(f"Invalid type for '{name}': expected an array.", name, "invalid_type")
    for index, item in enumerate(items):
        _item(item, f"{name}[{index}]")


def _required(raw: dict[str, Any], call: Call) -> None:
    if raw.get("model") is None and "deployment" not in call.params and raw.get("prompt") is None:
        raise invalid("Missing required parameter: 'model'.", "model", "missing_required_parameter")
    if all(raw.get(name) is None for name in ("input", "previous_response_id", "prompt", "conversation")):
        raise invalid(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation' must be provided.",
            code="missing_required_parameter",
        )


def _parameter(name: str, value: Any, kinds: Any, least: float | None, most: float | None) -> None:
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        kinds = kinds if isinstance(kinds, tuple) else (kinds,)
        expected = _WORDS[kinds[-1]] if kinds == _NUMBER else " or ".join(_WORDS[kind] for kind in kinds)
        expected = f"one of {expected}" if " or " in expected else expected
        got = _WORDS.get(type(value), "something else")
        raise invalid(f"Invalid type for '{name}': expected {expected}, but got {got} instead.", name, "invalid_type")
    kind = "integer" if kinds is int else "decimal"
    if least is not None and value < least:
        raise invalid(
            f"Invalid '{name}': {kind} below minimum value. Expected a value >= {least}, but got {value} instead.",
            name,
            f"{kind}_below_min_value",
        )
    if most is not None and value > most:
        raise invalid(
            f"Invalid '{name}': {kind} above maximum value. Expected a value <= {most}, but got {value} instead.",
            name,
            f"{kind}_above_max_value",
        )


def _missing(place: str) -> None:
    raise invalid(f"Missing required parameter: '{place}'.", place, "missing_required_parameter")


def _item(item: Any, at: str) -> None:
    if not isinstance(item, dict):
        raise invalid(f"Invalid type for '{at}': expected an object.", at, "invalid_type")
    kind = item.get("type") or ("message" if "role" in item else "item_reference" if "id" in item else None)
    if kind is None:
        _missing(f"{at}.type")
    elif kind == "message":
        role = item.get("role")
        if role not in _ROLES:
            raise invalid(
                f"Invalid value: '{role}'. Supported values are: 'assistant', 'system', 'developer', and 'user'.",
                at,
                "invalid_value",
            )
        _content(item.get("content"), role, f"{at}.content")
    elif kind in CALLS or kind in OUTPUTS:
        for name in ("call_id", *(("name", CALLS[kind]) if kind in CALLS else ())):
            if not isinstance(item.get(name), str):
                _missing(f"{at}.{name}")
        if kind in OUTPUTS and not isinstance(item.get("output"), str | list):
            _missing(f"{at}.output")
    elif kind == "item_reference" and not isinstance(item.get("id"), str):
        _missing(f"{at}.id")


def _content(content: Any, role: str, at: str) -> None:
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        if content is None:
            _missing(at)
        raise invalid(
            f"Invalid type for '{at}': expected one of an array of objects or string, but got something else instead.",
            at,
            "invalid_type",
        )
    allowed = ("output_text", "refusal") if role == "assistant" else ("input_text", "input_image", "input_file")
    for index, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in allowed and kind != "input_audio":
            shown = " and ".join(f"'{name}'" for name in allowed)
            raise invalid(f"Invalid value: '{kind}'. Supported values are: {shown}.", f"{at}[{index}]", "invalid_value")
        key = {"refusal": "refusal", "input_text": "text", "output_text": "text"}.get(str(kind))
        if key is not None and not isinstance(part.get(key), str):
            _missing(f"{at}[{index}].{key}")


def _tools(raw: dict[str, Any]) -> None:
    names = set()
    for index, tool in enumerate(raw.get("tools") or ()):
        at = f"tools[{index}]"
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind is None:
            _missing(f"{at}.type")
        if kind in ("function", "custom"):
            name = tool.get("name")
            if not isinstance(name, str):
                _missing(f"{at}.name")
            names.add(name)
        if kind == "function" and tool.get("parameters") is not None:
            check_schema(tool["parameters"], bool(tool.get("strict")), f"function '{tool['name']}'", f"{at}.parameters")
    choice = raw.get("tool_choice")
    if isinstance(choice, str):
        if choice not in ("none", "auto", "required"):
            raise invalid(
                f"Invalid value: '{choice}'. Supported values are: 'none', 'auto', and 'required'.",
                "tool_choice",
                "invalid_value",
            )
        if choice == "required" and not raw.get("tools"):
            raise invalid("Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice")
    elif isinstance(choice, dict) and choice.get("type") in ("function", "custom") and choice.get("name") not in names:
        raise invalid(f"Tool choice '{choice.get('name')}' not found in 'tools' parameter.", "tool_choice")


def _format(text: dict[str, Any]) -> None:
    form = text.get("format")
    if form is None:
        return
    kind = form.get("type") if isinstance(form, dict) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise invalid(
            f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            "text.format.type",
            "invalid_value",
        )
    if kind == "json_schema":
        for name in ("name", "schema"):
            if form.get(name) is None:
                _missing(f"text.format.{name}")
        check_schema(
            form["schema"], bool(form.get("strict")), f"response_format '{form['name']}'", "text.format.schema"
        )


def check_pairs(items: list[Item]) -> None:
    """Raises ApiError (400) for a tool's output without its call, or a call whose output is missing."""
    waiting: dict[str, str] = {}
    for item in items:
        kind = item["type"]
        if kind in CALLS:
            waiting[item["call_id"]] = kind
        elif kind in OUTPUTS and waiting.pop(item["call_id"], None) != OUTPUTS[kind]:
            word = "function" if kind == "function_call_output" else "custom tool"
            raise invalid(f"No tool call found for {word} call output with call_id {item['call_id']}.", "input")
    for called, kind in waiting.items():
        word = "function" if kind == "function_call" else "custom tool"
        raise invalid(f"No tool output found for {word} call {called}.", "input")
