"""A whole `response`, and keeping it."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from mock_llm.codecs import _openai
from mock_llm.codecs.openai_chat.logprobs import token_logprobs
from mock_llm.codecs.openai_responses.history import CONVERSATION, RESPONSE, conversation_id, history, own_items
from mock_llm.codecs.openai_responses.items import Item, ident
from mock_llm.codecs.openai_responses.parse import wants_summary
from mock_llm.codecs.protocol import Call, Reply
from mock_llm.completion import Choice, Completion, Refusal, Request, Text, Thinking, ToolCall, Usage

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


def render(completion: Completion, request: Request, call: Call) -> Reply:
    """The answer; one that runs in the background is queued at first."""
    body = made(completion, request, call)
    if request.raw.get("background"):
        body = pending(body, "queued")
    usage = completion.usage or Usage()
    return Reply(200, orjson.dumps(body), _openai.headers(call, usage.prompt))


def made(completion: Completion, request: Request, call: Call) -> dict[str, Any]:
    """The finished response, kept unless the client said `store: false`."""
    raw = request.raw
    body = response(completion, request, call, ident(call, "resp_"))
    before, added = history(dict(raw), call), own_items(dict(raw), call)
    output = body["output"]
    if raw.get("store") is not False:
        record = {
            "body": body,
            "input": added,
            "context": [*before, *added, *output],
            "seed": call.seed,
            "chunk": call.settings.chunk_tokens,
            # What a background response still goes through, one step a look.
            "ahead": ("in_progress", "completed") if raw.get("background") and not request.stream else (),
        }
        call.store.put(RESPONSE, body["id"], record)
        for item in (*added, *output):
            call.store.put("response.item", item["id"], item)
    conversation = conversation_id(dict(raw))
    kept = call.store.get(CONVERSATION, conversation) if conversation is not None else None
    if kept is not None:
        call.store.put(CONVERSATION, kept["body"]["id"], {**kept, "items": [*kept["items"], *added, *output]})
    return body


def pending(body: dict[str, Any], status: str) -> dict[str, Any]:
    """The response before it has said anything."""
    return {**body, "status": status, "output": [], "usage": None, "completed_at": None, "incomplete_details": None}


def response(completion: Completion, request: Request, call: Call, name: str) -> dict[str, Any]:
    """The body, with the request's parameters repeated and OpenAI's defaults filled in."""
    raw = request.raw
    choice = completion.first
    reason = _INCOMPLETE.get(choice.finish or "")
    reasoning, text = raw.get("reasoning") or {}, raw.get("text") or {}
    conversation = conversation_id(dict(raw))
    body: dict[str, Any] = {
        "id": name,
        "object": "response",
        "created_at": call.created,
        "status": "incomplete" if reason else "completed",
        "background": bool(raw.get("background")),
        "completed_at": None if reason else call.created,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": raw.get("instructions"),
        "max_output_tokens": raw.get("max_output_tokens"),
        "max_tool_calls": raw.get("max_tool_calls"),
        "model": completion.model or request.model,
        "output": _output(choice, request, call, "incomplete" if reason else "completed"),
        "parallel_tool_calls": raw.get("parallel_tool_calls") is not False,
        "previous_response_id": raw.get("previous_response_id"),
        "prompt_cache_key": raw.get("prompt_cache_key"),
        "prompt_cache_retention": raw.get("prompt_cache_retention"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": raw.get("safety_identifier"),
        "service_tier": "default",
        "store": raw.get("store") is not False,
        "temperature": _or(raw.get("temperature"), 1.0),
        "text": {"format": text.get("format") or {"type": "text"}, "verbosity": text.get("verbosity") or "medium"},
        "tool_choice": raw.get("tool_choice") or "auto",
        "tools": [_tool(tool) for tool in raw.get("tools") or ()],
        "top_logprobs": raw.get("top_logprobs") or 0,
        "top_p": _or(raw.get("top_p"), 1.0),
        "truncation": raw.get("truncation") or "disabled",
        "usage": usage_body(completion.usage or Usage()),
        "user": raw.get("user"),
        "metadata": raw.get("metadata") or {},
    }
    if conversation is not None:
        body["conversation"] = {"id": conversation}
    if raw.get("prompt") is not None:
        body["prompt"] = raw["prompt"]
    return body


def usage_body(usage: Usage) -> dict[str, Any]:
    """Token counts as the Responses API names them."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": 0},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }


def _or(value: Any, default: float) -> Any:
    return default if value is None else value


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A function is strict unless the client said otherwise: here lies a difference to Chat Completions."""
    if tool["type"] != "function":
        return tool
    strict = tool.get("strict")
    return {"description": None, "parameters": {}, **tool, "strict": True if strict is None else strict}


def _output(choice: Choice, request: Request, call: Call, status: str) -> list[Item]:
    """The blocks as items; texts and refusals in a row are the parts of one message."""
    found: list[Item] = []
    for index, block in enumerate(choice.blocks):
        if isinstance(block, Thinking):
            found.append(_reasoning(block, request, call, index))
        elif isinstance(block, ToolCall):
            found.append(_called(block, call, index))
        elif isinstance(block, Text | Refusal):
            if not found or found[-1]["type"] != "message":
                found.append(
                    {
                        "id": ident(call, "msg_", index),
                        "type": "message",
                        "status": "completed",
                        "role": "assistant",
                        "content": [],
                    }
                )
            found[-1]["content"].append(_part(block, request, call, index))
    if found and status != "completed" and "status" in found[-1]:
        found[-1]["status"] = status
    return found


def _part(block: Text | Refusal, request: Request, call: Call, index: int) -> Item:
    if isinstance(block, Refusal):
        return {"type": "refusal", "refusal": block.text}
    probs = token_logprobs(block.text, request, call, str(index)) if request.params.logprobs else []
    return {"type": "output_text", "annotations": [], "logprobs": probs, "text": block.text}


def _called(block: ToolCall, call: Call, index: int) -> Item:
    if block.custom:
        return {
            "id": ident(call, "ctc_", index),
            "type": "custom_tool_call",
            "status": "completed",
            "call_id": block.id,
            "input": block.arguments,
            "name": block.name,
        }
    return {
        "id": ident(call, "fc_", index),
        "type": "function_call",
        "status": "completed",
        "arguments": block.arguments,
        "call_id": block.id,
        "name": block.name,
    }


def _reasoning(block: Thinking, request: Request, call: Call, index: int) -> Item:
    summary = [{"type": "summary_text", "text": block.text}] if wants_summary(request.raw) and block.text else []
    item: Item = {"id": ident(call, "rs_", index), "type": "reasoning", "summary": summary}
    if "reasoning.encrypted_content" in (request.raw.get("include") or ()):
        item["encrypted_content"] = base64.b64encode(block.text.encode()).decode()
    return item
