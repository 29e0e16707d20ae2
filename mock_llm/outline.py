"""What the journal keeps of a request and an answer."""

from __future__ import annotations

from collections.abc import Mapping

from mock_llm.completion import Completion, Request, ToolCall
from mock_llm.journal import Entry

# Worth keeping for a verdict on the client; never a key.
KEEP = (
    b"user-agent",
    b"idempotency-key",
    b"x-stainless-retry-count",
    b"x-stainless-read-timeout",
    b"x-stainless-timeout",
    b"anthropic-version",
    b"anthropic-beta",
)


def note_headers(entry: Entry, headers: Mapping[bytes, bytes]) -> None:
    """Attempt number, trace, and the headers kept."""
    kept = entry.headers
    for name in KEEP:
        if name in headers:
            kept[name.decode()] = headers[name].decode("latin-1")
    retries = headers.get(b"x-stainless-retry-count")
    if retries is not None and retries.isdigit():
        entry.attempt = int(retries)
    trace = headers.get(b"traceparent")
    if trace is not None:
        parts = trace.decode("latin-1").split("-")
        if len(parts) >= 4 and len(parts[1]) == 32 and len(parts[2]) == 16:
            entry.trace_id, entry.parent_id = parts[1], parts[2]
            # A state without a valid parent means nothing (W3C Trace Context, 3.3).
            entry.trace_state = headers.get(b"tracestate", b"").decode("latin-1")


def note_request(entry: Entry, request: Request) -> None:
    """Model, length of the conversation, tools offered."""
    entry.model = request.model
    entry.streamed = request.stream
    entry.messages = len(request.turns)
    if request.tools:
        entry.tools_offered = tuple(tool.name for tool in request.tools)


def describe(entry: Entry, completion: Completion) -> None:
    """Usage, finish reason, blocks."""
    usage = completion.usage
    if usage is not None:
        entry.prompt_tokens = usage.prompt
        entry.completion_tokens = usage.completion
        entry.cached_tokens = usage.cached
        entry.reasoning_tokens = usage.reasoning
    first = completion.choices[0]
    entry.finish = first.finish or ""
    entry.answer = completion
    blocks = first.blocks if len(completion.choices) == 1 else [b for c in completion.choices for b in c.blocks]
    called = [b.name for b in blocks if isinstance(b, ToolCall)]
    if called:
        entry.tools_called = tuple(called)
