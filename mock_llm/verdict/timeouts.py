"""How long the client listened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mock_llm.verdict.rule import Attempts, Finding, Limits, finding, rule


@rule("no_read_timeout")
def no_read_timeout(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Listened to a stalled answer beyond all patience."""
    for call in calls:
        for entry in call:
            if "stall" in entry.faults and entry.ended == "aborted" and entry.duration_s > limits.patience:
                yield finding("no_read_timeout", f"listened to a stalled answer for {entry.duration_s:.0f} s", entry)


@rule("timeout_shorter_than_script_latency")
def timeout_too_short(calls: Sequence[Attempts], limits: Limits) -> Iterator[Finding]:
    """Left before the first byte of an answer that was on its way."""
    for call in calls:
        for entry in call:
            if entry.ended == "aborted" and entry.first_byte_s is None and "stall" not in entry.faults:
                says = f"left after {entry.duration_s:.2f} s without a byte, though the answer was on its way"
                yield finding("timeout_shorter_than_script_latency", says, entry)
