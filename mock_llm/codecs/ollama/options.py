"""What a request sets beside its words: `options`, `format`, `think`, and what the model cannot do of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mock_llm.codecs._ollama import invalid, typed
from mock_llm.codecs._ollama_library import able, full
from mock_llm.codecs.protocol import ApiError
from mock_llm.completion import Params

_LEVELS = ("high", "medium", "low")
_MOST_LOGPROBS = 20
_INTEGERS = (
    "num_keep", "seed", "num_predict", "top_k", "repeat_last_n", "num_ctx", "num_batch", "num_gpu", "main_gpu",
    "num_thread",
)  # fmt: skip
_FLOATS = (
    "top_p", "min_p", "typical_p", "temperature", "repeat_penalty", "presence_penalty", "frequency_penalty",
)  # fmt: skip


def decoded(raw: Mapping[str, Any], kind: str) -> None:
    """Raises ApiError (400) for a setting that Go cannot decode, or for more logprobs than there are."""
    typed(raw, "options", dict, kind, "map[string]interface {}")
    typed(raw, "logprobs", bool, kind, "bool")
    think = raw.get("think")
    if isinstance(think, str) and think not in _LEVELS:
        raise invalid(f'invalid think value: "{think}" (must be "high", "medium", "low", true, or false)')
    if not (think is None or isinstance(think, bool | str)):
        raise invalid('think must be a boolean or string ("high", "medium", "low", true, or false)')
    most = typed(raw, "top_logprobs", int, kind, "int") or 0
    if not 0 <= most <= _MOST_LOGPROBS:
        raise invalid(f"top_logprobs must be between 0 and {_MOST_LOGPROBS}")


def capable(raw: Mapping[str, Any], model: str, verb: str) -> None:
    """Raises ApiError (400) where the model is asked for what it cannot do: `verb` (chat, generate), think, ..."""
    can = able(model)
    if raw.get("think") and "thinking" not in can:
        raise invalid(f'"{model}" does not support thinking')
    if "completion" not in can:
        raise invalid(f'"{model}" does not support {verb}')
    wanted = (("insert", verb == "generate" and raw.get("suffix")), ("tools", verb == "chat" and raw.get("tools")))
    missing = [name for name, asked in wanted if asked and name not in can]
    if missing:
        raise invalid(f"{full(model)} does not support {missing[0]}")


def params(raw: Mapping[str, Any]) -> Params:
    """The neutral parameters. Raises ApiError: 500 for a wrong option or format, which only the runner sees."""
    options = raw.get("options") or {}
    for name, value in options.items():
        wrong = None if value is None else _wrong(name, value)
        if wrong:
            raise ApiError(500, f'option "{name}" must be of {wrong}')
    form = raw.get("format")
    if not (form in (None, "", "json") or isinstance(form, dict)):
        shown = json.dumps(json.dumps(form))
        raise ApiError(500, f'invalid format: {shown}; expected "json" or a valid JSON Schema object')
    most = int(options.get("num_predict") or 0)
    return Params(
        max_tokens=most if most > 0 else None,
        stop=tuple(options.get("stop") or ()),
        logprobs=raw.get("logprobs") is True,
        top_logprobs=raw.get("top_logprobs") or 0,
        output="json_schema" if isinstance(form, dict) else "json_object" if form == "json" else "text",
        schema=form if isinstance(form, dict) else None,
        thinking=bool(raw.get("think")),
        temperature=options.get("temperature"),
    )


def _wrong(name: str, value: Any) -> str:
    """What an option should have been; nothing where it is, or where Ollama does not know it."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in _INTEGERS and not number:
        return "type integer"
    if name in _FLOATS and not number:
        return "type float32"
    if name == "use_mmap" and not isinstance(value, bool):
        return "type boolean"
    if name == "stop":
        if not isinstance(value, list):
            return "type array"
        if not all(isinstance(item, str) for item in value):
            return "an array of strings"
    return ""
