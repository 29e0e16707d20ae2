"""A whole `chat.completion`."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson

from mock_llm.codecs import _openai
from mock_llm.codecs.openai_chat.logprobs import logprobs
from mock_llm.codecs.protocol import Call, Reply
from mock_llm.completion import DEFAULT, Choice, Completion, Request, Text, ToolCall, Usage

FINISH = {"refusal": "stop", "pause": "stop"}


def render(completion: Completion, request: Request, call: Call) -> Reply:
    """The answer; kept for later retrieval where the client asked to store it."""
    usage = completion.usage or Usage()
    choice = completion.choices[0]
    block = choice.blocks[0] if len(choice.blocks) == 1 else None
    if request.params is DEFAULT and type(block) is Text and not request.raw.get("store"):
        plain = _plain(block.text, choice.finish, completion.model, usage, call)
        return Reply(200, plain, _openai.headers(call, usage.prompt))
    body = {
        "id": call.id("chatcmpl-", length=29),
        "object": "chat.completion",
        "created": call.created,
        "model": completion.model,
        "choices": [_choice(i, choice, request, call) for i, choice in enumerate(completion.choices)],
        "usage": usage_body(usage),
        "service_tier": "default",
        "system_fingerprint": fingerprint(completion.model),
    }
    if request.raw.get("store"):
        keep(body, request, call)
    return Reply(200, orjson.dumps(body), _openai.headers(call, usage.prompt))


def _plain(text: str, finish: str | None, model: str, usage: Usage, call: Call) -> bytes:
    """One text and nothing else, put together from ready pieces: the bytes that the general way gives."""
    head, tail = _pieces(model, FINISH.get(finish or "stop", finish or "stop"))
    return b"".join(
        (
            b'{"id":"',
            call.id("chatcmpl-", length=29).encode(),
            b'","object":"chat.completion","created":%d' % call.created,
            head,
            orjson.dumps(text),
            tail,
            orjson.dumps(usage_body(usage)),
            b',"service_tier":"default","system_fingerprint":"%s"}' % fingerprint(model).encode(),
        )
    )


@lru_cache(maxsize=256)
def _pieces(model: str, finish: str) -> tuple[bytes, bytes]:
    head = b',"model":%s,"choices":[{"index":0,"message":{"role":"assistant","content":' % orjson.dumps(model)
    tail = b',"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":%s}],"usage":' % orjson.dumps(finish)
    return head, tail


def keep(body: dict[str, Any], request: Request, call: Call) -> None:
    """Store a completion for retrieve, list, update, delete and messages."""
    kept = {**body, "metadata": request.raw.get("metadata") or {}}
    call.store.put("chat.completion", body["id"], {"body": kept, "messages": request.raw.get("messages", [])})


def _choice(index: int, choice: Choice, request: Request, call: Call) -> dict[str, Any]:
    calls = choice.calls
    text = choice.text
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (calls or choice.refusal) else None,
        "refusal": choice.refusal,
        "annotations": [],
    }
    if calls:
        message["tool_calls"] = [tool_call(item) for item in calls]
    if choice.thinking:
        message["reasoning_content"] = choice.thinking
    return {
        "index": index,
        "message": message,
        "logprobs": logprobs(choice, request, call, index) if request.params.logprobs else None,
        "finish_reason": FINISH.get(choice.finish or "stop", choice.finish),
    }


def tool_call(block: ToolCall) -> dict[str, Any]:
    """A call as it stands in a message."""
    if block.custom:
        return {"id": block.id, "type": "custom", "custom": {"name": block.name, "input": block.arguments}}
    return {
        "id": block.id,
        "type": "function",
        "function": {"name": block.name, "arguments": block.arguments},
    }


def usage_body(usage: Usage) -> dict[str, Any]:
    """Token counts with their details."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


_FINGERPRINTS: dict[str, str] = {}


def fingerprint(model: str) -> str:
    """The backend's fingerprint: one for each model."""
    found = _FINGERPRINTS.get(model)
    if found is None:
        from mock_llm.seed import Seed

        found = _FINGERPRINTS[model] = "fp_" + Seed(model).digest("fingerprint", 5).hex()
    return found
