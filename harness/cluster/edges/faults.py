"""What can be wrong with an edge."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Direction = Literal["up", "down", "both"]  # up: from the caller to the service


class EdgeFault(BaseModel):
    """One fault on one edge.

    delay: every chunk arrives `delay_ms` (+- `jitter_ms`) later. black_hole: nothing passes, nothing is
    refused. refuse: the connection is reset at once. reset: open connections are reset, new ones too.
    cut: reset after `after_bytes`. bandwidth: at most `bytes_per_s`. http: requests are answered with
    `status` and never reach the service; with `times` only so many on each edge, then they pass again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["delay", "black_hole", "refuse", "reset", "cut", "bandwidth", "http"]
    direction: Direction = "both"
    delay_ms: float = Field(0.0, ge=0)
    jitter_ms: float = Field(0.0, ge=0)
    after_bytes: int = Field(0, ge=0)
    bytes_per_s: float = Field(0.0, ge=0)
    status: int = Field(503, ge=200, le=599)
    body: str = ""
    times: int | None = Field(None, ge=1)
    headers: dict[str, str] = {}

    def covers(self, direction: Direction) -> bool:
        """True when this fault concerns bytes that flow in `direction`."""
        return self.direction in ("both", direction)
