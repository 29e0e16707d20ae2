"""OpenAI's moderations: flagged by words, with scores that depend on the text alone."""

from __future__ import annotations

import re
from typing import Any

import orjson

from mock_llm.codecs import _openai
from mock_llm.codecs._openai_plain import PlainOpenAI
from mock_llm.codecs.protocol import Call, Reply, Route
from mock_llm.completion import Usage
from mock_llm.seed import Seed
from mock_llm.tokens import count

# A category is flagged when one of these words occurs: enough to script a test by its input.
_WORDS: dict[str, str] = {
    "harassment": r"idiot|stupid|loser",
    "harassment/threatening": r"hurt you|kill you|find you",
    "hate": r"subhuman|vermin",
    "hate/threatening": r"exterminate",
    "illicit": r"shoplift|counterfeit|launder",
    "illicit/violent": r"build a bomb|pipe bomb",
    "self-harm": r"self-harm|suicide",
    "self-harm/intent": r"kill myself|hurt myself",
    "self-harm/instructions": r"how to self-harm",
    "sexual": r"explicit sex|porn",
    "sexual/minors": r"sexual.*minor",
    "violence": r"\bkill|murder|stab|shoot",
    "violence/graphic": r"gore|dismember",
}
_PATTERNS = {name: re.compile(words, re.IGNORECASE) for name, words in _WORDS.items()}


def create(call: Call) -> Reply:
    """POST /moderations: one result for each input (several parts of one message count as one)."""
    raw = call.json
    if not isinstance(raw, dict) or "input" not in raw:
        raise _openai.invalid("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    given = raw["input"]
    if isinstance(given, str):
        texts = [given]
    elif isinstance(given, list) and all(isinstance(item, str) for item in given):
        texts = given
    elif isinstance(given, list) and all(isinstance(item, dict) for item in given):
        texts = ["\n".join(str(item.get("text", "")) for item in given)]
    else:
        raise _openai.invalid(
            "Invalid type for 'input': expected one of a string or an array.", "input", "invalid_type"
        )
    model = raw.get("model") or "omni-moderation-latest"
    body = {
        "id": call.id("modr-"),
        "model": model,
        "results": [_result(text) for text in texts],
    }
    usage = Usage(sum(count(text) for text in texts))
    return Reply(200, orjson.dumps(body), _openai.headers(call), model, usage)


def _result(text: str) -> dict[str, Any]:
    seed = Seed(text)
    found = {name: pattern.search(text) is not None for name, pattern in _PATTERNS.items()}
    scores = {name: round((0.9 if hit else 0.0001) + seed.digest(name, 1)[0] / 4096, 6) for name, hit in found.items()}
    return {
        "flagged": any(found.values()),
        "categories": found,
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] for name in found},
    }


CODEC = PlainOpenAI("openai-moderations", _openai.routes(Route("POST", "/v1/moderations", create)))
