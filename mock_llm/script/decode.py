"""Rules and answers from data: what YAML, the admin API and Python keywords share.

Every error is a ScriptError that starts with the place, e.g. `rules[2].answer.tool_calls[0].name`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from mock_llm.completion import Finish, Refusal, Text, Thinking, Usage
from mock_llm.script.answer import GENERATE, Answer, Call, ErrorSpec, Spec
from mock_llm.script.model import Rule
from mock_llm.script.when import when_from_data

_RULE = {"name", "when", "answer", "answers", "then", "times"}
_ANSWER = {
    "text", "thinking", "tool_calls", "tool_call", "refusal", "blocks", "choices", "error", "finish", "usage",
    "model", "pacing", "delay", "goto",
}  # fmt: skip
_FINISHES = ("stop", "length", "tool_calls", "content_filter", "refusal", "pause")


class ScriptError(ValueError):
    """What is wrong with a script; `where` is the place in the data."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


def rules_from_data(data: Any, where: str = "rules") -> list[Rule]:
    """Rules from `{"rules": [...]}` or the bare list. Raises ScriptError."""
    if isinstance(data, Mapping):
        _known(data, {"rules", "version", "faults", "pacing"}, "script")
        data = data.get("rules", [])
    if not isinstance(data, list | tuple):
        raise ScriptError(where, "expected a list of rules")
    return [rule_from_data(item, f"{where}[{i}]") for i, item in enumerate(data)]


def rule_from_data(data: Any, where: str = "rule") -> Rule:
    """One rule; without a name it is called after its place. Raises ScriptError."""
    if isinstance(data, Rule):
        return data
    if not isinstance(data, Mapping):
        raise ScriptError(where, f"a rule is an object with `when` and `answer`, got {data!r}")
    _known(data, _RULE, where)
    if ("answer" in data) == ("answers" in data):
        raise ScriptError(where, "give either `answer` or `answers` (a sequence)")
    try:
        when = when_from_data(data.get("when"), f"{where}.when")
    except ValueError as error:
        place, _, problem = str(error).partition(": ")
        raise ScriptError(place, problem) from None
    if "answers" in data:
        items = data["answers"]
        if not isinstance(items, list | tuple) or not items:
            raise ScriptError(f"{where}.answers", "a sequence is a list of at least one answer")
        answers = tuple(answer_from_data(item, f"{where}.answers[{i}]") for i, item in enumerate(items))
    else:
        answers = (answer_from_data(data["answer"], f"{where}.answer"),)
    then, times = data.get("then", "repeat"), data.get("times")
    if then not in ("repeat", "cycle", "end"):
        raise ScriptError(f"{where}.then", f"expected repeat, cycle or end, got {then!r}")
    if times is not None and (not isinstance(times, int) or times < 1):
        raise ScriptError(f"{where}.times", f"expected a number from 1, got {times!r}")
    return Rule(str(data.get("name") or where), when, answers, then, times, data=dict(data))


def answer_from_data(data: Any, where: str = "answer") -> Answer:
    """An answer from a text, a mapping, an Answer or a callable. Raises ScriptError."""
    if isinstance(data, Answer):
        return data
    if isinstance(data, str):
        return Answer(((Text(data),),), shown=data)
    if callable(data):
        return Answer(function=data)
    if not isinstance(data, Mapping):
        raise ScriptError(where, f"an answer is a text or an object, got {data!r}")
    _known(data, _ANSWER, where)
    finish = data.get("finish")
    if finish is not None and finish not in _FINISHES:
        raise ScriptError(f"{where}.finish", f"expected one of {', '.join(_FINISHES)}, got {finish!r}")
    error = _error(data["error"], f"{where}.error") if "error" in data else None
    choices: tuple[tuple[Spec, ...], ...]
    if "choices" in data:
        items = data["choices"]
        if not isinstance(items, list | tuple):
            raise ScriptError(f"{where}.choices", "expected a list of answers")
        choices = tuple(answer_from_data(item, f"{where}.choices[{i}]").choices[0] for i, item in enumerate(items))
    else:
        choices = (_blocks(data, where),)
    if error is None and not any(choices) and not {"blocks", "text", "choices"} & set(data):
        raise ScriptError(where, "nothing to say: give text, tool_calls, refusal, thinking, blocks or error")
    return Answer(
        choices=choices,
        finish=finish,
        usage=_usage(data["usage"], f"{where}.usage") if data.get("usage") else None,
        model=str(data.get("model", "")),
        error=error,
        pacing=data.get("pacing"),
        delay=_seconds(data.get("delay", 0.0), f"{where}.delay"),
        goto=data.get("goto"),
        shown=data,
    )


def _blocks(data: Mapping[str, Any], where: str) -> tuple[Spec, ...]:
    found: list[Spec] = []
    if "thinking" in data:
        found.append(Thinking(_text(data["thinking"], f"{where}.thinking")))
    if "text" in data:
        found.append(Text(_text(data["text"], f"{where}.text")))
    if "blocks" in data:
        if not isinstance(data["blocks"], list | tuple):
            raise ScriptError(f"{where}.blocks", "expected a list of blocks")
        for i, block in enumerate(data["blocks"]):
            found.extend(_block(block, f"{where}.blocks[{i}]"))
    if "tool_call" in data:
        found.append(_call(data["tool_call"], f"{where}.tool_call"))
    calls = data.get("tool_calls", ())
    if not isinstance(calls, list | tuple):
        raise ScriptError(f"{where}.tool_calls", "expected a list of calls")
    found.extend(_call(call, f"{where}.tool_calls[{i}]") for i, call in enumerate(calls))
    if "refusal" in data:
        found.append(Refusal(_text(data["refusal"], f"{where}.refusal")))
    return tuple(found)


def _block(data: Any, where: str) -> tuple[Spec, ...]:
    if isinstance(data, Text | Thinking | Refusal | Call):
        return (data,)
    if isinstance(data, str):
        return (Text(data),)
    if not isinstance(data, Mapping):
        raise ScriptError(where, f"a block is a text or an object, got {data!r}")
    if "name" in data:
        return (_call(data, where),)
    _known(data, {"text", "thinking", "tool_call", "refusal"}, where)
    return _blocks(data, where)


def _call(data: Any, where: str) -> Call:
    if isinstance(data, Call):
        return data
    if isinstance(data, str):
        return Call(data)
    if not isinstance(data, Mapping) or not isinstance(data.get("name"), str):
        raise ScriptError(where, "a tool call is a tool's name or {name, arguments, id}")
    _known(data, {"name", "arguments", "id"}, where)
    arguments = data.get("arguments", GENERATE)
    if not isinstance(arguments, Mapping | str):
        raise ScriptError(f"{where}.arguments", "expected an object, a JSON text, or `generate`")
    return Call(data["name"], arguments, str(data.get("id", "")))


def _error(data: Any, where: str) -> ErrorSpec:
    if isinstance(data, int) and not isinstance(data, bool):
        data = {"status": data}
    if not isinstance(data, Mapping):
        raise ScriptError(where, "an error is a status or {status, message, code, retry_after}")
    _known(data, {"status", "message", "code", "kind", "retry_after", "retry_after_as"}, where)
    status = data.get("status")
    if not isinstance(status, int) or not 400 <= status <= 599:
        raise ScriptError(f"{where}.status", f"expected a status from 400 to 599, got {status!r}")
    if data.get("retry_after_as", "seconds") not in ("seconds", "date", "ms"):
        raise ScriptError(f"{where}.retry_after_as", "expected seconds, date or ms")
    return ErrorSpec(**data)


def _usage(data: Any, where: str) -> Usage:
    if isinstance(data, Usage):
        return data
    if not isinstance(data, Mapping):
        raise ScriptError(where, "expected {prompt, completion, cached, reasoning}")
    _known(data, {"prompt", "completion", "cached", "reasoning"}, where)
    return Usage(**data)


def _seconds(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ScriptError(where, f"expected seconds, got {value!r}")
    return float(value)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ScriptError(where, f"expected a text, got {value!r}")
    return value


def _known(data: Mapping[str, Any], allowed: set[str], where: str) -> None:
    for key in data:
        if key not in allowed:
            close = difflib.get_close_matches(str(key), allowed, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(sorted(allowed))}"
            raise ScriptError(f"{where}.{key}", f"unknown word {key!r}; {hint}")


__all__ = ["Finish", "ScriptError", "answer_from_data", "rule_from_data", "rules_from_data"]
