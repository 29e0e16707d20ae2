"""What the client repeats, how often, and what it does not repeat."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from mock_llm.verdict.attempts import RETRYABLE
from mock_llm.verdict.conversation import talk
from mock_llm.verdict.rule import Attempts, Finding, Limits, finding, rule


@rule("retried_non_retryable")
def retried_non_retryable(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Repeated what was refused for good: a wrong request stays wrong."""
    for call in calls:
        for before, after in itertools.pairwise(call):
            if before.status >= 400 and before.status not in RETRYABLE and not before.should_retry:
                yield finding(
                    "retried_non_retryable", f"sent the same request again after {before.status}", before, after
                )


@rule("retry_storm")
def retry_storm(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """More attempts at one call than any provider should see."""
    for call in calls:
        if len(call) > limits.most_attempts:
            says = f"{len(call)} attempts at one call, at most {limits.most_attempts} are sane"
            yield finding("retry_storm", says, call[0], call[-1])


@rule("gave_up_on_retryable")
def gave_up_on_retryable(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Never tried again after an error that passes, here or with another model, though nobody told it not to."""
    for call in calls:
        if len(call) != 1 or call[0].status not in RETRYABLE or call[0].should_retry is False:
            continue
        asked = talk(call[0])
        elsewhere = (other[0] for other in calls if other[0].session == call[0].session)
        if not any(entry.seq > call[0].seq and talk(entry).asks_as(asked) for entry in elsewhere):
            yield finding("gave_up_on_retryable", f"no second attempt after {call[0].status}", call[0])
