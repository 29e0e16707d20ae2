"""Reading a Chat Completions request into the neutral form, with OpenAI's own complaints."""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._openai import invalid
from mock_llm.codecs.openai_chat.validate import validate
from mock_llm.codecs.protocol import ApiError, Call
from mock_llm.completion import (
    AUTO,
    DEFAULT,
    Block,
    Media,
    Params,
    Refusal,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from mock_llm.models import exists, window
from mock_llm.tokens import prompt_tokens

# With these alone an answer looks as it does without them.
_NEUTRAL = frozenset(
    ("model", "messages", "stream", "stream_options", "tools", "tool_choice", "parallel_tool_calls", "user", "store",
     "metadata", "seed", "top_p")
)  # fmt: skip
_MEDIA = {"image_url": "image", "input_audio": "audio", "file": "file"}


def parse(call: Call) -> Request:
    """The request. Raises ApiError (400) in OpenAI's words."""
    raw = call.json
    if not isinstance(raw, dict):
        raise invalid("Invalid type for request body: expected an object.")
    if "deployment" in call.params and "model" not in raw:
        raw = {**raw, "model": call.params["deployment"]}
    validate(raw)
    model = raw["model"]
    if not exists(model, call.settings):
        raise ApiError(
            404,
            f"The model `{model}` does not exist or you do not have access to it.",
            code="model_not_found",
        )
    system, turns = _turns(raw["messages"])
    request = Request(
        protocol="openai-chat",
        model=model,
        turns=turns,
        system=system,
        tools=_tools(raw) if "tools" in raw or "functions" in raw else (),
        tool_choice=_choice(raw) if "tool_choice" in raw or "parallel_tool_calls" in raw else AUTO,
        params=_params(raw) if len(raw) > 2 and not _NEUTRAL.issuperset(raw) else DEFAULT,
        stream=raw.get("stream") is True,
        raw=raw,
        headers=call.headers,
        session=call.session,
        ordinal=call.ordinal,
    )
    # A character is at most a token: short requests need no count.
    limit = window(model, call.settings)
    if limit is not None and len(call.body) > limit:
        _fits(request, limit)
    return request


def _fits(request: Request, limit: int) -> None:
    used = prompt_tokens(request)
    if used > limit:
        raise invalid(
            f"This model's maximum context length is {limit} tokens. However, your messages resulted in {used} "
            "tokens. Please reduce the length of the messages.",
            "messages",
            "context_length_exceeded",
        )


def _turns(messages: list[dict[str, Any]]) -> tuple[str, tuple[Turn, ...]]:
    system: list[str] = []
    turns: list[Turn] = []
    names: dict[str, str] = {}
    for message in messages:
        role = message["role"]
        content = message.get("content")
        if role == "user":
            blocks = (Text(content),) if isinstance(content, str) else _parts(content)
            turns.append(Turn("user", blocks, message.get("name") or ""))
        elif role in ("system", "developer"):
            system.append(content if isinstance(content, str) else _joined(content))
        elif role == "assistant":
            turns.append(Turn("assistant", _assistant(message, content, names)))
        elif role == "tool":
            ident = message["tool_call_id"]
            text = content if isinstance(content, str) else _joined(content)
            turns.append(Turn("tool", (ToolResult(ident, text, names.get(ident, "")),)))
        else:  # the old "function" role
            result = ToolResult(message.get("name", ""), content or "", message.get("name", ""))
            turns.append(Turn("tool", (result,)))
    return "\n".join(system), tuple(turns)


def _assistant(message: dict[str, Any], content: Any, names: dict[str, str]) -> tuple[Block, ...]:
    blocks: list[Block] = []
    if message.get("reasoning_content"):
        blocks.append(Thinking(message["reasoning_content"]))
    if isinstance(content, str):
        if content:
            blocks.append(Text(content))
    elif content:
        blocks.extend(_parts(content))
    if message.get("refusal"):
        blocks.append(Refusal(message["refusal"]))
    for item in message.get("tool_calls") or ():
        if item.get("type") == "custom":
            made = ToolCall(item["custom"]["name"], item["custom"]["input"], item["id"], custom=True)
        else:
            made = ToolCall(item["function"]["name"], item["function"]["arguments"], item["id"])
        names[made.id] = made.name
        blocks.append(made)
    old = message.get("function_call")
    if old:
        blocks.append(ToolCall(old["name"], old["arguments"], old["name"]))
    return tuple(blocks)


def _parts(parts: Any) -> tuple[Block, ...]:
    found: list[Block] = []
    for part in parts or ():
        kind = part["type"]
        if kind == "text":
            found.append(Text(part["text"]))
        elif kind == "refusal":
            found.append(Refusal(part["refusal"]))
        else:
            found.append(Media(_MEDIA[kind], part))  # type: ignore[arg-type]
    return tuple(found)


def _joined(parts: Any) -> str:
    return "\n".join(part.get("text", "") for part in parts or ())


def _tools(raw: dict[str, Any]) -> tuple[Tool, ...]:
    found = []
    for item in raw.get("tools") or ():
        if item["type"] == "custom":
            spec = item["custom"]
            found.append(Tool(spec["name"], spec.get("description") or "", custom=True))
        else:
            found.append(_function(item["function"]))
    found.extend(_function(spec) for spec in raw.get("functions") or ())
    return tuple(found)


def _function(spec: dict[str, Any]) -> Tool:
    strict = bool(spec.get("strict"))
    return Tool(spec["name"], spec.get("description") or "", spec.get("parameters") or {}, strict)


def _choice(raw: dict[str, Any]) -> ToolChoice:
    choice = raw.get("tool_choice")
    parallel = raw.get("parallel_tool_calls") is not False
    if isinstance(choice, str):
        return ToolChoice(choice, (), parallel)  # type: ignore[arg-type]
    if not isinstance(choice, dict):
        return ToolChoice(parallel=parallel)
    if choice["type"] == "allowed_tools":
        spec = choice["allowed_tools"]
        names = tuple(t.get("function", t.get("custom", {})).get("name", "") for t in spec["tools"])
        return ToolChoice(spec["mode"], names, parallel)
    return ToolChoice("tool", (choice[choice["type"]]["name"],), parallel)


def _params(raw: dict[str, Any]) -> Params:
    stop = raw.get("stop")
    output = raw.get("response_format") or {}
    spec = output.get("json_schema") or {}
    return Params(
        max_tokens=raw.get("max_completion_tokens") or raw.get("max_tokens"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop or ()),
        n=raw.get("n") or 1,
        logprobs=bool(raw.get("logprobs")),
        top_logprobs=raw.get("top_logprobs") or 0,
        output=output.get("type", "text"),
        schema=spec.get("schema"),
        schema_strict=bool(spec.get("strict")),
        temperature=raw.get("temperature"),
    )
