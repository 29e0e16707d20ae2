"""A window of time in which the provider is down for everyone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mock_llm.codecs.protocol import ApiError
from mock_llm.faults.fault import Fault, Hit, fault


@fault("outage")
@dataclass(frozen=True, slots=True)
class Outage(Fault):
    """Answer `status` for `seconds` from the first request that the entry strikes, then work again.

    every_s: the outage comes back that long after it began. The clock is the session's own.
    """

    spoils: ClassVar[bool] = True

    seconds: float = 30.0
    status: int = 503
    every_s: float | None = None

    def strikes(self, hit: Hit) -> bool:
        began: float = hit.memory.setdefault("began", hit.now)
        since = hit.now - began
        return (since % self.every_s if self.every_s else since) < self.seconds

    def refuse(self, hit: Hit) -> ApiError:
        return ApiError(self.status)
