"""Request and token limits that refill, as the providers keep them: a bucket for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from mock_llm.codecs.protocol import ApiError, Headers
from mock_llm.faults.fault import Fault, Hit, fault
from mock_llm.faults.status import retry_after
from mock_llm.tokens import prompt_tokens


@fault("rate_limit")
@dataclass(frozen=True, slots=True)
class RateLimit(Fault):
    """429 while a bucket is empty. A bucket holds `requests` (or `tokens`) and refills them within `per_s` seconds.

    A request takes one from the first bucket and its prompt's tokens from the second; a refused one takes
    nothing. retry_after_as: how the time until it would pass is told; `none` leaves the client to guess.
    """

    spoils: ClassVar[bool] = True

    requests: int | None = None
    tokens: int | None = None
    per_s: float = 60.0
    retry_after_as: Literal["seconds", "date", "ms", "none"] = "seconds"

    def __post_init__(self) -> None:
        if self.requests is None and self.tokens is None:
            raise ValueError("rate_limit needs requests, tokens or both")
        if self.per_s <= 0:
            raise ValueError("per_s must be above 0")

    def strikes(self, hit: Hit) -> bool:
        wanted = (
            ("requests", self.requests, 1.0),
            ("tokens", self.tokens, float(prompt_tokens(hit.request)) if hit.request is not None else 0.0),
        )
        wait, left = 0.0, {}
        for name, size, cost in wanted:
            if size is None:
                continue
            level, at = hit.memory.get(name, (float(size), hit.now))
            rate = size / self.per_s
            level = min(float(size), level + max(0.0, hit.now - at) * rate)
            # What exceeds the whole bucket would never pass: it takes a full one, as with the providers' bursts.
            cost = min(cost, float(size))
            left[name] = (level, cost)
            if level + 1e-9 < cost:
                wait = max(wait, (cost - level) / rate)
        refused = wait > 0
        for name, (level, cost) in left.items():
            hit.memory[name] = (level if refused else level - cost, hit.now)
        hit.memory["wait"] = wait
        return refused

    def refuse(self, hit: Hit) -> ApiError:
        wait: float = hit.memory["wait"]
        headers: Headers = ()
        told = None
        if self.retry_after_as != "none":
            told = wait if self.retry_after_as == "ms" else float(math.ceil(wait))
            headers = (retry_after(told, self.retry_after_as, hit.now),)
        return ApiError(429, headers=headers, retry_after=told)
