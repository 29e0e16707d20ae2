"""Reading a chat or a generate request into the neutral form.

Ollama refuses little: what Go cannot decode, a model it does not have, what a model cannot do. It knows no pairing of
calls and results, ignores fields it does not know, and cuts a conversation that is too long without a word. The order
of the steps is the server's: decode, model, load or unload, capabilities, options.
"""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._ollama import body_of, invalid, model_of, moment, reply, typed
from mock_llm.codecs._ollama_memory import lifetime, use
from mock_llm.codecs.ollama.messages import pictures, tools, turns
from mock_llm.codecs.ollama.options import capable, decoded, params
from mock_llm.codecs.protocol import Call, Reply
from mock_llm.completion import Request, Text, Turn

NAME = "ollama"
GENERATE = "/api/generate"


def parse(call: Call) -> Request | Reply:
    """The request; the Reply to one without a prompt, which only loads or unloads the model. Raises ApiError."""
    chat = call.path != GENERATE
    kind = "ChatRequest" if chat else "GenerateRequest"
    raw = body_of(call, kind)
    stream = typed(raw, "stream", bool, kind, "bool") is not False
    system, said = _chat(raw, kind) if chat else _prompt(raw, kind)
    offered = tools(typed(raw, "tools", list, kind, "api.Tools") or []) if chat else ()
    decoded(raw, kind)
    seconds = lifetime(raw)
    model = model_of(raw, call, kind, required=chat)
    idle = not raw.get("messages" if chat else "prompt")
    if idle and not seconds:
        use(call, model, 0)
        return _loaded(model, call, "unload", chat=chat)
    if raw.get("raw") and not chat and (raw.get("template") or system or raw.get("context")):
        raise invalid("raw mode does not support template, system, or context")
    capable(raw, model, "chat" if chat else "generate")
    settings = params(raw)
    use(call, model, seconds)
    if idle:
        return _loaded(model, call, "load", chat=chat)
    return Request(
        protocol=NAME,
        model=model,
        turns=said,
        system=system,
        tools=offered,
        params=settings,
        stream=stream,
        raw=raw,
        headers=call.headers,
        session=call.session,
        ordinal=call.ordinal,
    )


def _chat(raw: dict[str, Any], kind: str) -> tuple[str, tuple[Turn, ...]]:
    return turns(typed(raw, "messages", list, kind, "[]api.Message") or [])


def _prompt(raw: dict[str, Any], kind: str) -> tuple[str, tuple[Turn, ...]]:
    """A prompt is one turn of the user. What stands after the gap, `suffix`, stays in the body."""
    prompt = typed(raw, "prompt", str, kind, "string") or ""
    system = typed(raw, "system", str, kind, "string") or ""
    typed(raw, "raw", bool, kind, "bool")
    for name in ("suffix", "template"):
        typed(raw, name, str, kind, "string")
    typed(raw, "context", list, kind, "[]int")
    return system, (Turn("user", (Text(prompt), *pictures(raw, kind))),)


def _loaded(model: str, call: Call, why: str, *, chat: bool) -> Reply:
    said: dict[str, Any] = {"message": {"role": "assistant", "content": ""}} if chat else {"response": ""}
    return reply({"model": model, "created_at": moment(call.created), **said, "done": True, "done_reason": why})
