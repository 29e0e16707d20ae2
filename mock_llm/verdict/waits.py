"""How long the client waited before it asked again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mock_llm.verdict.attempts import RETRYABLE, waits
from mock_llm.verdict.rule import Attempts, Finding, Limits, finding, rule


@rule("retry_after_ignored", timed=True)
def retry_after_ignored(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Asked again sooner than Retry-After allowed."""
    for call in calls:
        for before, after, wait in zip(call, call[1:], waits(call), strict=False):
            told = before.retry_after
            if told is not None and wait < told * (1 - limits.early):
                says = f"told to wait {told:g} s after {before.status}, came back after {wait:.3f} s"
                yield finding("retry_after_ignored", says, before, after)


@rule("no_backoff", timed=True)
def no_backoff(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Asked again at once after a failure that only time can heal."""
    for call in calls:
        for before, after, wait in zip(call, call[1:], waits(call), strict=False):
            if before.status in RETRYABLE and before.retry_after is None and wait < limits.shortest_wait:
                yield finding("no_backoff", f"asked again {wait:.3f} s after {before.status}", before, after)


@rule("constant_backoff", timed=True)
def constant_backoff(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Three or more waits of one length: the load that broke the provider comes back at the same rate."""
    for call in calls:
        if any(entry.retry_after is not None for entry in call):
            continue
        found = waits(call)
        if len(found) >= 3 and min(found) >= limits.shortest_wait and max(found) < min(found) * 1.2:
            says = f"waited {', '.join(f'{wait:.2f}' for wait in found)} s: the waits do not grow"
            yield finding("constant_backoff", says, *call)
