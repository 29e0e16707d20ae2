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
from typing import Any

import orjson

from mock_llm.completion import (
    AUTO,
    Block,
    Json,
    Media,
    Refusal,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)

Data = dict[str, Any]
# What stands elsewhere in the neutral form, or says who asks rather than what.
_SAID = frozenset(
    ("model", "stream", "messages", "input", "prompt", "images", "contents", "system", "instructions",
     "systemInstruction", "system_instruction", "tools", "functions", "tool_choice", "function_call", "toolConfig",
     "tool_config", "parallel_tool_calls", "response_format", "output_format", "format", "user", "metadata", "store",
     "safety_identifier", "prompt_cache_key")
)  # fmt: skip


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
    if request.params.output != "text":
        data["output"] = {"type": request.params.output}
        if request.params.schema is not None:
            data["output"]["schema"] = request.params.schema
    params = _params(request)
    if params:
        data["params"] = params
    return data


def _params(request: Request) -> Data:
    """What else the client said, in the provider's words: sampling, limits, tools that the provider runs itself."""
    found = {name: value for name, value in request.raw.items() if name not in _SAID and value is not None}
    offered = {tool.name for tool in request.tools}
    hosted = [tool for tool in request.raw.get("tools") or () if _hosted(tool, offered)]
    return {**found, "hosted_tools": hosted} if hosted else found


def _hosted(tool: Json, offered: set[str]) -> bool:
    if not isinstance(tool, dict) or "functionDeclarations" in tool or "function_declarations" in tool:
        return False
    spec = tool.get("function") or tool.get("custom") or tool
    return not isinstance(spec, dict) or spec.get("name") not in offered


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
    (`params`, `strict`, names, errors of tools).
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
    if data.get("output"):
        kept["output"] = data["output"]
    if not across:
        # How a stream is sent decides whether the bytes fit (see `sent_alike`), not whether the answer does.
        params = {name: value for name, value in (data.get("params") or {}).items() if name != "stream_options"}
        kept = {"protocol": data.get("protocol"), "model": data.get("model"), **kept, "params": params}
    return kept


def sent_alike(one: Mapping[str, Json], other: Mapping[str, Json]) -> bool:
    """Whether two requests want their answers sent in the same way: streamed or whole, with the same options."""
    options = [(data.get("params") or {}).get("stream_options") for data in (one, other)]
    return bool(one.get("stream")) == bool(other.get("stream")) and options[0] == options[1]


def _compared(entry: Data, numbers: dict[str, int], across: bool) -> Data:
    for kind in ("tool_call", "tool_result"):
        if kind in entry:
            ident = str(entry[kind].get("id", ""))
            made = {**entry[kind], "id": numbers.setdefault(ident, len(numbers) + 1)}
            if across:
                made.pop("is_error", None)
            return {kind: made}
    return {k: v for k, v in entry.items() if k != "name"} if across else entry
