"""Message threads (beta): the server holds a conversation, so that a request sends its new messages only.

`thread: {type: create}` keeps what was said under the answer's id; `{type: continue, previous_message_id: ...}` goes on
from there. As the official clients speak it since anthropic 2 (their `client.beta.messages.thread`, and every tool
runner); a client that hears one of the error codes sends the whole conversation again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mock_llm.codecs._anthropic import invalid
from mock_llm.codecs.protocol import ApiError, Call

BETA = b"message-threads-"
_KIND = "anthropic.thread"
_HELD = ("system", "tools")  # what a thread keeps from its first request
_TAGS = "'continue', 'create'"


def joined(raw: dict[str, Any], call: Call) -> dict[str, Any]:
    """The body as if the whole conversation stood in it. Raises ApiError (400, 404)."""
    thread = raw.get("thread")
    if thread is None:
        return raw
    if BETA not in call.headers.get(b"anthropic-beta", b""):
        raise invalid("thread: Extra inputs are not permitted")
    kind = thread.get("type") if isinstance(thread, dict) else None
    if kind == "create":
        return raw
    if kind != "continue":
        raise invalid(f"thread: Input tag {kind!r} found using 'type' does not match any of the expected tags: {_TAGS}")
    previous = thread.get("previous_message_id")
    if not isinstance(previous, str):
        raise invalid("thread.continue.previous_message_id: Field required")
    for name in _HELD:
        if raw.get(name) is not None:
            raise invalid(f"{name}: may not be set when continuing a thread; it was set when the thread was created")
    if not isinstance(raw.get("messages"), list):
        raise invalid("messages: Input should be a valid list")
    held = call.store.get(_KIND, previous)
    if held is None:
        raise ApiError(
            404, f"No thread can be continued from message '{previous}'.", details={"error_code": "thread_not_found"}
        )
    if held["continued"]:
        raise ApiError(
            400,
            f"The thread was already continued from message '{previous}'.",
            details={"error_code": "thread_already_continued"},
        )
    return {**raw, **held["fields"], "messages": [*held["messages"], *raw["messages"]]}


def keep(raw: Mapping[str, Any], message: dict[str, Any], call: Call) -> None:
    """Hold the conversation of `raw` (as `joined` gave it) with its answer, under the answer's id."""
    thread = raw.get("thread")
    if thread is None:
        return
    previous = thread.get("previous_message_id")
    held = call.store.get(_KIND, previous) if previous is not None else None
    if held is not None:
        call.store.put(_KIND, previous, {**held, "continued": True})
    said = {"role": message["role"], "content": message["content"]}
    fields = {name: raw[name] for name in _HELD if raw.get(name) is not None}
    call.store.put(_KIND, message["id"], {"fields": fields, "messages": [*raw["messages"], said], "continued": False})
