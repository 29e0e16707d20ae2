"""A text that matches a regular expression: walks Python's own parse of it."""

from __future__ import annotations

import random
import re
from re import _constants as c
from re import _parser
from typing import Any

_PRINTABLE = [chr(i) for i in range(32, 127)]
_CATEGORIES = {
    c.CATEGORY_DIGIT: "0123456789",
    c.CATEGORY_SPACE: " ",
    c.CATEGORY_WORD: "abcdefghijklmnopqrstuvwxyz0123456789",
    c.CATEGORY_NOT_DIGIT: "abcdefgh",
    c.CATEGORY_NOT_SPACE: "abcdefgh",
    c.CATEGORY_NOT_WORD: "-",
}


def text_for(pattern: str, rng: random.Random, least: int = 0) -> str:
    """A text that `pattern` is found in, of at least `least` characters where the pattern allows.

    Look-arounds are taken as empty; a result that then fails to match is tried again with longer repeats.
    """
    try:
        tree, compiled = _parser.parse(pattern), re.compile(pattern)
    except re.error:
        return "example"
    text = ""
    for extra in (0, 1, 2, 4, 8, 16, 32, least):
        text = "".join(_walk(tree, rng, extra, {}))
        if len(text) >= least and compiled.search(text):
            return text
    return text


def _walk(tree: Any, rng: random.Random, extra: int, groups: dict[int, str]) -> list[str]:
    out: list[str] = []
    for op, arg in tree:
        if op is c.LITERAL:
            out.append(chr(arg))
        elif op is c.NOT_LITERAL:
            out.append("a" if arg != ord("a") else "b")
        elif op is c.ANY:
            out.append(rng.choice("abcdefgh"))
        elif op is c.IN:
            out.append(_one_of(arg, rng))
        elif op is c.BRANCH:
            out.extend(_walk(rng.choice(arg[1]), rng, extra, groups))
        elif op is c.SUBPATTERN:
            text = "".join(_walk(arg[3], rng, extra, groups))
            if arg[0] is not None:
                groups[arg[0]] = text
            out.append(text)
        elif op in (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT):
            low, high, inner = arg
            for _ in range(min(int(high), max(int(low), extra))):
                out.extend(_walk(inner, rng, extra, groups))
        elif op is c.GROUPREF:
            out.append(groups.get(arg, ""))
        elif op is c.ATOMIC_GROUP:
            out.extend(_walk(arg, rng, extra, groups))
    return out


def _one_of(items: Any, rng: random.Random) -> str:
    allowed: list[str] = []
    negate = False
    for op, arg in items:
        if op is c.NEGATE:
            negate = True
        elif op is c.LITERAL:
            allowed.append(chr(arg))
        elif op is c.RANGE:
            allowed.extend(chr(i) for i in range(arg[0], min(arg[1], arg[0] + 200) + 1))
        elif op is c.CATEGORY:
            allowed.extend(_CATEGORIES.get(arg, "a"))
    if negate:
        allowed = [char for char in _PRINTABLE if char not in set(allowed)] or ["\u00e9"]
    return rng.choice(allowed)
