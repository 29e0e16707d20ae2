"""Reading a generateContent request into the neutral form."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from mock_llm.codecs._gemini import KNOWN, invalid, model_of, streams
from mock_llm.codecs._gemini_messages import message
from mock_llm.codecs.gemini.conversation import read_parts, read_turns
from mock_llm.codecs.gemini.schema import json_schema
from mock_llm.codecs.gemini.signatures import check, signs
from mock_llm.codecs.protocol import Call
from mock_llm.completion import AUTO, Params, Request, Text, Tool, ToolChoice
from mock_llm.tokens import prompt_tokens

NAME = "gemini"
_MOST_STOPS = 5
_MIMES = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")
_MODES = {"AUTO": "auto", "NONE": "none", "ANY": "required", "VALIDATED": "auto", "MODE_UNSPECIFIED": "auto"}


def parse(call: Call) -> Request:
    """The request. Raises ApiError in Google's words."""
    model = model_of(call, "streamGenerateContent" if streams(call) else "generateContent")
    raw = message(call.json, "GenerateContentRequest")
    request = read(raw, call, model)
    if signs(model):
        check(raw["contents"])
    return request


def read(raw: dict[str, Any], call: Call, model: str) -> Request:
    """The same for a checked message, as it stands in countTokens' too."""
    instruction = raw.get("systemInstruction")
    request = Request(
        protocol=NAME,
        model=model,
        turns=read_turns(raw.get("contents")),
        system=_system(instruction) if instruction else "",
        tools=tuple(_tools(raw.get("tools") or [])),
        params=_params(raw.get("generationConfig") or {}),
        stream=streams(call),
        raw=call.json,
        headers=call.headers,
        session=call.session,
        ordinal=call.ordinal,
    )
    choice = _choice(raw.get("toolConfig") or {}, request.tools)
    if choice is not AUTO:
        request = replace(request, tool_choice=choice)
    limit = call.settings.context_windows.get(model) or KNOWN.get(model)
    if limit is not None and len(call.body) > limit:
        used = prompt_tokens(request)
        if used > limit:
            raise invalid(f"The input token count ({used}) exceeds the maximum number of tokens allowed ({limit}).")
    return request


def _system(instruction: dict[str, Any]) -> str:
    parts = read_parts(instruction.get("parts"), "system_instruction", "s")
    return "\n".join(block.text for block in parts if isinstance(block, Text))


def _tools(tools: list[dict[str, Any]]) -> list[Tool]:
    found: list[Tool] = []
    for index, item in enumerate(tools):
        for place, spec in enumerate(item.get("functionDeclarations") or ()):
            found.append(_declared(spec, f"tools[{index}].function_declarations[{place}]"))
    names = [tool.name for tool in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise invalid(f"Duplicate function declaration found: {twice}", "tools")
    return found


def _declared(spec: dict[str, Any], at: str) -> Tool:
    name = spec.get("name") or ""
    if not re.fullmatch(r"[A-Za-z_][\w.:-]{0,127}", name):
        raise invalid(
            f"* GenerateContentRequest.{at}.name: [FIELD_INVALID] Invalid function name. Must start with a letter or "
            "an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), "
            "with a maximum length of 128.\n",
            f"{at}.name",
        )
    free = spec.get("parametersJsonSchema")
    parameters = spec.get("parameters")
    if free is not None and parameters is not None:
        raise invalid(
            f"* GenerateContentRequest.{at}: only one of parameters and parameters_json_schema may be set.\n", at
        )
    if parameters is None:
        return Tool(name, str(spec.get("description") or ""), free if isinstance(free, dict) else {"type": "object"})
    schema = json_schema(parameters, f"{at}.parameters")
    if schema.get("type") == "object" and not schema.get("properties"):
        raise invalid(
            f"* GenerateContentRequest.{at}.parameters.properties: should be non-empty for OBJECT type\n",
            f"{at}.parameters.properties",
        )
    return Tool(name, str(spec.get("description") or ""), schema)


def _choice(config: dict[str, Any], tools: tuple[Tool, ...]) -> ToolChoice:
    calling = config.get("functionCallingConfig") or {}
    mode = str(calling.get("mode") or "AUTO").upper()
    at = "tool_config.function_calling_config"
    if mode not in _MODES:
        raise invalid(f"Invalid value at '{at}.mode', \"{calling['mode']}\"", f"{at}.mode")
    allowed = tuple(calling.get("allowedFunctionNames") or ())
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise invalid("Allowed function names should be set only when function calling mode is ANY or VALIDATED.", at)
    unknown = [name for name in allowed if name not in {tool.name for tool in tools}]
    if unknown:
        raise invalid(
            f"* GenerateContentRequest.{at}.allowed_function_names: [{unknown[0]}] is not a declared function.\n",
            f"{at}.allowed_function_names",
        )
    return AUTO if mode == "AUTO" else ToolChoice(_MODES[mode], allowed)  # type: ignore[arg-type]


def _params(config: dict[str, Any]) -> Params:
    at = "* GenerateContentRequest.generation_config"
    mime = config.get("responseMimeType") or "text/plain"
    if mime not in _MIMES:
        shown = ", ".join(f"`{name}`" for name in _MIMES[:-1])
        raise invalid(f"{at}.response_mime_type: allowed mimetypes are {shown} and `{_MIMES[-1]}`.\n")
    schema = config.get("responseJsonSchema")
    described = config.get("responseSchema")
    if schema is None and described is not None:
        schema = json_schema(described, "generation_config.response_schema")
    if schema is not None and mime == "text/plain":
        raise invalid(f"{at}.response_mime_type: must be `application/json` or `text/x.enum` with a response schema.\n")
    count = config.get("candidateCount") or 1
    if not 1 <= count <= 8:
        raise invalid(f"{at}.candidate_count: must be in the range [1, 8].\n", "generation_config.candidate_count")
    heat = config.get("temperature")
    if heat is not None and not 0 <= heat <= 2:
        raise invalid(f"{at}.temperature: must be in the range [0.0, 2.0].\n", "generation_config.temperature")
    thinking = config.get("thinkingConfig") or {}
    stop = config.get("stopSequences") or ()
    if len(stop) > _MOST_STOPS:
        raise invalid(
            f"{at}.stop_sequences: must have at most {_MOST_STOPS} elements.\n", "generation_config.stop_sequences"
        )
    most = config.get("maxOutputTokens") or None
    if most is not None and most < 0:
        raise invalid(f"{at}.max_output_tokens: must be positive.\n", "generation_config.max_output_tokens")
    return Params(
        max_tokens=most,
        stop=tuple(stop),
        n=count,
        output="json_schema" if schema is not None else "json_object" if mime == "application/json" else "text",
        schema=schema,
        schema_strict=True,
        thinking=thinking.get("includeThoughts") is True,
        temperature=heat,
    )
