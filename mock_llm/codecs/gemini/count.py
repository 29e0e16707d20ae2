"""How many tokens a request has."""

from __future__ import annotations

from mock_llm.codecs._gemini import model_of, reply
from mock_llm.codecs._gemini_messages import message
from mock_llm.codecs.gemini.parse import read
from mock_llm.codecs.protocol import Call, Reply
from mock_llm.tokens import prompt_tokens


def count_tokens(call: Call) -> Reply:
    """POST countTokens: as many as `usageMetadata.promptTokenCount` of the same request.

    The request stands in `generateContentRequest` (Gemini), or its fields beside each other (Vertex AI).
    """
    model = model_of(call, "countTokens")
    raw = message(call.json, "CountTokensRequest")
    request = read(raw.get("generateContentRequest", raw), call, model)
    used = prompt_tokens(request)
    return reply({"totalTokens": used, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": used}]})
