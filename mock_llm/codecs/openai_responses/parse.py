"""Reading a Responses request into the neutral form, with what it continues before it."""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._openai import invalid
from mock_llm.codecs.openai_responses.history import complete, history, own_items
from mock_llm.codecs.openai_responses.items import kept, turns
from mock_llm.codecs.openai_responses.validate import check_pairs, validate
from mock_llm.codecs.protocol import ApiError, Call
from mock_llm.completion import Params, Request, Tool, ToolChoice
from mock_llm.models import exists, window
from mock_llm.tokens import prompt_tokens

USUAL_MODEL = "gpt-4o"  # where a request names none and the mode makes up what is missing


def parse(call: Call) -> Request:
    """The request. Raises ApiError in OpenAI's words."""
    request = read(call)
    limit = window(request.model, call.settings)
    if limit is not None and request.raw.get("truncation") != "auto" and prompt_tokens(request) > limit:
        raise invalid(
            "Your input exceeds the context window of this model. Please adjust your input and try again.",
            "input",
            "context_length_exceeded",
        )
    return request


def read(call: Call) -> Request:
    """The request, whatever its length: what `input_tokens` counts."""
    raw = call.json if call.json is not None else {}
    if not isinstance(raw, dict):
        raise invalid("Invalid type for request body: expected an object.")
    validate(raw, call)
    model = raw.get("model") or call.params.get("deployment") or (call.settings.models or (USUAL_MODEL,))[0]
    if not exists(model, call.settings):
        raise ApiError(
            400,
            f"The requested model '{model}' does not exist.",
            param="model",
            code="model_not_found",
        )
    items = history(raw, call) + own_items(raw, call)
    if complete(raw, call):
        check_pairs(items)
    system, said = turns(items)
    instructions = raw.get("instructions")
    if isinstance(instructions, str):
        system.insert(0, instructions)
    elif instructions:
        more, before = turns(kept(instructions, call, "instructions"))
        system, said = more + system, before + said
    return Request(
        protocol="openai-responses",
        model=model,
        turns=said,
        system="\n".join(system),
        tools=_tools(raw),
        tool_choice=_choice(raw),
        params=_params(raw),
        stream=raw.get("stream") is True,
        raw=raw,
        headers=call.headers,
        session=call.session,
        ordinal=call.ordinal,
    )


def _tools(raw: dict[str, Any]) -> tuple[Tool, ...]:
    """The tools that the client runs; those that OpenAI runs itself are taken and not used."""
    return tuple(
        Tool(
            tool["name"],
            tool.get("description") or "",
            tool.get("parameters") or {},
            bool(tool.get("strict")),
            custom=tool["type"] == "custom",
        )
        for tool in raw.get("tools") or ()
        if tool["type"] in ("function", "custom")
    )


def _choice(raw: dict[str, Any]) -> ToolChoice:
    choice = raw.get("tool_choice")
    parallel = raw.get("parallel_tool_calls") is not False
    if isinstance(choice, str):
        return ToolChoice(choice, (), parallel)  # type: ignore[arg-type]
    if isinstance(choice, dict):
        if choice.get("type") == "allowed_tools":
            names = tuple(str(tool.get("name", "")) for tool in choice.get("tools") or ())
            return ToolChoice(choice.get("mode") or "auto", names, parallel)
        if choice.get("type") in ("function", "custom"):
            return ToolChoice("tool", (choice["name"],), parallel)
    return ToolChoice(parallel=parallel)


def _params(raw: dict[str, Any]) -> Params:
    form = (raw.get("text") or {}).get("format") or {}
    reasoning = raw.get("reasoning") or {}
    asked = reasoning.get("effort") not in (None, "none") or _summary(reasoning)
    return Params(
        max_tokens=raw.get("max_output_tokens") or None,
        logprobs="message.output_text.logprobs" in (raw.get("include") or ()),
        top_logprobs=raw.get("top_logprobs") or 0,
        output=form.get("type", "text"),
        schema=form.get("schema"),
        schema_strict=bool(form.get("strict")),
        thinking=bool(asked) and reasoning.get("effort") != "none",
        temperature=raw.get("temperature"),
    )


def _summary(reasoning: dict[str, Any]) -> bool:
    return bool(reasoning.get("summary") or reasoning.get("generate_summary"))


def wants_summary(raw: Any) -> bool:
    """Whether the client asked for summaries of the reasoning."""
    return _summary(raw.get("reasoning") or {})
