"""The answer to a request that no rule matches: enough sense to drive an agent loop to its end."""

from __future__ import annotations

import re

import orjson

from mock_llm.completion import Block, Choice, Completion, Request, Text, Thinking, Tool, ToolCall
from mock_llm.script.generate import arguments_for, value_for
from mock_llm.seed import Seed

_QUOTED = 400  # characters of a tool result that the final answer repeats


def auto_answer(request: Request, seed: Seed) -> Completion:
    """Call a fitting tool once for each user turn, then answer with what it gave back.

    A tool choice of `required` or a named tool is obeyed each time, as the providers do. JSON output gives
    a value that satisfies the schema.
    """
    blocks: tuple[Block, ...] = ()
    if request.params.thinking:
        blocks = (Thinking("The user asks: " + _clip(request.newest_user, 120)),)
    tool = _tool_to_call(request)
    if tool is not None:
        arguments = arguments_for(tool, request, seed.rng("auto"))
        return _repeated(request, (*blocks, ToolCall(tool.name, arguments, custom=tool.custom)))
    return _repeated(request, (*blocks, Text(_text(request, seed))))


def _repeated(request: Request, blocks: tuple[Block, ...]) -> Completion:
    return Completion((Choice(blocks),) * max(1, request.params.n))


def _tool_to_call(request: Request) -> Tool | None:
    choice = request.tool_choice
    if not request.tools or choice.mode == "none":
        return None
    allowed = [t for t in request.tools if not choice.names or t.name in choice.names]
    if not allowed:
        return None
    if choice.mode in ("required", "tool"):
        return _fitting(allowed, request.newest_user)
    return None if _already_called(request) else _fitting(allowed, request.newest_user)


def _already_called(request: Request) -> bool:
    for turn in reversed(request.turns):
        kinds = {type(block) for block in turn.blocks}
        if ToolCall in kinds or turn.role == "tool":
            return True
        if turn.role == "user" and Text in kinds:
            return any(block.__class__.__name__ == "ToolResult" for block in turn.blocks)
    return False


def _fitting(tools: list[Tool], text: str) -> Tool:
    """The tool whose name and description share most words with the text; the first of equals."""
    wanted = _stems(text)

    def score(tool: Tool) -> int:
        return 3 * len(wanted & _stems(tool.name)) + len(wanted & _stems(tool.description))

    return max(tools, key=score)


def _stems(text: str) -> set[str]:
    words = re.findall(r"[a-z]{3,}", re.sub(r"([a-z])([A-Z])", r"\1 \2", text).casefold().replace("_", " "))
    return {word[:5] for word in words}


def _text(request: Request, seed: Seed) -> str:
    params = request.params
    if params.output == "json_schema" and params.schema is not None:
        return orjson.dumps(value_for(params.schema, seed.rng("json"), request.newest_user)).decode()
    if params.output == "json_object":
        return orjson.dumps({"answer": _clip(request.newest, _QUOTED)}).decode()
    results = request.fresh_results()
    if results:
        said = "; ".join(f"{r.name or 'the tool'} returned: {_clip(r.text, _QUOTED)}" for r in results)
        return f"Regarding “{_clip(request.newest_user, 120)}”: {said}"
    if request.newest_user:
        return f"This is a mock answer to: {_clip(request.newest_user, _QUOTED)}"
    return "This is a mock answer."


def _clip(text: str, most: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"
