"""How a text or a JSON value is compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Pattern:
    """A test of a text with a readable name. `search` gives the match (or True), or None."""

    shown: str
    search: Callable[[str], re.Match[str] | bool | None]
    needle: str | None = None  # of `contains`, without case: lets a matcher fold its text once for all rules

    def __str__(self) -> str:
        return self.shown


def contains(text: str) -> Pattern:
    """The text occurs, in any case of letters."""
    wanted = text.casefold()
    return Pattern(f"contains {text!r}", lambda value: wanted in value.casefold() or None, wanted)


def equals(text: str) -> Pattern:
    """The whole text, letter for letter."""
    return Pattern(f"equals {text!r}", lambda value: value == text or None)


def regex(pattern: str) -> Pattern:
    """A regular expression occurs; its groups are `match` in templates. Raises ValueError if it is none."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
    return Pattern(f"matches /{pattern}/", compiled.search)


_KINDS: dict[str, Callable[[str], Pattern]] = {"contains": contains, "equals": equals, "regex": regex}


def pattern_from_data(data: Any, where: str, plain: Callable[[str], Pattern] = contains) -> Pattern:
    """A pattern from a string (`/.../` is a regular expression) or from {contains|equals|regex: text}.

    Raises ValueError that starts with `where`.
    """
    if isinstance(data, Pattern):
        return data
    if isinstance(data, re.Pattern):
        return Pattern(f"matches /{data.pattern}/", data.search)
    if isinstance(data, str):
        if len(data) > 2 and data[0] == data[-1] == "/":
            return regex(data[1:-1])
        return plain(data)
    if isinstance(data, Mapping) and len(data) == 1:
        kind, text = next(iter(data.items()))
        if kind in _KINDS and isinstance(text, str):
            return _KINDS[kind](text)
    raise ValueError(f"{where}: expected a text or one of {{contains|equals|regex: text}}, got {data!r}")
