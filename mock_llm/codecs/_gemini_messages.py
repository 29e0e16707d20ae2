"""The fields that Gemini's requests have and their types, and the check of a body against them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from mock_llm.codecs._gemini import invalid, snake
from mock_llm.codecs.protocol import ApiError

_PACKAGE = "type.googleapis.com/google.ai.generativelanguage.v1beta."
_LARGEST = {"int32": 2**31 - 1, "int64": 2**63 - 1}

Fields = Mapping[str, str]
"""Names in JSON's spelling. `*type` is a list, `map type` an object of them; `any` is not looked into."""


def _fields(text: str) -> Fields:
    return {name: kind for name, _, kind in (line.strip().partition(": ") for line in text.split(",") if line.strip())}


MESSAGES: Mapping[str, Fields] = {
    "GenerateContentRequest": _fields(
        """model: string, contents: *Content, tools: *Tool, toolConfig: ToolConfig, safetySettings: *SafetySetting,
        systemInstruction: Content, generationConfig: GenerationConfig, cachedContent: string, labels: any,
        serviceTier: string, store: bool, modelArmorConfig: object"""
    ),
    "CountTokensRequest": _fields(
        """model: string, contents: *Content, generateContentRequest: GenerateContentRequest, instances: any,
        systemInstruction: Content, tools: *Tool, generationConfig: GenerationConfig"""
    ),
    "EmbedContentRequest": _fields(
        """model: string, content: Content, taskType: string, title: string, outputDimensionality: int32,
        autoTruncate: bool, embedContentConfig: EmbedContentConfig"""
    ),
    "EmbedContentConfig": _fields(
        """taskType: string, title: string, outputDimensionality: int32, autoTruncate: bool, documentOcr: bool,
        audioTrackExtraction: bool"""
    ),
    "BatchEmbedContentsRequest": _fields("requests: *EmbedContentRequest"),
    "PredictRequest": _fields("instances: *object, parameters: PredictParameters"),
    "PredictParameters": _fields("outputDimensionality: int32, autoTruncate: bool"),
    "Content": _fields("role: string, parts: *Part"),
    "Part": _fields(
        """text: string, thought: bool, thoughtSignature: string, inlineData: Blob, fileData: FileData,
        functionCall: FunctionCall, functionResponse: FunctionResponse, videoMetadata: object, executableCode: object,
        codeExecutionResult: object, mediaResolution: any, partMetadata: object, toolCall: object,
        toolResponse: object, audioTranscription: object, mediaProcessing: any, speechMetadata: object"""
    ),
    "Blob": _fields("data: string, displayName: string, mimeType: string"),
    "FileData": _fields("fileUri: string, displayName: string, mimeType: string"),
    "FunctionCall": _fields("id: string, name: string, args: object, partialArgs: any, willContinue: bool"),
    "FunctionResponse": _fields(
        "id: string, name: string, response: object, willContinue: bool, scheduling: string, parts: any"
    ),
    "Tool": _fields(
        """functionDeclarations: *FunctionDeclaration, googleSearchRetrieval: object, codeExecution: object,
        googleSearch: object, urlContext: object, computerUse: object, fileSearch: object, googleMaps: object,
        retrieval: object, enterpriseWebSearch: object, mcpServers: *object, parallelAiSearch: object,
        exaAiSearch: object"""
    ),
    "FunctionDeclaration": _fields(
        """name: string, description: string, behavior: string, parameters: Schema, parametersJsonSchema: any,
        response: Schema, responseJsonSchema: any"""
    ),
    "ToolConfig": _fields(
        """functionCallingConfig: FunctionCallingConfig, retrievalConfig: object,
        includeServerSideToolInvocations: bool"""
    ),
    "FunctionCallingConfig": _fields("mode: string, allowedFunctionNames: *string, streamFunctionCallArguments: bool"),
    "SafetySetting": _fields("category: string, threshold: string, method: string"),
    "ThinkingConfig": _fields("includeThoughts: bool, thinkingBudget: int32, thinkingLevel: string"),
    "GenerationConfig": _fields(
        """stopSequences: *string, responseMimeType: string, responseSchema: Schema, responseJsonSchema: any,
        responseModalities: *string, candidateCount: int32, maxOutputTokens: int32, temperature: float, topP: float,
        topK: float, seed: int32, presencePenalty: float, frequencyPenalty: float, responseLogprobs: bool,
        logprobs: int32, enableEnhancedCivicAnswers: bool, speechConfig: any, thinkingConfig: ThinkingConfig,
        imageConfig: object, mediaResolution: string, audioTimestamp: bool, routingConfig: object,
        modelSelectionConfig: object, enableAffectiveDialog: bool, responseFormat: any, translationConfig: object,
        audioTranscriptionConfig: object"""
    ),
    "Schema": _fields(
        """type: string, format: string, title: string, description: string, nullable: bool, enum: *string,
        maxItems: int64, minItems: int64, properties: map Schema, required: *string, minProperties: int64,
        maxProperties: int64, minLength: int64, maxLength: int64, pattern: string, example: any, anyOf: *Schema,
        propertyOrdering: *string, default: any, items: Schema, minimum: double, maximum: double,
        additionalProperties: any, defs: map Schema, ref: string, $defs: map Schema, $ref: string"""
    ),
}


def message(raw: Any, name: str, at: str = "") -> dict[str, Any]:
    """`raw` as a message: fields under their names in JSON, without nulls, lists where one value was given.

    Raises ApiError (400), as Google's transcoder words it, for a field that there is not and a value of a wrong type.
    """
    if not isinstance(raw, dict):
        raise _wrong(raw, _PACKAGE + name, at) if at else invalid("Invalid JSON payload received.")
    fields = MESSAGES[name]
    made: dict[str, Any] = {}
    for key, value in raw.items():
        known = key if key in fields else _camel(key)
        kind = fields.get(known)
        if kind is None:
            place = f" at '{at}'" if at else ""
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{key}"{place}: Cannot find field.',
                f"{at}.{key}" if at else key,
            )
        if value is not None:
            made[known] = _value(value, kind, f"{at}.{snake(known)}" if at else snake(known))
    return made


def _value(value: Any, kind: str, at: str) -> Any:
    if kind[0] == "*":
        if isinstance(value, list):
            return [_value(item, kind[1:], f"{at}[{i}]") for i, item in enumerate(value)]
        return [_value(value, kind[1:], at)]
    if kind.startswith("map "):
        if not isinstance(value, dict):
            raise _wrong(value, "Map", at)
        return {key: _value(part, kind[4:], f"{at}[{i}].value") for i, (key, part) in enumerate(value.items())}
    if kind in MESSAGES:
        return message(value, kind, at)
    return _plain(value, kind, at)


def _plain(value: Any, kind: str, at: str) -> Any:
    """A value that is no message; numbers may be written as strings."""
    if kind == "any":
        return value
    if kind == "object":
        if not isinstance(value, dict):
            raise _wrong(value, "type.googleapis.com/google.protobuf.Struct", at)
        return value
    if kind == "string" and isinstance(value, str):
        return value
    if kind == "bool" and (isinstance(value, bool) or value in ("true", "false")):
        return value in (True, "true")
    if kind in ("int32", "int64", "float", "double") and isinstance(value, int | float | str):
        number = _number(value)
        whole = kind in _LARGEST
        if number is not None and not (whole and (number != int(number) or abs(number) > _LARGEST[kind])):
            return int(number) if whole else number
    raise _wrong(value, f"TYPE_{kind.upper()}", at)


def _number(value: float | str) -> float | None:
    if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", value)):
        return None
    found = float(value)
    return value if isinstance(value, int) else found if abs(found) < float("inf") else None


def _wrong(value: Any, kind: str, at: str) -> ApiError:
    shown = orjson.dumps(value).decode()
    return invalid(f"Invalid value at '{at}' ({kind}), {shown[:200]}", at)


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
