"""Reading a chat or a generate request into the neutral form.

Ollama refuses little: what Go cannot decode, a model or format it does not have. It knows no pairing of calls and
results, ignores fields it does not know, and cuts a conversation that is too long without a word.
"""

from __future__ import annotations

from typing import Any, cast

import orjson

from mock_llm.codecs._ollama import body_of, invalid, model_of, moment, reply, typed
from mock_llm.codecs.protocol import Call, Reply
from mock_llm.completion import Block, Media, Params, Request, Role, Text, Thinking, Tool, ToolCall, ToolResult, Turn

NAME = "ollama"
GENERATE = "/api/generate"
_LEVELS = ("high", "medium", "low")
_ROLES = ("user", "assistant", "tool")


def parse(call: Call) -> Request | Reply:
    """The request; the Reply to one without a prompt, which only loads or unloads the model. Raises ApiError."""
    chat = call.path != GENERATE
    kind = "ChatRequest" if chat else "GenerateRequest"
    raw = body_of(call, kind)
    model = model_of(raw, call, kind)
    stream = typed(raw, "stream", bool, kind, "bool") is not False
    params = _params(raw, kind)
    if chat:
        messages = typed(raw, "messages", list, kind, "[]api.Message") or []
        system, turns = _turns(messages)
    else:
        prompt = typed(raw, "prompt", str, kind, "string") or ""
        system = typed(raw, "system", str, kind, "string") or ""
        pictures = [Media("image", image) for image in typed(raw, "images", list, kind, "[]api.ImageData") or ()]
        turns = (Turn("user", (Text(prompt), *pictures)),) if prompt or pictures else ()
    if not turns and not system:
        return _loaded(raw, model, call, chat=chat)
    return Request(
        protocol=NAME,
        model=model,
        turns=turns,
        system=system,
        tools=tuple(_tools(typed(raw, "tools", list, kind, "api.Tools") or [])) if chat else (),
        params=params,
        stream=stream,
        raw=raw,
        headers=call.headers,
        session=call.session,
        ordinal=call.ordinal,
    )


def _loaded(raw: dict[str, Any], model: str, call: Call, *, chat: bool) -> Reply:
    said: dict[str, Any] = {"message": {"role": "assistant", "content": ""}} if chat else {"response": ""}
    why = "unload" if raw.get("keep_alive") in (0, "0", "0s") else "load"
    return reply({"model": model, "created_at": moment(call.created), **said, "done": True, "done_reason": why})


def _turns(messages: list[Any]) -> tuple[str, tuple[Turn, ...]]:
    system: list[str] = []
    turns: list[Turn] = []
    waiting: list[ToolCall] = []
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            raise invalid("json: cannot unmarshal value into Go struct field ChatRequest.messages of type api.Message")
        content = typed(message, "content", str, "Message", "string") or ""
        role = (typed(message, "role", str, "Message", "string") or "user").lower()
        if role == "system":
            system.append(content)
            continue
        if role == "tool":
            turns.append(Turn("tool", (_result(message, content, waiting),)))
            continue
        blocks: list[Block] = []
        if message.get("thinking"):
            blocks.append(Thinking(str(message["thinking"])))
        if content:
            blocks.append(Text(content))
        blocks += [
            Media("image", image) for image in typed(message, "images", list, "Message", "[]api.ImageData") or ()
        ]
        waiting = [_call(item, f"call_{index}_{place}") for place, item in enumerate(message.get("tool_calls") or ())]
        turns.append(Turn(cast(Role, role if role in _ROLES else "user"), (*blocks, *waiting)))
    return "\n".join(system), tuple(turns)


def _call(item: Any, ident: str) -> ToolCall:
    function = item.get("function") if isinstance(item, dict) else None
    if not isinstance(function, dict):
        raise invalid("json: cannot unmarshal value into Go struct field Message.tool_calls of type api.ToolCall")
    arguments = typed(function, "arguments", dict, "ToolCallFunction", "api.ToolCallFunctionArguments") or {}
    return ToolCall(str(function.get("name") or ""), orjson.dumps(arguments).decode(), item.get("id") or ident)


def _result(message: dict[str, Any], content: str, waiting: list[ToolCall]) -> ToolResult:
    """The result of the call with its id, of the first open call of its name, or of the next open one."""
    ident, name = message.get("tool_call_id"), message.get("tool_name") or message.get("name")
    fitting = [call for call in waiting if (call.id == ident if ident else not name or call.name == name)]
    if not fitting:
        return ToolResult(str(ident or ""), content, str(name or ""))
    waiting.remove(fitting[0])
    return ToolResult(fitting[0].id, content, fitting[0].name)


def _tools(tools: list[Any]) -> list[Tool]:
    found = []
    for item in tools:
        spec = item.get("function") if isinstance(item, dict) else None
        if not isinstance(spec, dict):
            raise invalid("json: cannot unmarshal value into Go struct field ChatRequest.tools of type api.Tool")
        parameters = typed(spec, "parameters", dict, "ToolFunction", "api.ToolFunctionParameters") or {}
        found.append(Tool(str(spec.get("name") or ""), str(spec.get("description") or ""), parameters))
    return found


def _params(raw: dict[str, Any], kind: str) -> Params:
    options = typed(raw, "options", dict, kind, "map[string]interface {}") or {}
    think, form = raw.get("think"), raw.get("format")
    if isinstance(think, str) and think not in _LEVELS:
        raise invalid(f'invalid think value: "{think}" (must be "high", "medium", "low", true, or false)')
    if not (form in (None, "", "json") or isinstance(form, dict)):
        raise invalid(f'invalid format: {orjson.dumps(form).decode()}; expected "json" or a valid JSON Schema object')
    stop = options.get("stop") or ()
    most = options.get("num_predict")
    return Params(
        max_tokens=most if isinstance(most, int) and most > 0 else None,
        stop=(stop,) if isinstance(stop, str) else tuple(map(str, stop)),
        logprobs=raw.get("logprobs") is True,
        top_logprobs=raw.get("top_logprobs") or 0,
        output="json_schema" if isinstance(form, dict) else "json_object" if form == "json" else "text",
        schema=form if isinstance(form, dict) else None,
        thinking=bool(think),
        temperature=options.get("temperature"),
    )
