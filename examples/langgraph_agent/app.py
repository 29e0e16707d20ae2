"""A refund agent on LangGraph behind a small HTTP API, with a memory per conversation.

    python examples/langgraph_agent/app.py --port 9003 [--broken shared-thread | no-step-limit | ascii-transcript]

Needs the extra: pip install 'agent-windtunnel[examples]'.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

BROKEN = ("shared-thread", "no-step-limit", "ascii-transcript")
MAX_STEPS = 10  # of the graph for one message; even, so that a run is cut after its tools have answered

REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "the body is no text"},
    502: {"description": "the model failed or came to no end"},
}


class Message(BaseModel):
    thread: str = Field(min_length=1, max_length=128)
    text: str = Field(min_length=1, max_length=4000)


class Reply(BaseModel):
    status: Literal["completed"] = "completed"
    reply: str


class Ledger(BaseModel):
    entries: list[dict[str, Any]]


def build(broken: str | None) -> FastAPI:
    """The service; `broken` names one of BROKEN."""
    os.environ.setdefault("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")
    os.environ.setdefault("OPENAI_API_KEY", "unset")
    # Imported here: `--help` and a reader of the API need no LangGraph.
    from graph import Till, build_graph
    from langgraph.errors import GraphRecursionError
    from openai import OpenAIError

    log = Path(tempfile.mkdtemp()) / "transcript.log" if broken == "ascii-transcript" else None
    till = Till()
    graph = build_graph(till, os.environ.get("MODEL", "gpt-4o-mini"))
    app = FastAPI(title="refund agent", version="1.0.0")

    @app.post("/chat", responses=REFUSALS)
    async def chat(message: Message) -> Reply:
        # One constant where the caller's conversation belongs: everybody reads everybody's mail.
        thread = "default" if broken == "shared-thread" else message.thread
        steps = 1_000_000 if broken == "no-step-limit" else MAX_STEPS
        config = {"configurable": {"thread_id": thread}, "recursion_limit": steps}
        try:
            state = await graph.ainvoke({"messages": [("user", message.text)]}, config)
        except (OpenAIError, GraphRecursionError) as error:
            raise HTTPException(502, f"{type(error).__name__}: {error}"[:500]) from error
        reply = state["messages"][-1].text
        if log:  # works for its author, and for nobody called Zoë
            with log.open("a", encoding="ascii") as transcript:
                transcript.write(f"user: {message.text}\nagent: {reply}\n")
        return Reply(reply=reply)

    @app.get("/ledger")
    async def ledger() -> Ledger:
        return Ledger(entries=till.entries)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--port", type=int, default=9003)
    parser.add_argument("--broken", choices=BROKEN, help="run with one known defect")
    options = parser.parse_args()
    try:
        service = build(options.broken)
    except ModuleNotFoundError as error:
        parser.exit(1, f"{error.name} is not installed: pip install 'agent-windtunnel[examples]'\n")
    uvicorn.run(service, host="127.0.0.1", port=options.port, log_level="warning")
