"""A request as data that people can read, and what of it must be the same for a recorded answer to fit.

The conversation is a flat list, one entry a block, because protocols differ in how they group blocks:

    - user: Find three papers
    - tool_call: {name: search, arguments: {query: papers}, id: call_1}
    - tool_result: {name: search, text: "...", id: call_1}
    - assistant: There are three.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import orjson

from mock_llm.completion import (
    AUTO,
    DEFAULT,
    Block,
    Json,
    Media,
    Params,
    Refusal,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)

Data = dict[str, Any]


def data_of(request: Request) -> Data:
    """The request; what has its usual value is left out."""
    data: Data = {"protocol": request.protocol, "model": request.model}
    if request.stream:
        data["stream"] = True
    if request.system:
        data["system"] = request.system
    data["messages"] = [
        entry for turn in request.turns for block in turn.blocks for entry in _entry(turn.role, turn.name, block)
    ]
    if request.tools:
        data["tools"] = [_tool(tool) for tool in request.tools]
    if request.tool_choice != AUTO:
        choice = request.tool_choice
        data["tool_choice"] = {"mode": choice.mode}
        if choice.names:
            data["tool_choice"]["names"] = list(choice.names)
        if not choice.parallel:
            data["tool_choice"]["parallel"] = False
    params = _params(request.params)
    if params:
        data["params"] = params
    return data


def _params(params: Params) -> Data:
    found = {f.name: getattr(params, f.name) for f in fields(params)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in found.items()
        if value != getattr(DEFAULT, name)
    }


def _tool(tool: Tool) -> Data:
    data: Data = {"name": tool.name}
    if tool.description:
        data["description"] = tool.description
    if tool.custom:
        data["custom"] = True
    else:
        data["parameters"] = tool.parameters
    if tool.strict:
        data["strict"] = True
    return data


def _entry(role: str, name: str, block: Block) -> Iterator[Data]:
    match block:
        case Text(text):
            if text:
                yield {role: text, "name": name} if name else {role: text}
        case ToolCall():
            called = {"name": block.name, "arguments": _arguments(block), "id": block.id}
            yield {"tool_call": called}
        case ToolResult():
            result: Data = {"name": block.name, "text": block.text, "id": block.call_id}
            yield {"tool_result": {**result, "is_error": True} if block.is_error else result}
        case Thinking(text):
            yield {"thinking": "(hidden)" if block.redacted else text}
        case Refusal(text):
            yield {"refusal": text}
        case Media(kind, raw):
            digest = hashlib.sha256(orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)).hexdigest()
            yield {role: f"({kind} sha256:{digest[:32]})"}


def _arguments(call: ToolCall) -> Json:
    """Decoded where that is possible: how a client spaces its JSON is no difference."""
    if call.custom:
        return call.arguments
    try:
        return orjson.loads(call.arguments or "{}")
    except ValueError:
        return call.arguments


def compared(data: Mapping[str, Json], *, across: bool = False) -> Data:
    """What must be the same. Ids of calls are numbered, thoughts of the model left out.

    across: for a client of another protocol: without the model, and without what not every protocol can say
    (sampling parameters, `strict`, names, errors of tools).
    """
    numbers: dict[str, int] = {}
    kept: Data = {"system": data.get("system", "")}
    kept["messages"] = [
        _compared(entry, numbers, across) for entry in data.get("messages") or () if "thinking" not in entry
    ]
    tools = data.get("tools") or ()
    kept["tools"] = [{k: v for k, v in tool.items() if not (across and k == "strict")} for tool in tools]
    choice = data.get("tool_choice") or {}
    kept["tool_choice"] = {k: v for k, v in choice.items() if not (across and k == "parallel")} or {"mode": "auto"}
    params = data.get("params") or {}
    kept["params"] = {k: v for k, v in params.items() if not across or k in ("output", "schema")}
    if not across:
        kept = {"protocol": data.get("protocol"), "model": data.get("model"), **kept}
    return kept


def _compared(entry: Data, numbers: dict[str, int], across: bool) -> Data:
    for kind in ("tool_call", "tool_result"):
        if kind in entry:
            ident = str(entry[kind].get("id", ""))
            made = {**entry[kind], "id": numbers.setdefault(ident, len(numbers) + 1)}
            if across:
                made.pop("is_error", None)
            return {kind: made}
    return {k: v for k, v in entry.items() if k != "name"} if across else entry
