"""What OpenAI refuses before it generates anything: parameters, then messages, then tools, then length."""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._openai import invalid
from mock_llm.codecs.openai_chat.conversation import check_messages
from mock_llm.codecs.openai_chat.tools import check_tools

# name: (JSON types, least, most); None: any
_NUMBER = (int, float)
_PARAMETERS: dict[str, tuple[Any, float | None, float | None]] = {
    "model": (str, None, None),
    "messages": (list, None, None),
    "audio": (dict, None, None),
    "frequency_penalty": (_NUMBER, -2, 2),
    "function_call": (None, None, None),
    "functions": (list, None, None),
    "logit_bias": (dict, None, None),
    "logprobs": (bool, None, None),
    "max_completion_tokens": (int, 0, None),  # 0 sets no limit: the description of the API has no least
    "max_tokens": (int, 0, None),
    "metadata": (dict, None, None),
    "modalities": (list, None, None),
    "moderation": (None, None, None),
    "n": (int, 1, 128),
    "parallel_tool_calls": (bool, None, None),
    "prediction": (dict, None, None),
    "presence_penalty": (_NUMBER, -2, 2),
    "prompt_cache_key": (str, None, None),
    "prompt_cache_options": (dict, None, None),
    "prompt_cache_retention": (str, None, None),
    "reasoning_effort": (str, None, None),
    "response_format": (dict, None, None),
    "safety_identifier": (str, None, None),
    "seed": (int, None, None),
    "service_tier": (str, None, None),
    "stop": ((str, list), None, None),
    "store": (bool, None, None),
    "stream": (bool, None, None),
    "stream_options": (dict, None, None),
    "temperature": (_NUMBER, 0, 2),
    "tool_choice": ((str, dict), None, None),
    "tools": (list, None, None),
    "top_logprobs": (int, 0, 20),
    "top_p": (_NUMBER, 0, 1),
    "user": (str, None, None),
    "verbosity": (str, None, None),
    "web_search_options": (dict, None, None),
}
_WORDS = {
    str: "a string",
    list: "an array",
    dict: "an object",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    type(None): "null",
}
_SIMPLE = frozenset(("model", "messages"))


def validate(raw: dict[str, Any]) -> None:
    """Raises ApiError (400) with OpenAI's message, param and code."""
    if "model" not in raw:
        raise invalid("you must provide a model parameter")
    if "messages" not in raw:
        raise invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    for name, value in raw.items():
        known = _PARAMETERS.get(name)
        if known is None:
            raise invalid(f"Unrecognized request argument supplied: {name}", name, "unknown_parameter")
        if value is not None or name in _SIMPLE:
            _check(name, value, *known)
    check_messages(raw["messages"])
    if len(raw) > 2:
        _combinations(raw)
        check_tools(raw)


def _check(name: str, value: Any, kinds: Any, least: float | None, most: float | None) -> None:
    if kinds is None:
        return
    fits = isinstance(value, kinds) and (kinds is bool or not isinstance(value, bool))
    if kinds is int and isinstance(value, float) and value.is_integer():
        fits = True
    if not fits:
        wanted = kinds[-1] if kinds is _NUMBER else kinds[0] if isinstance(kinds, tuple) else kinds
        expected = "one of a string or an object" if kinds == (str, dict) else _WORDS[wanted]
        got = _WORDS.get(type(value), "something else")
        raise invalid(f"Invalid type for '{name}': expected {expected}, but got {got} instead.", name, "invalid_type")
    if least is not None and value < least:
        _bound(name, value, least, "minimum", "below", kinds)
    if most is not None and value > most:
        _bound(name, value, most, "maximum", "above", kinds)


def _bound(name: str, value: Any, bound: float, word: str, side: str, kinds: Any) -> None:
    kind = "integer" if kinds is int else "decimal"
    raise invalid(
        f"Invalid '{name}': {kind} {side} {word} value. Expected a value "
        f"{'>=' if side == 'below' else '<='} {bound}, but got {value} instead.",
        name,
        f"{kind}_{side}_{word[:3]}_value",
    )


def _combinations(raw: dict[str, Any]) -> None:
    if raw.get("stream_options") is not None and raw.get("stream") is None:
        raise invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")
    if raw.get("top_logprobs") is not None and not raw.get("logprobs"):
        raise invalid("'top_logprobs' is only allowed when 'logprobs' is enabled.", "top_logprobs")
    if raw.get("max_tokens") and raw.get("max_completion_tokens"):
        raise invalid(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            "max_tokens",
            "invalid_parameter_combination",
        )
    stop = raw.get("stop")
    if isinstance(stop, list) and (len(stop) > 4 or not all(isinstance(item, str) for item in stop)):
        raise invalid(
            f"Invalid 'stop': array too long. Expected an array with maximum length 4, "
            f"but got an array with length {len(stop)} instead.",
            "stop",
            "array_above_max_length",
        )
    metadata = raw.get("metadata")
    if metadata and (len(metadata) > 16 or not all(isinstance(v, str) for v in metadata.values())):
        raise invalid("Invalid 'metadata': expected at most 16 strings.", "metadata", "invalid_type")
    output = raw.get("response_format")
    if output is not None:
        _response_format(output, raw)


def _response_format(output: dict[str, Any], raw: dict[str, Any]) -> None:
    kind = output.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        raise invalid(
            f"Invalid value: '{kind}'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            "response_format.type",
            "invalid_value",
        )
    if kind == "json_object" and "json" not in str(raw["messages"]).casefold():
        raise invalid(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            "messages",
        )
    if kind == "json_schema":
        from mock_llm.codecs.openai_chat.schemas import check_schema

        spec = output.get("json_schema")
        if not isinstance(spec, dict) or not isinstance(spec.get("name"), str):
            raise invalid(
                "Missing required parameter: 'response_format.json_schema.name'.",
                "response_format.json_schema.name",
                "missing_required_parameter",
            )
        check_schema(
            spec.get("schema"), bool(spec.get("strict")), f"response_format '{spec['name']}'", "response_format"
        )
