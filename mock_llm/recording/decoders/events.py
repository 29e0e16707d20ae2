"""The JSON values in a streamed body: server-sent events, lines of JSON, or one array."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from mock_llm.completion import Json

_END = re.compile(r"\r\n|\n|\r")
_BLANK = re.compile(r"(?:\r\n|\n|\r){2}")


def events(body: bytes) -> Iterator[Json]:
    """Each value in order; the terminator `[DONE]`, comments and events without data are left out.

    Raises ValueError for data that is not JSON.
    """
    text = body.decode("utf-8")
    start = text.lstrip()[:1]
    if start == "[":
        yield from orjson.loads(text)
    elif start == "{":
        yield from (orjson.loads(line) for line in _END.split(text) if line.strip())
    else:
        for event in _BLANK.split(text):
            data = [_value(line) for line in _END.split(event) if line.startswith("data")]
            joined = "\n".join(data)
            if joined and joined.strip() != "[DONE]":
                yield orjson.loads(joined)


def _value(line: str) -> str:
    return line.partition(":")[2].removeprefix(" ")
