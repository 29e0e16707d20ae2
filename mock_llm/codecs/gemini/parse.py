"""Reading a generateContent request into the neutral form."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from mock_llm.codecs._gemini import KNOWN, field, invalid, known, model_of, streams
from mock_llm.codecs.gemini.conversation import read_parts, read_turns
from mock_llm.codecs.gemini.schema import json_schema
from mock_llm.codecs.protocol import Call
from mock_llm.completion import AUTO, Params, Request, Text, Tool, ToolChoice
from mock_llm.tokens import prompt_tokens

NAME = "gemini"
_TOP = (
    "model", "contents", "tools", "toolConfig", "safetySettings", "systemInstruction", "generationConfig",
    "cachedContent", "labels", "serviceTier", "store", "modelArmorConfig",
)  # fmt: skip
_GENERATION = (
    "stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities", "candidateCount",
    "maxOutputTokens", "temperature", "topP", "topK", "seed", "presencePenalty", "frequencyPenalty", "responseLogprobs",
    "logprobs", "enableEnhancedCivicAnswers", "speechConfig", "thinkingConfig", "imageConfig", "mediaResolution",
    "audioTimestamp", "routingConfig", "modelSelectionConfig", "enableAffectiveDialog", "responseFormat",
)  # fmt: skip
_TOOL = (
    "functionDeclarations", "googleSearchRetrieval", "codeExecution", "googleSearch", "urlContext", "computerUse",
    "fileSearch", "googleMaps", "retrieval", "enterpriseWebSearch", "mcpServers",
)  # fmt: skip
_DECLARATION = (
    "name",
    "description",
    "behavior",
    "parameters",
    "parametersJsonSchema",
    "response",
    "responseJsonSchema",
)
_MIMES = ("text/plain", "application/json", "application/xml", "application/yaml", "text/x.enum")
_MODES = {"AUTO": "auto", "NONE": "none", "ANY": "required", "VALIDATED": "auto", "MODE_UNSPECIFIED": "auto"}


def parse(call: Call) -> Request:
    """The request. Raises ApiError in Google's words."""
    return read(call.json, call, "streamGenerateContent" if streams(call) else "generateContent")


def read(body: Any, call: Call, method: str) -> Request:
    """The same for a body that stands in another one, as countTokens has it."""
    model = model_of(call, method)
    raw = known(body, _TOP)
    instruction = field(raw, "systemInstruction")
    request = Request(
        protocol=NAME,
        model=model,
        turns=read_turns(field(raw, "contents")),
        system=_system(instruction) if instruction else "",
        tools=tuple(_tools(field(raw, "tools") or [])),
        params=_params(field(raw, "generationConfig") or {}),
        stream=streams(call),
        raw=raw,
        headers=call.headers,
        session=call.session,
        ordinal=call.ordinal,
    )
    choice = _choice(field(raw, "toolConfig"), request.tools)
    if choice is not AUTO:
        request = replace(request, tool_choice=choice)
    limit = call.settings.context_windows.get(model) or KNOWN.get(model)
    if limit is not None and len(call.body) > limit:
        used = prompt_tokens(request)
        if used > limit:
            raise invalid(f"The input token count ({used}) exceeds the maximum number of tokens allowed ({limit}).")
    return request


def _system(instruction: Any) -> str:
    if isinstance(instruction, str):
        return instruction
    parts = read_parts(
        known(instruction, ("role", "parts"), "system_instruction").get("parts"), "system_instruction", "s"
    )
    return "\n".join(block.text for block in parts if isinstance(block, Text))


def _tools(tools: Any) -> list[Tool]:
    found: list[Tool] = []
    for index, item in enumerate(tools if isinstance(tools, list) else [tools]):
        at = f"tools[{index}]"
        for place, spec in enumerate(field(known(item, _TOOL, at), "functionDeclarations") or ()):
            found.append(_declared(spec, f"{at}.function_declarations[{place}]"))
    names = [tool.name for tool in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise invalid(f"Duplicate function declaration found: {twice}", "tools")
    return found


def _declared(raw: Any, at: str) -> Tool:
    spec = known(raw, _DECLARATION, at)
    name = spec.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_][\w.:-]{0,127}", name):
        raise invalid(
            f"* GenerateContentRequest.{at}.name: [FIELD_INVALID] Invalid function name. Must start with a letter or "
            "an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), "
            "with a maximum length of 128.\n",
            f"{at}.name",
        )
    free = field(spec, "parametersJsonSchema")
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


def _choice(raw: Any, tools: tuple[Tool, ...]) -> ToolChoice:
    config = known(
        raw or {}, ("functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"), "tool_config"
    )
    names = ("mode", "allowedFunctionNames", "streamFunctionCallArguments")
    calling = known(field(config, "functionCallingConfig") or {}, names, "tool_config.function_calling_config")
    mode = str(calling.get("mode") or "AUTO").upper()
    at = "tool_config.function_calling_config"
    if mode not in _MODES:
        raise invalid(f"Invalid value at '{at}.mode', \"{calling['mode']}\"", f"{at}.mode")
    allowed = tuple(field(calling, "allowedFunctionNames") or ())
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise invalid("Allowed function names should be set only when function calling mode is ANY or VALIDATED.", at)
    unknown = [name for name in allowed if name not in {tool.name for tool in tools}]
    if unknown:
        raise invalid(
            f"* GenerateContentRequest.{at}.allowed_function_names: [{unknown[0]}] is not a declared function.\n",
            f"{at}.allowed_function_names",
        )
    return AUTO if mode == "AUTO" else ToolChoice(_MODES[mode], allowed)  # type: ignore[arg-type]


def _params(raw: Any) -> Params:
    config = known(raw, _GENERATION, "generation_config")
    at = "* GenerateContentRequest.generation_config"
    mime = field(config, "responseMimeType") or "text/plain"
    if mime not in _MIMES:
        shown = ", ".join(f"`{name}`" for name in _MIMES[:-1])
        raise invalid(f"{at}.response_mime_type: allowed mimetypes are {shown} and `{_MIMES[-1]}`.\n")
    schema = field(config, "responseJsonSchema")
    described = field(config, "responseSchema")
    if schema is None and described is not None:
        schema = json_schema(described, "generation_config.response_schema")
    if schema is not None and mime == "text/plain":
        raise invalid(f"{at}.response_mime_type: must be `application/json` or `text/x.enum` with a response schema.\n")
    count = field(config, "candidateCount") or 1
    if not isinstance(count, int) or not 1 <= count <= 8:
        raise invalid(f"{at}.candidate_count: must be in the range [1, 8].\n", "generation_config.candidate_count")
    heat = config.get("temperature")
    if heat is not None and not 0 <= heat <= 2:
        raise invalid(f"{at}.temperature: must be in the range [0.0, 2.0].\n", "generation_config.temperature")
    thinking = field(config, "thinkingConfig") or {}
    stop = field(config, "stopSequences") or ()
    return Params(
        max_tokens=field(config, "maxOutputTokens"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        n=count,
        output="json_schema" if schema is not None else "json_object" if mime == "application/json" else "text",
        schema=schema,
        schema_strict=True,
        thinking=field(thinking, "includeThoughts") is True,
        temperature=heat,
    )
