"""Which models a session has in memory: those it used, until `keep_alive` 0 puts them out.

Nothing expires by itself: the made-up clock of a session goes a second a request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mock_llm.codecs._ollama import go_kind, invalid
from mock_llm.codecs._ollama_library import tagged
from mock_llm.codecs.protocol import Call

_KIND = "ollama.loaded"
_USUAL_S = 300.0
_EVER_S = 3_153_600_000.0  # a hundred years: less than no time means for ever
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")


def lifetime(raw: Mapping[str, Any]) -> float:
    """`keep_alive` in seconds: a number of them, or a duration as Go writes it. Raises ApiError (400)."""
    value = raw.get("keep_alive")
    if value is None:
        return _USUAL_S
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if value >= 0 else _EVER_S
    if not isinstance(value, str):
        raise invalid(f"Unsupported type: '{go_kind(value)}'")
    text = value.lstrip("+-")
    if text == "0":
        return 0.0
    if not text or _PART.sub("", text):
        raise invalid(f'time: invalid duration "{value}"')
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return _EVER_S if value.startswith("-") else seconds


def use(call: Call, model: str, seconds: float) -> None:
    """The model is in memory, or no longer where it is to stay for no time."""
    call.store.delete(_KIND, tagged(model))
    if seconds > 0:
        call.store.put(_KIND, tagged(model), call.created + seconds)


def held(call: Call) -> list[tuple[str, float]]:
    """The models in memory and when each leaves it, the last to leave first."""
    return sorted(call.store.items(_KIND), key=lambda item: -item[1])
