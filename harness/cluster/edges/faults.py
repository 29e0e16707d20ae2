"""What can be wrong with an edge."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Direction = Literal["up", "down", "both"]  # up: from the caller to the service


class EdgeFault(BaseModel):
    """One fault on one edge.

    delay: every chunk arrives `delay_ms` (+- `jitter_ms`) later. loss: of every hundred chunks `loss_percent` are
    lost and sent again, which is a stall (200 ms, doubled each time it is lost again), as TCP shows loss.
    bandwidth: at most `bytes_per_s`. drip: `piece_bytes` every `every_ms`. cut: reset after `after_bytes`.

    black_hole: nothing passes, nothing is refused. half_open: the service's side of open connections is gone, the
    caller's stays and hears nothing; new ones hear nothing either. refuse: the connection is reset at once. reset:
    open connections are reset, new ones too.

    http: requests are answered with `status`, `headers` and `body` and never reach the service; with `times` only so
    many on each edge, then they pass again. rewrite: the service's own answer gets `headers`, and `body` if there is
    one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal[
        "delay", "loss", "bandwidth", "drip", "cut", "black_hole", "half_open", "refuse", "reset", "http", "rewrite"
    ]
    direction: Direction = "both"
    delay_ms: float = Field(0.0, ge=0)
    jitter_ms: float = Field(0.0, ge=0)
    loss_percent: float = Field(0.0, ge=0, lt=100)
    piece_bytes: int = Field(1, ge=1)
    every_ms: float = Field(0.0, ge=0)
    after_bytes: int = Field(0, ge=0)
    bytes_per_s: float = Field(0.0, ge=0)
    status: int = Field(503, ge=200, le=599)
    body: str = ""
    times: int | None = Field(None, ge=1)
    headers: dict[str, str] = {}

    def covers(self, direction: Direction) -> bool:
        """True when this fault concerns bytes that flow in `direction`."""
        return self.direction in ("both", direction)
