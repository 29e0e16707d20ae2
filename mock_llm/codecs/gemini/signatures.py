"""Thought signatures: Gemini 3 signs the first function call of each step, and refuses it back unsigned."""

from __future__ import annotations

import re
from typing import Any

from mock_llm.codecs.protocol import ApiError, Call


def signs(model: str) -> bool:
    """Whether the model signs its calls: Gemini 3 and later."""
    found = re.match(r"gemini-(\d+)", model)
    return found is not None and int(found[1]) >= 3


def signature(call: Call, candidate: int) -> str:
    """The signature of a candidate's first function call, in base64."""
    return call.id("", f"signature{candidate}", 64)


def check(contents: list[dict[str, Any]]) -> None:
    """Raises ApiError (400) where a step of the current turn calls functions and its first call has no signature.

    The current turn is what follows the newest text of the user's. What a signature says is not looked at.
    """
    for place in range(_current(contents), len(contents)):
        if place and _model(contents[place]) and _model(contents[place - 1]) and _calls(contents[place - 1]):
            continue  # the step goes on: only its first call is signed
        calls = _calls(contents[place]) if _model(contents[place]) else []
        if calls and not calls[0].get("thoughtSignature"):
            name = calls[0]["functionCall"].get("name", "")
            raise ApiError(
                400,
                "Function call is missing a thought_signature in functionCall parts. This is required for tools to "
                "work correctly, and missing thought_signature may lead to degraded model performance. Additional "
                f"data, function call `default_api:{name}` , position {place + 1}. Please refer to "
                "https://ai.google.dev/gemini-api/docs/thought-signatures for more details.",
            )


def _current(contents: list[dict[str, Any]]) -> int:
    """The place of the newest content of the user's that is not only function responses."""
    for place in range(len(contents) - 1, -1, -1):
        content = contents[place]
        if not _model(content) and any("functionResponse" not in part for part in content.get("parts") or ()):
            return place
    return 0


def _model(content: dict[str, Any]) -> bool:
    return content.get("role") == "model"


def _calls(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for part in content.get("parts") or () if "functionCall" in part]
