"""Secrets that the client sent to the model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mock_llm.keys import SHAPES
from mock_llm.verdict.rule import Attempts, Finding, Limits, finding, rule


@rule("secrets_in_prompts")
def secrets_in_prompts(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """A prompt holds what looks like a secret; the finding shows its beginning only."""
    for call in calls:
        for name, pattern in SHAPES.items():
            found = pattern.search(call[0].request)
            if found:
                start = found.group()[:6].decode("ascii", "replace")
                yield finding("secrets_in_prompts", f"the body of the request holds {name}: {start}...", call[0])
