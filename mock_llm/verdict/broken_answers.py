"""Broken answers that the client took for good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mock_llm.journal import Entry
from mock_llm.verdict.conversation import went_on
from mock_llm.verdict.rule import Attempts, Finding, Limits, finding, rule


@rule("truncated_stream_accepted")
def truncated_stream_accepted(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Went on with the conversation after an answer that was cut off."""
    yield from _taken(
        calls,
        "truncated_stream_accepted",
        lambda e: e.ended == "cut" and not e.sent_whole,
        "went on with an answer that was cut off",
    )


@rule("malformed_chunk_swallowed")
def malformed_chunk_swallowed(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Went on with the conversation after an answer of which a part could not be read."""
    yield from _taken(
        calls,
        "malformed_chunk_swallowed",
        lambda e: "malformed" in e.faults and e.ended == "complete",
        "went on with an answer of which a chunk was not JSON",
    )


def _taken(calls: Sequence[Attempts], name: str, broken: Callable[[Entry], bool], says: str) -> Iterator[Finding]:
    entries = sorted((entry for call in calls for entry in call), key=lambda entry: entry.seq)
    for call in calls:
        last = call[-1]
        proof = went_on(last, entries) if broken(last) else None
        if proof is not None:
            yield finding(name, says, last, proof)
