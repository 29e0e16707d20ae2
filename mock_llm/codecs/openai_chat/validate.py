"""What OpenAI refuses before it generates anything."""

from __future__ import annotations

from typing import Any

from mock_llm.codecs._openai import invalid


def validate(raw: dict[str, Any]) -> None:
    """Raises ApiError (400) with OpenAI's message, param and code."""
    if "model" not in raw:
        raise invalid("you must provide a model parameter")
    if "messages" not in raw:
        raise invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
