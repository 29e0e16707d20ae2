"""A scripted LLM on loopback: enough of both protocols to drive an agent, and it remembers what it was asked.

The script goes by the last user turn: "search WORDS" asks for web_search and then repeats what it found;
"twice WORDS" does so two times; "slow N search WORDS" takes N seconds for each answer.
Usage: python scripted_llm.py PORT
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SEEN: list[dict[str, Any]] = []
FAULTS: dict[str, dict[str, Any]] = {}  # model -> {"status": 429, "headers": {...}} or {"delay": 15}


async def chat(request: Request) -> Response:
    body = await request.json()
    SEEN.append({"model": body["model"], "headers": dict(request.headers), "messages": body["messages"]})
    fault = FAULTS.get(body["model"], {})
    await asyncio.sleep(fault.get("delay", 0))
    if "status" in fault:
        return JSONResponse({"error": {"message": "scripted"}}, fault["status"], headers=fault.get("headers"))
    messages = body["messages"]
    asked = next(m for m in reversed(messages) if m["role"] == "user")["content"]
    words = asked.split()
    if words[0] == "slow":
        await asyncio.sleep(float(words[1]))
        words = words[2:]
    since = messages[max(i for i, m in enumerate(messages) if m["role"] == "user") :]
    results = [m for m in since if m["role"] == "tool"]
    wanted = {"search": 1, "twice": 2, "forever": 99}.get(words[0], 0)
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if len(results) < wanted:
        arguments = json.dumps({"query": " ".join(words[1:]) + (f" {len(results)}" if words[0] == "forever" else "")})
        call = {"name": "web_search", "arguments": arguments}
        message["tool_calls"] = [{"id": f"call_{len(results)}", "type": "function", "function": call}]
    else:
        message["content"] = f"answer to {' '.join(words)}: {results[-1]['content'][:200] if results else 'none'}"
    usage = {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return JSONResponse({"id": "x", "model": body["model"], "choices": [choice], "usage": usage})


async def messages(request: Request) -> Response:
    body = await request.json()
    SEEN.append({"model": body["model"], "headers": dict(request.headers), "messages": body["messages"]})
    content = [{"type": "text", "text": "answer from the other vendor"}]
    usage = {"input_tokens": 40, "output_tokens": 8}
    return JSONResponse({"model": body["model"], "content": content, "stop_reason": "end_turn", "usage": usage})


async def seen(request: Request) -> Response:
    return JSONResponse(SEEN)


async def faults(request: Request) -> Response:
    FAULTS.clear()
    FAULTS.update(await request.json())
    return Response(status_code=204)


app = Starlette(
    routes=[
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/v1/messages", messages, methods=["POST"]),
        Route("/seen", seen),
        Route("/faults", faults, methods=["PUT"]),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
