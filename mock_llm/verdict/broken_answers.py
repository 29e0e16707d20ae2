"""Broken answers that the client took for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from mock_llm.journal import Entry
from mock_llm.verdict.rule import Attempts, Finding, Limits, finding, rule


@rule("truncated_stream_accepted")
def truncated_stream_accepted(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Went on with the conversation after an answer that was cut off."""
    yield from _went_on(
        calls, "truncated_stream_accepted", lambda e: e.ended == "cut", "went on with an answer that was cut off"
    )


@rule("malformed_chunk_swallowed")
def malformed_chunk_swallowed(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Went on with the conversation after an answer of which a part could not be read."""
    yield from _went_on(
        calls,
        "malformed_chunk_swallowed",
        lambda e: "malformed" in e.faults and e.ended == "complete",
        "went on with an answer of which a chunk was not JSON",
    )


def _went_on(calls: Sequence[Attempts], name: str, broken: Callable[[Entry], bool], says: str) -> Iterator[Finding]:
    """The proof: a later request whose conversation begins with the broken one's and is longer."""
    for index, call in enumerate(calls):
        last = call[-1]
        if not broken(last):
            continue
        turns = _turns(last)
        for later in calls[index + 1 :]:
            then = later[0]
            longer = _turns(then) if then.session == last.session and then.path == last.path else []
            if turns and len(longer) > len(turns) and longer[: len(turns)] == turns:
                yield finding(name, says, last, then)
                break


def _turns(entry: Entry) -> list[Any]:
    try:
        body = orjson.loads(entry.request)
    except ValueError:
        return []
    if not isinstance(body, dict):
        return []
    found: list[Any] = next(
        (body[key] for key in ("messages", "contents", "input") if isinstance(body.get(key), list)), []
    )
    return list(found)
