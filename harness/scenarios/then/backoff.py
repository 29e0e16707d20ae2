"""`backoff`: pauses between the attempts that grow, and that differ from caller to caller."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from pydantic import Field, JsonValue, model_validator

from harness.scenarios.observation import Claim, Observation
from harness.scenarios.then import Parameters
from harness.scenarios.then.spans import TOOL

LEAST_S, GROWTH, SPREAD = 0.05, 1.25, 0.1
FIX = "wait between attempts: exponential with jitter, e.g. uniform in [0, first * 2^attempt]"


class Backoff(Parameters):
    """Judged over many calls that failed at least twice, by the pause that nine in ten do not exceed: with full jitter
    any one may be next to nothing, and on a busy machine the longest says more of the machine. For 40 calls and pauses
    uniform in [0, 0.25] and [0, 0.5] s, that of the second stays below 1.25 times that of the first in less than
    1 of 10,000 runs (tests/unit/scenarios/test_backoff.py draws them)."""

    tool: str | None = Field(None, description="the attempts at this tool, by their spans")
    models: bool = Field(False, description="the requests to each model, by the mock LLM's journal")
    at_least: int = Field(40, ge=10, description="so many calls that failed twice; fewer show nothing")

    @model_validator(mode="after")
    def _one(self) -> Backoff:
        if (self.tool is not None) == self.models:
            raise ValueError("give either tool or models")
        return self

    def judge(self, seen: Observation) -> Claim:
        if (self.tool is not None and seen.spans is None) or (self.models and seen.models is None):
            return Claim(None, "nobody says when each attempt was made: no spans, or no journal")
        chains = [chain for chain in (self._of_models(seen) if self.models else self._of_spans(seen)) if len(chain) > 1]
        if len(chains) < self.at_least:
            return Claim(
                None, f"{len(chains)} calls failed twice, {self.at_least} are needed to tell back-off from chance"
            )
        first, second = [chain[0] for chain in chains], [chain[1] for chain in chains]
        shown: list[JsonValue] = [[round(pause, 3) for pause in chain] for chain in chains[:40]]
        longest, then = _nine_in_ten(first), _nine_in_ten(second)
        if longest < LEAST_S:
            return Claim(
                False, f"tried again at once: {longest * 1000:.0f} ms after a failure, in nine of ten calls", shown, FIX
            )
        if then < GROWTH * longest:
            text = f"the pauses do not grow: up to {longest:.2f} s after a first failure, {then:.2f} s after a second"
            return Claim(False, text, shown, FIX)
        if longest - min(first) < SPREAD * longest:
            return Claim(False, f"no jitter: all wait {min(first):.2f} to {longest:.2f} s, in step", shown, FIX)
        return Claim(True, f"up to {longest:.2f} s, then up to {then:.2f} s, over {len(chains)} calls")

    def _of_spans(self, seen: Observation) -> Iterator[Sequence[float]]:
        attempts: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        for span in seen.spans or ():
            if span.attributes.get(TOOL) == self.tool:
                attempts[span.trace_id].append((span.start_ns, span.end_ns))
        for rows in attempts.values():
            yield [(after[0] - before[1]) / 1e9 for before, after in pairwise(sorted(rows))]

    def _of_models(self, seen: Observation) -> Iterator[Sequence[float]]:
        asked: defaultdict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
        for call in seen.models or ():
            if call.at is not None:
                asked[(call.trace_id, call.model)].append((call.at, call.at + (call.duration_s or 0.0)))
        for rows in asked.values():
            yield [after[0] - before[1] for before, after in pairwise(sorted(rows))]


def _nine_in_ten(pauses: Sequence[float]) -> float:
    """The 90th percentile, nearest rank (Hyndman and Fan, 1996, definition 1)."""
    return sorted(pauses)[math.ceil(0.9 * len(pauses)) - 1]
