"""How many tokens a request has."""

from __future__ import annotations

from mock_llm.codecs._gemini import field, known, reply
from mock_llm.codecs.gemini.parse import read
from mock_llm.codecs.protocol import Call, Reply
from mock_llm.tokens import prompt_tokens


def count_tokens(call: Call) -> Reply:
    """POST countTokens: as many as `usageMetadata.promptTokenCount` of the same request.

    The request stands in `generateContentRequest` (Gemini), or its fields beside each other (Vertex AI).
    """
    names = (
        "contents",
        "generateContentRequest",
        "model",
        "instances",
        "systemInstruction",
        "tools",
        "generationConfig",
    )
    raw = known(call.json, names)
    inner = field(raw, "generateContentRequest")
    request = read(inner if inner is not None else raw, call, "countTokens")
    used = prompt_tokens(request)
    return reply({"totalTokens": used, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": used}]})
